"""Binance's messages: spot, USD-margined and coin-margined contracts, told apart by host or by shape."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from opportunities.market.universe import STABLE
from opscan.recorded.events import Book, BookDelta, Event, Ignored, Instrument, Key, number, side, ticker
from opscan.recorded.messages import Message

EXCHANGE = "binance"
SPOT, LINEAR, INVERSE = "spot", "usdm", "cm"
TRADES = "single trade: no strategy judges these"
_NO_DOLLARS = "not quoted in dollars"
_HOSTS = {"api.binance.com": SPOT, "fapi.binance.com": LINEAR, "dapi.binance.com": INVERSE}
_TERM = r"(?:_(?P<term>PERP|\d{6}))?"
_DOLLARS = re.compile(rf"(?P<base>[A-Z0-9]+?)(?P<quote>{'|'.join(sorted(STABLE))})" + _TERM)
# Coin-margined contracts are on USD alone: BNBUSD_PERP is of BNB, not of BN in BUSD.
_SYMBOLS = {SPOT: _DOLLARS, LINEAR: _DOLLARS, INVERSE: re.compile(r"(?P<base>[A-Z0-9]+)(?P<quote>USD)" + _TERM)}
_NOT_READ = {"trade": TRADES, "aggTrade": TRADES, "forceOrder": TRADES}


def named(kind: str, symbol: str) -> Key | None:
    """What the exchange calls "BTCUSDT", "BTCUSD_PERP" or "BTCUSD_240927"; None where it is not quoted in dollars.
    Raises ValueError where it names a day that there is not.
    """
    parts = _SYMBOLS[kind].fullmatch(symbol.upper())
    if not parts:
        return None
    base, quote, term = parts["base"], parts["quote"], parts["term"]
    settle = {SPOT: "", LINEAR: f":{quote}", INVERSE: f":{base}"}[kind]
    if term in (None, "PERP"):
        return Key(EXCHANGE, f"{base}/{quote}{settle}")
    datetime.strptime(term, "%y%m%d")  # noqa: DTZ007 - only whether there is such a day
    return Key(EXCHANGE, f"{base}/{quote}{settle}-{term}")


def assumed(key: Key) -> Instrument:
    """What a contract is where no instruments were recorded: if inverse, 100 USD of BTC and 10 USD of all others."""
    size = (100.0 if key.base == "BTC" else 10.0) if key.inverse else 1.0
    return Instrument(key, size, size, assumed=True)


def events(message: Message) -> Iterator[Event]:
    """What a message says; nothing if it is not Binance's. Raises KeyError, TypeError or ValueError for a bad one."""
    if kind := _HOSTS.get(message.url.netloc):
        yield from _answer(kind, message)
    elif isinstance(body := message.body, dict):
        stream, data = str(body.get("stream", "")), body.get("data", body)
        if "lastUpdateId" in body and "bids" in body:
            yield _book(INVERSE if "pair" in body else None, str(body.get("symbol", "")), body)
        elif isinstance(data, dict) and ("@" in stream or isinstance(data.get("e"), str)):
            yield _streamed(str(data.get("e") or stream.partition("@")[2].partition("@")[0]), data)


def _answer(kind: str, message: Message) -> Iterator[Event]:
    what = re.sub(r"^/\w+/v\d+/", "", message.url.path)
    rows = message.body if isinstance(message.body, list) else [message.body]
    for row in rows:
        if what == "exchangeInfo":
            yield from (_instrument(kind, symbol) for symbol in row["symbols"])
        elif what == "depth":
            yield _book(kind, dict(parse_qsl(message.url.query))["symbol"], row)
        elif what in ("ticker/bookTicker", "ticker/24hr", "premiumIndex"):
            yield _quoted(kind, row["symbol"], row, kind == INVERSE)
        else:
            yield Ignored(f"answer to {what} of {EXCHANGE}, which is not read")


def _streamed(what: str, data: Mapping[str, Any]) -> Event:
    if what in _NOT_READ:
        return Ignored(_NOT_READ[what])
    if what not in ("depthUpdate", "bookTicker", "24hrTicker", "markPriceUpdate"):
        return Ignored(f"stream {what} of {EXCHANGE}, which is not read")
    kind, symbol = _kind(what, data), data["s"]
    if what == "depthUpdate":
        key = named(kind, symbol)
        bids, asks = side(data["b"], empty=True), side(data["a"], empty=True)
        return BookDelta(key, bids, asks, data["U"], data["u"], data.get("pu")) if key else Ignored(_NO_DOLLARS)
    if what == "markPriceUpdate":
        renamed = {"markPrice": "p", "indexPrice": "i", "lastFundingRate": "r", "nextFundingTime": "T"}
    else:
        renamed = {"bidPrice": "b", "bidQty": "B", "askPrice": "a", "askQty": "A"}
        if what == "24hrTicker":
            renamed |= {"lastPrice": "c", "volume": "v", "quoteVolume": "q"}
    return _quoted(kind, symbol, {name: data.get(short) for name, short in renamed.items()}, kind == INVERSE)


def _kind(what: str, data: Mapping[str, Any]) -> str:
    """Coin-margined symbols are pairs with USD; the other contracts' messages say more than spot's."""
    if re.fullmatch(r"[A-Z0-9]+USD_(?:PERP|\d{6})", data["s"]):
        return INVERSE
    if what == "24hrTicker":
        return SPOT if "b" in data else LINEAR
    return SPOT if what != "markPriceUpdate" and "T" not in data else LINEAR


def _quoted(kind: str, symbol: str, row: Mapping[str, Any], in_contracts: bool) -> Event:  # noqa: FBT001 - private
    key = named(kind, symbol)
    if key is None:
        return Ignored(_NO_DOLLARS)
    usd = number(row.get("volume")) * assumed(key).contract_size if in_contracts else row.get("quoteVolume")
    return ticker(
        key,
        {
            "bid": row.get("bidPrice"),
            "ask": row.get("askPrice"),
            "bid_size": row.get("bidQty"),
            "ask_size": row.get("askQty"),
            "last": row.get("lastPrice"),
            "volume_24h_usd": usd,
            "mark": row.get("markPrice"),
            "index": row.get("indexPrice"),
            "funding_rate": row.get("lastFundingRate"),
            "next_funding_time": number(row.get("nextFundingTime")) / 1000,
        },
    )


def _book(kind: str | None, symbol: str, body: Mapping[str, Any]) -> Event:
    """`kind` is None where the book comes among a stream's messages: then these say what it is of."""
    key = named(kind, symbol) if kind else Key(EXCHANGE, "")
    return Book(key, side(body["bids"]), side(body["asks"]), body["lastUpdateId"]) if key else Ignored(_NO_DOLLARS)


def _instrument(kind: str, row: Mapping[str, Any]) -> Event:
    key = named(kind, row["symbol"])
    if key is None:
        return Ignored("instrument " + _NO_DOLLARS)
    filters = {each["filterType"]: each for each in row["filters"]}
    notional = filters.get("NOTIONAL", filters.get("MIN_NOTIONAL", {}))
    size = number(row["contractSize"]) if kind == INVERSE else 1.0
    least = number(filters["LOT_SIZE"].get("minQty")) * size if kind == INVERSE else None
    return Instrument(
        key,
        contract_size=size,
        unit=size,
        tick=number(filters["PRICE_FILTER"].get("tickSize")),
        lot=number(filters["LOT_SIZE"].get("stepSize")),
        minimum_notional_usd=number(least or notional.get("minNotional", notional.get("notional"))),
    )
