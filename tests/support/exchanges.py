"""Exchanges on this machine: an HTTP server that answers as Binance, Bybit, Kraken and Deribit do, in their own
shapes, with markets made here. ccxt's real parsers read it.
"""

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from opportunities.market.live.exchange import connect

HOUR = 3600
NOW = 1_795_177_230  # 2026-11-20 12:20:30 UTC
LAST_OPEN = NOW // HOUR * HOUR  # the bar that is still open
BARS = 30
PRICES = {"BTC": 60_000.0, "ETH": 3_000.0, "SOL": 150.0, "ABC": 2.0}
DECEMBER = 1_798_185_600  # 2026-12-25 08:00 UTC
FORWARD = 60_600.0
FUNDING_HOURS = {"BTC": 8, "ETH": 8, "SOL": 4, "ABC": 1}

type Query = dict[str, str]
type Route = Callable[[Query], Any]


@dataclass
class Exchanges:
    """`routes` by host and path. Instead of their answers come the `troubles` of a path, one a request, and those that
    `always` has for a part of a path: a status, or None for no answer at all.
    """

    routes: dict[str, Route]
    url: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    troubles: defaultdict[str, list[int | None]] = field(default_factory=lambda: defaultdict(list))
    always: dict[str, int | None] = field(default_factory=dict)
    ended: threading.Event = field(default_factory=threading.Event)

    def connected(self, name: str) -> Any:
        """The ccxt exchange, its addresses replaced by this server's; without its throttle, for which nobody waits."""
        exchange = connect(name)
        exchange.enableRateLimit = False
        exchange.urls["api"] = _local(exchange.urls["api"], self.url)
        exchange.timeout = 300
        return exchange

    def trouble(self, path: str) -> tuple[bool, int | None]:
        for part, status in self.always.items():
            if part in path:
                return True, status
        return (True, self.troubles[path].pop(0)) if self.troubles[path] else (False, None)


@contextmanager
def exchanges() -> Iterator[Exchanges]:
    world = Exchanges({**binance(), **bybit(), **kraken(), **deribit()})

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            path = parts.path.lstrip("/")
            world.asked[path] += 1
            troubled, status = world.trouble(path)
            if troubled and status is None:
                world.ended.wait(5)
                return
            route = world.routes.get(path)
            status = status if troubled else 200 if route else 404
            answer = route(dict(parse_qsl(parts.query))) if route and status == 200 else {"msg": "trouble"}
            body = json.dumps(answer).encode()
            self.send_response(status or 500)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    world.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield world
    finally:
        world.ended.set()
        server.shutdown()
        server.server_close()


def _local(urls: Any, base: str) -> Any:
    if isinstance(urls, dict):
        return {name: _local(url, base) for name, url in urls.items()}
    return urls.replace("https://", f"{base}/")


def close(base: str, bar: int, venue: float = 1.0) -> float:
    """The close of the bar that opens `bar` hours before the one that is open."""
    return PRICES[base] * venue * (1 + 0.001 * (bar % 7))


def bars(base: str, venue: float = 1.0) -> list[list[float]]:
    """Oldest first; the last one is still open and absurd."""
    rows = []
    for bar in range(BARS, 0, -1):
        opened, closed = close(base, bar + 1, venue), close(base, bar, venue)
        high, low = max(opened, closed) * 1.001, min(opened, closed) * 0.999
        rows.append([LAST_OPEN - bar * HOUR, opened, high, low, closed, 10.0 + bar])
    return [*rows, [LAST_OPEN, PRICES[base], PRICES[base] * 9, PRICES[base] / 9, PRICES[base] * 9, 1e9]]


def book(base: str, unit: float = 1.0) -> dict[str, Any]:
    price = PRICES[base]
    return {
        "bids": [[f"{price * (1 - 0.0001 * i):.6f}", f"{i * unit}"] for i in range(1, 6)],
        "asks": [[f"{price * (1 + 0.0001 * i):.6f}", f"{2 * i * unit}"] for i in range(1, 6)],
    }


def _filters(tick: str, step: str, notional: str, kind: str = "NOTIONAL") -> list[dict[str, str]]:
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000", "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": step, "maxQty": "9000", "stepSize": step},
        {"filterType": kind, "minNotional": notional, "notional": notional},
    ]


SPOT_PAIRS = (
    "BTC/USDT",
    "ETH/USDT",
    "SOL/USDT",
    "ABC/USDT",
    "BTCUP/USDT",
    "USDC/USDT",
    "ETH/BTC",
    "OLD/USDT",
    "DEAD/USDT",
    "MUTE/USDT",
)


def binance() -> dict[str, Route]:
    def spot_symbol(pair: str) -> dict[str, Any]:
        base, quote = pair.split("/")
        return {
            "symbol": base + quote,
            "status": "BREAK" if base == "OLD" else "TRADING",
            "baseAsset": base,
            "quoteAsset": quote,
            "baseAssetPrecision": 8,
            "quotePrecision": 8,
            "isSpotTradingAllowed": True,
            "permissionSets": [["SPOT"]],
            "filters": _filters("0.01000000", "0.00001000", "5.00000000"),
        }

    def contract(base: str, kind: str, symbol: str, *, quote: str = "USDT", margin: str = "USDT") -> dict[str, Any]:
        coin = margin != "USDT"
        return {
            "symbol": symbol,
            "pair": base + quote,
            "contractType": kind,
            "deliveryDate": 4_133_404_800_000 if kind == "PERPETUAL" else DECEMBER * 1000,
            "onboardDate": 1_569_398_400_000,
            "contractStatus" if coin else "status": "TRADING",
            "baseAsset": base,
            "quoteAsset": quote,
            "marginAsset": margin,
            "pricePrecision": 2,
            "quantityPrecision": 3,
            **({"contractSize": 100} if coin else {}),
            "filters": _filters("0.10", "1" if coin else "0.001", "5", "MIN_NOTIONAL"),
        }

    def ticker(symbol: str, price: float, usd: float, **more: str) -> dict[str, Any]:
        return {
            "symbol": symbol,
            "lastPrice": f"{price}",
            "volume": f"{usd / price if price else 0}",
            "quoteVolume": f"{usd}",
            "openTime": (NOW - 86_400) * 1000,
            "closeTime": (NOW - (7_200 if symbol == "MUTEUSDT" else 1)) * 1000,
            **more,
        }

    def spot_tickers(_: Query) -> list[dict[str, Any]]:
        rows = []
        for i, pair in enumerate(SPOT_PAIRS):
            base = pair.split("/")[0]
            price = PRICES.get(base, 1.0)
            bid = "0" if base == "DEAD" else f"{price * 0.9999}"
            rows.append(
                ticker(
                    pair.replace("/", ""),
                    price,
                    1e9 / (i + 1),
                    bidPrice=bid,
                    bidQty="1",
                    askPrice=f"{price * 1.0001}",
                    askQty="1",
                )
            )
        return rows

    linear = [contract(base, "PERPETUAL", f"{base}USDT") for base in PRICES]
    linear.append(contract("BTC", "CURRENT_QUARTER", "BTCUSDT_261225"))
    inverse = [
        contract("BTC", "PERPETUAL", "BTCUSD_PERP", quote="USD", margin="BTC"),
        contract("BTC", "CURRENT_QUARTER", "BTCUSD_261225", quote="USD", margin="BTC"),
    ]

    def price_of(row: dict[str, Any]) -> float:
        return FORWARD if row["contractType"] == "CURRENT_QUARTER" else PRICES[row["baseAsset"]] * 1.0005

    def contract_tickers(rows: list[dict[str, Any]]) -> Route:
        return lambda _: [ticker(row["symbol"], price_of(row), 2e9) for row in rows]

    def quotes(rows: list[dict[str, Any]]) -> Route:
        return lambda _: [
            {
                "symbol": row["symbol"],
                "bidPrice": f"{price_of(row) * 0.9999}",
                "bidQty": "1",
                "askPrice": f"{price_of(row) * 1.0001}",
                "askQty": "1",
                "time": NOW * 1000,
            }
            for row in rows
        ]

    def premium(_: Query) -> list[dict[str, Any]]:
        return [
            {
                "symbol": row["symbol"],
                "markPrice": f"{price_of(row)}",
                "indexPrice": f"{PRICES[row['baseAsset']]}",
                "lastFundingRate": "" if "_" in row["symbol"] else "0.00020000",
                "interestRate": "0.0001",
                "nextFundingTime": 0 if "_" in row["symbol"] else (LAST_OPEN + 4 * HOUR) * 1000,
                "time": NOW * 1000,
            }
            for row in linear
        ]

    def paid(query: Query) -> list[dict[str, Any]]:
        base = query["symbol"].removesuffix("USDT")
        hours = FUNDING_HOURS[base]
        last = LAST_OPEN // (hours * HOUR) * hours * HOUR
        return [
            {
                "symbol": query["symbol"],
                "fundingTime": (last - i * hours * HOUR) * 1000 + 7,
                "fundingRate": f"{0.0001 + 0.00001 * i:.8f}",
            }
            for i in range(4, -1, -1)
        ]

    def klines(query: Query) -> list[list[Any]]:
        return [
            [row[0] * 1000, *map(str, row[1:]), (row[0] + HOUR) * 1000 - 1, "0", 1, "0", "0", "0"]
            for row in bars(query["symbol"].removesuffix("USDT"))
        ]

    def depth(query: Query) -> dict[str, Any]:
        return {"lastUpdateId": 1, **book(query["symbol"].removesuffix("USDT"))}

    spot, fapi, dapi = "api.binance.com/api/v3", "fapi.binance.com/fapi/v1", "dapi.binance.com/dapi/v1"
    return {
        f"{spot}/exchangeInfo": lambda _: {"symbols": [spot_symbol(pair) for pair in SPOT_PAIRS]},
        f"{fapi}/exchangeInfo": lambda _: {"symbols": linear},
        f"{dapi}/exchangeInfo": lambda _: {"symbols": inverse},
        f"{spot}/ticker/24hr": spot_tickers,
        f"{fapi}/ticker/24hr": contract_tickers(linear),
        f"{dapi}/ticker/24hr": contract_tickers(inverse),
        f"{fapi}/ticker/bookTicker": quotes(linear),
        f"{dapi}/ticker/bookTicker": quotes(inverse),
        f"{fapi}/premiumIndex": premium,
        f"{fapi}/fundingInfo": lambda _: [{"symbol": "SOLUSDT", "fundingIntervalHours": 4}],
        f"{fapi}/fundingRate": paid,
        f"{spot}/klines": klines,
        f"{fapi}/klines": klines,
        f"{spot}/depth": depth,
        f"{fapi}/depth": depth,
    }


def bybit() -> dict[str, Route]:
    """BTC as on Binance and a coin that is called ABC too; ten times the size on linear contracts of ABC."""

    def wrapped(category: str, rows: list[Any]) -> dict[str, Any]:
        return {"retCode": 0, "retMsg": "OK", "result": {"category": category, "list": rows}, "time": NOW * 1000}

    def instruments(query: Query) -> dict[str, Any]:
        if query["category"] == "inverse":
            return wrapped("inverse", [])
        spot = query["category"] == "spot"
        rows = [
            {
                "symbol": f"{base}USDT",
                "baseCoin": base,
                "quoteCoin": "USDT",
                "status": "Trading",
                "priceFilter": {"tickSize": "0.01"},
                "lotSizeFilter": {
                    "basePrecision": "0.000001",
                    "quotePrecision": "0.0000001",
                    "minOrderQty": "0.001",
                    "qtyStep": "0.001",
                    "minOrderAmt": "1",
                    "minNotionalValue": "5",
                },
                **(
                    {}
                    if spot
                    else {
                        "contractType": "LinearPerpetual",
                        "settleCoin": "USDT",
                        "fundingInterval": 480,
                        "launchTime": "1584230400000",
                        "deliveryTime": "0",
                        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100"},
                    }
                ),
            }
            for base in ("BTC", "ABC")
        ]
        return wrapped(query["category"], rows)

    def tickers(query: Query) -> dict[str, Any]:
        if query["category"] == "inverse":
            return wrapped("inverse", [])
        rows = []
        for base, price in (("BTC", 60_030.0), ("ABC", 14.0)):
            row = {
                "symbol": f"{base}USDT",
                "lastPrice": f"{price}",
                "bid1Price": f"{price * 0.9998}",
                "bid1Size": "1",
                "ask1Price": f"{price * 1.0002}",
                "ask1Size": "1",
                "volume24h": f"{4e8 / price if base == 'BTC' else 1e6}",
                "turnover24h": "400000000" if base == "BTC" else "14000000",
            }
            if query["category"] == "linear":
                row |= {
                    "markPrice": f"{price}",
                    "indexPrice": f"{price * 0.999}",
                    "fundingRate": "-0.0003",
                    "nextFundingTime": f"{(LAST_OPEN + 4 * HOUR) * 1000}",
                    "openInterest": "100",
                    "openInterestValue": "6003000",
                }
            rows.append(row)
        return wrapped(query["category"], rows)

    def paid(query: Query) -> dict[str, Any]:
        return wrapped(
            "linear",
            [
                {
                    "symbol": query["symbol"],
                    "fundingRate": f"{-0.0001 * (i + 1):.8f}",
                    "fundingRateTimestamp": f"{(LAST_OPEN - (4 + 8 * i) * HOUR) * 1000}",
                }
                for i in range(3)
            ],
        )

    def klines(query: Query) -> dict[str, Any]:
        rows = [[str(row[0] * 1000), *map(str, row[1:]), "0"] for row in reversed(bars("BTC", 1.0005))]
        return wrapped(query["category"], rows)

    def depth(query: Query) -> dict[str, Any]:
        levels = book("BTC")
        return {
            "retCode": 0,
            "retMsg": "OK",
            "result": {"s": query["symbol"], "b": levels["bids"], "a": levels["asks"], "ts": NOW * 1000, "u": 1},
            "time": NOW * 1000,
        }

    at = "api.bybit.com/v5/market"
    return {
        f"{at}/instruments-info": instruments,
        f"{at}/tickers": tickers,
        f"{at}/funding/history": paid,
        f"{at}/kline": klines,
        f"{at}/orderbook": depth,
    }


def kraken() -> dict[str, Route]:
    def pairs(_: Query) -> dict[str, Any]:
        return {
            "error": [],
            "result": {
                "XXBTZUSD": {
                    "altname": "XBTUSD",
                    "wsname": "XBT/USD",
                    "aclass_base": "currency",
                    "base": "XXBT",
                    "aclass_quote": "currency",
                    "quote": "ZUSD",
                    "pair_decimals": 1,
                    "lot_decimals": 8,
                    "cost_decimals": 5,
                    "lot_multiplier": 1,
                    "fees": [[0, 0.40]],
                    "fees_maker": [[0, 0.25]],
                    "ordermin": "0.0001",
                    "costmin": "0.5",
                    "tick_size": "0.1",
                    "status": "online",
                }
            },
        }

    def tickers(_: Query) -> dict[str, Any]:
        return {
            "error": [],
            "result": {
                "XXBTZUSD": {
                    "a": ["59990.0", "1", "1.0"],
                    "b": ["59980.0", "1", "1.0"],
                    "c": ["59985.0", "0.1"],
                    "v": ["100", "1000"],
                    "p": ["60000", "60000"],
                    "t": [1, 2],
                    "l": ["1", "1"],
                    "h": ["1", "1"],
                    "o": "1",
                }
            },
        }

    def depth(_: Query) -> dict[str, Any]:
        levels = book("BTC")
        return {
            "error": [],
            "result": {"XXBTZUSD": {side: [[*level, NOW] for level in levels[side]] for side in ("bids", "asks")}},
        }

    at = "api.kraken.com/0/public"
    return {f"{at}/AssetPairs": pairs, f"{at}/Ticker": tickers, f"{at}/Depth": depth}


def deribit_forward(day: str) -> float:
    return {"25DEC26": FORWARD, "21NOV26": 60_050.0}[day]


def deribit() -> dict[str, Route]:
    """One future, and two expiries of options, of which the near one has no future; parity holds for the marks. The
    spot pair, the linear future and the spread of two futures are not asked for.
    """
    expiries = {"25DEC26": DECEMBER, "21NOV26": 1_795_248_000}
    strikes = (50_000, 60_000, 70_000)

    def answered(result: Any) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "result": result, "usIn": 1, "usOut": 2, "usDiff": 1, "testnet": False}

    def option(day: str, strike: int, kind: str) -> dict[str, Any]:
        return {
            "instrument_name": f"BTC-{day}-{strike}-{kind[0].upper()}",
            "kind": "option",
            "option_type": kind,
            "strike": float(strike),
            "expiration_timestamp": expiries[day] * 1000,
            "base_currency": "BTC",
            "quote_currency": "BTC",
            "settlement_currency": "BTC",
            "counter_currency": "USD",
            "contract_size": 1.0,
            "tick_size": 0.0001,
            "min_trade_amount": 0.1,
            "taker_commission": 0.0003,
            "maker_commission": 0.0003,
            "is_active": True,
            "settlement_period": "month",
            "creation_timestamp": 1,
            "instrument_type": "reversed",
        }

    future = {
        "instrument_name": "BTC-25DEC26",
        "kind": "future",
        "expiration_timestamp": DECEMBER * 1000,
        "base_currency": "BTC",
        "quote_currency": "USD",
        "settlement_currency": "BTC",
        "counter_currency": "USD",
        "contract_size": 10.0,
        "tick_size": 2.5,
        "min_trade_amount": 10.0,
        "taker_commission": 0.0005,
        "maker_commission": 0.0,
        "is_active": True,
        "settlement_period": "month",
        "instrument_type": "reversed",
        "future_type": "reversed",
        "creation_timestamp": 1,
    }
    chain = [option(day, strike, kind) for day in expiries for strike in strikes for kind in ("call", "put")]

    def mark(row: dict[str, Any]) -> float:
        day = row["instrument_name"].split("-")[1]
        gap = 1 - row["strike"] / deribit_forward(day)  # C - P in coin
        return 0.03 + (max(gap, 0.0) if row["option_type"] == "call" else max(-gap, 0.0))

    def summary(query: Query) -> dict[str, Any]:
        if query["currency"] != "BTC":
            return answered([])
        if query["kind"] == "future":
            return answered(
                [
                    {
                        "instrument_name": "BTC-25DEC26",
                        "base_currency": "BTC",
                        "quote_currency": "USD",
                        "bid_price": FORWARD - 5,
                        "ask_price": FORWARD + 5,
                        "mid_price": FORWARD,
                        "mark_price": FORWARD + 1,
                        "last": FORWARD,
                        "volume": 10.0,
                        "volume_usd": 606_000.0,
                        "open_interest": 1_234_560,
                        "estimated_delivery_price": 60_010.0,
                        "high": 1.0,
                        "low": 1.0,
                        "creation_timestamp": NOW * 1000,
                    }
                ]
            )
        return answered(
            [
                {
                    "instrument_name": row["instrument_name"],
                    "base_currency": "BTC",
                    "quote_currency": "BTC",
                    "bid_price": mark(row) - 0.001,
                    "ask_price": None if row["strike"] == 70_000 else mark(row) + 0.001,
                    "mid_price": mark(row),
                    "mark_price": mark(row),
                    "mark_iv": 55.5,
                    "last": 0.03,
                    "volume": 4.0,
                    "volume_usd": 7_200.0,
                    "open_interest": 12.5,
                    "estimated_delivery_price": 60_010.0,
                    "underlying_price": 60_010.0 if "21NOV" in row["instrument_name"] else FORWARD,
                    "underlying_index": "index_price" if "21NOV" in row["instrument_name"] else "BTC-25DEC26",
                    "interest_rate": 0.0,
                    "creation_timestamp": NOW * 1000,
                    "high": 1.0,
                    "low": 1.0,
                    "price_change": 0.0,
                }
                for row in chain
            ]
        )

    ether = future | {"instrument_name": "ETH-25DEC26", "base_currency": "ETH", "settlement_currency": "ETH"}
    pair = future | {
        "instrument_name": "BTC_USDC",
        "kind": "spot",
        "quote_currency": "USDC",
        "counter_currency": "USDC",
        "settlement_currency": None,
        "instrument_type": "linear",
    }
    linear = pair | {"instrument_name": "BTC_USDC-25DEC26", "kind": "future", "settlement_currency": "USDC"}
    spread = future | {"instrument_name": "BTC-FS-25DEC26_PERP", "kind": "future_combo"}
    at = "www.deribit.com/api/v2/public"
    return {
        f"{at}/get_instruments": lambda _: answered([future, ether, pair, linear, spread, *chain]),
        f"{at}/get_book_summary_by_currency": summary,
    }
