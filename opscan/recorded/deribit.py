"""Deribit's messages: contracts and options; inverse ones are counted in USD, the others in coins."""

import re
from collections.abc import Iterator, Mapping
from math import nan
from typing import Any

from opportunities.market.option_chains import dated, deribit_contract, deribit_expiry
from opscan.recorded.binance import TRADES
from opscan.recorded.events import Book, BookDelta, Event, Ignored, Instrument, Key, Side, number, side, ticker
from opscan.recorded.messages import Message

EXCHANGE = "deribit"
FUNDING_HOURS = 8
"""Deribit pays funding all the time; it states the rate of 8 hours."""

_HOST = "www.deribit.com"
_CONTRACT = re.compile(r"(?P<base>[A-Z0-9]+)(?:_(?P<quote>USD[CT]))?-(?P<term>PERPETUAL|\d{1,2}[A-Z]{3}\d{2})")
_PAIR = re.compile(r"[A-Z0-9]+_[A-Z0-9]+")
_OPTION = re.compile(r".+-\d+(?:D\d+)?-[CP]")  # the strike 0d5 is half a dollar


def named(name: str) -> Key | None:
    """What the exchange calls "BTC-PERPETUAL", "SOL_USDC-PERPETUAL", "BTC-24SEP21" or "BTC-24SEP21-40000-C"; None for
    options that are not quoted in coin, and for other names.
    """
    if option := deribit_contract(name):
        return Key(EXCHANGE, option.symbol)
    parts = _CONTRACT.fullmatch(name)
    if not parts:
        return None
    base, quote, term = parts["base"], parts["quote"], parts["term"]
    symbol = f"{base}/{quote}:{quote}" if quote else f"{base}/USD:{base}"
    if term == "PERPETUAL":
        return Key(EXCHANGE, symbol)
    expiry = deribit_expiry(term)
    return Key(EXCHANGE, f"{symbol}-{dated(expiry)}") if expiry else None


def assumed(key: Key) -> Instrument:
    """Sizes are in USD of inverse contracts, else in units of base; how much a contract is, only they say."""
    return Instrument(key, contract_size=nan, unit=1.0, assumed=True)


def events(message: Message) -> Iterator[Event]:
    """What a message says; nothing if it is not Deribit's. Raises KeyError, TypeError or ValueError for a bad one."""
    body = message.body
    if not isinstance(body, dict) or "jsonrpc" not in body:
        return
    if body.get("method") == "subscription":
        channel, data = body["params"]["channel"], body["params"]["data"]
        what = channel.partition(".")[0]
        if what == "ticker":
            yield _ticker(data)
        elif what == "book":
            yield _book(data)
        else:
            yield Ignored(TRADES if what == "trades" else f"channel {what} of {EXCHANGE}, which is not read")
    elif message.url.netloc == _HOST:
        what, result = message.url.path.rpartition("/")[2], body["result"]
        if what == "get_instruments":
            yield from (_instrument(row) for row in result if row.get("is_active", True))
        elif what in ("ticker", "get_order_book"):
            yield (quoted := _ticker(result))
            if what == "get_order_book" and not isinstance(quoted, Ignored):
                yield _book(result)
        else:
            yield Ignored(f"answer to {what} of {EXCHANGE}, which is not read")


def _unread(name: str) -> str:
    """Why an instrument that has no `named` is not read."""
    if _PAIR.fullmatch(name):
        return f"spot market of {EXCHANGE}, which is not read"
    if _OPTION.fullmatch(name.upper()):
        return "option not quoted in coin"
    return f"instrument of {EXCHANGE} of another kind, which is not read"


def _ticker(row: Mapping[str, Any]) -> Event:
    key = named(row["instrument_name"])
    if key is None:
        return Ignored(_unread(row["instrument_name"]))
    option = key.section == "options"
    index = number(row.get("index_price"))
    in_usd = 1.0 if key.inverse and not option else index
    return ticker(
        key,
        {
            "bid": row["best_bid_price"],
            "ask": row["best_ask_price"],
            "bid_size": row["best_bid_amount"],
            "ask_size": row["best_ask_amount"],
            "last": row.get("last_price"),
            "mark": row["mark_price"],
            "index": index,
            "open_interest_usd": number(row.get("open_interest")) * in_usd,
            "volume_24h_usd": number((row.get("stats") or {}).get("volume_usd")),
            "mark_iv": number(row.get("mark_iv")) / 100,
            "forward": None if row.get("underlying_index") == "index_price" else row.get("underlying_price"),
            "funding_rate": row.get("funding_8h"),
            "funding_hours": FUNDING_HOURS if "funding_8h" in row else None,
        },
    )


def _book(row: Mapping[str, Any]) -> Event:
    key = named(row["instrument_name"])
    if key is None:
        return Ignored(_unread(row["instrument_name"]))
    bids, asks = _side(row["bids"]), _side(row["asks"])
    update, previous = row["change_id"], row.get("prev_change_id")
    if row.get("type", "snapshot") == "snapshot":
        return Book(key, bids, asks, update)
    return BookDelta(key, bids, asks, update, update, previous)


def _side(levels: list[list[Any]]) -> Side:
    """Levels are [price, size], or [what is done, price, size], where a level that is deleted has the size 0."""
    return side([level[-2:] for level in levels], empty=True)


def _instrument(row: Mapping[str, Any]) -> Event:
    key = named(row["instrument_name"])
    if key is None:
        return Ignored("listed " + _unread(row["instrument_name"]))
    size, least = number(row["contract_size"]), number(row["min_trade_amount"])
    in_usd = key.inverse and key.section != "options"
    return Instrument(
        key,
        contract_size=size,
        unit=1.0,
        tick=number(row["tick_size"]),
        lot=least / size,
        minimum_notional_usd=least if in_usd else nan,
    )
