"""Snapshots as bytes and back: the one place that knows the file format of the `snapshot` module's docstring.

The last block is one uint64, the sum modulo 2^64 of all 64-bit words before its value: it finds truncated and
damaged files. A forged one is refused, as far as its structure goes, by `blocks` and `header`.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import asdict

import numpy as np

from opportunities.errors import MarketDataError
from opportunities.market.blocks import Blocks
from opportunities.market.header import Header, read_header
from opportunities.market.snapshot import Books, Candles, Floats, Ints, MarketSnapshot, Perpetuals, Spot

FORMAT = 1

_CANDLES = ("open", "high", "low", "close", "volume")
_BOOKS = ("bid_price", "bid_size", "ask_price", "ask_size")
_SPOT = ("bid", "ask", "last", "volume_24h_usd")
_PERPETUALS = (
    *("bid", "ask", "mark", "index", "funding_rate", "funding_interval_hours"),
    *("open_interest_usd", "volume_24h_usd"),
)

_WORD = 8
_LARGEST_HEADER = 1 << 22


def save(snapshot: MarketSnapshot) -> bytes:
    """The snapshot as bytes, the same for equal snapshots. Raises MarketDataError where its arrays do not fit."""
    arrays = dict(_arrays(snapshot))
    header = json.dumps(_describe(snapshot, tuple(arrays)), separators=(",", ":"), sort_keys=True).encode()
    header += b" " * (-len(header) % _WORD)
    file = io.BytesIO()
    for array in (np.frombuffer(header, np.uint8), *arrays.values()):
        np.lib.format.write_array(file, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
    np.lib.format.write_array(file, np.zeros(1, np.uint64), version=(1, 0), allow_pickle=False)
    file.seek(-_WORD, io.SEEK_END)
    file.write(_checksum(file.getbuffer()).to_bytes(_WORD, "little"))
    data = file.getvalue()
    load(data)
    return data


def load(data: bytes | memoryview) -> MarketSnapshot:
    """The snapshot that `save` made into `data`; its arrays are read-only views of `data`, which must not change.

    Raises MarketDataError for anything that `save` could not have written.
    """
    view = memoryview(data)
    if len(view) % _WORD or len(view) < _WORD or _checksum(view) != int.from_bytes(view[-_WORD:], "little"):
        raise MarketDataError("This is not a market snapshot, or it is truncated or damaged: its checksum is wrong.")
    blocks = Blocks(view)
    header = read_header(blocks.octets("header", _LARGEST_HEADER), FORMAT)
    blocks.expect(header.arrays)
    snapshot = MarketSnapshot(
        captured_at=header.captured_at,
        source=header.source,
        fees=header.fees,
        spot=_spot(blocks, header),
        perpetuals=_perpetuals(blocks, header),
        freshness=header.freshness,
        missing=header.missing,
        excluded=header.excluded,
        assumptions=header.assumptions,
    )
    blocks.finish()
    return snapshot


def _checksum(view: memoryview) -> int:
    return int(np.add.reduce(np.frombuffer(view[:-_WORD], "<u8"), dtype=np.uint64))


def _describe(snapshot: MarketSnapshot, arrays: tuple[str, ...]) -> dict[str, object]:
    spot, perpetuals = snapshot.spot, snapshot.perpetuals
    return {
        "format": FORMAT,
        "arrays": arrays,
        "captured_at": snapshot.captured_at,
        "source": snapshot.source,
        "fees": {exchange: asdict(fees) for exchange, fees in snapshot.fees.items()},
        "freshness": dict(snapshot.freshness),
        "missing": dict(snapshot.missing),
        "excluded": dict(snapshot.excluded),
        "assumptions": dict(snapshot.assumptions),
        "spot": spot
        and {
            "symbols": spot.symbols,
            "exchanges": spot.exchanges,
            "timeframes": {name: candles.seconds for name, candles in spot.candles.items()},
            "books": spot.books is not None,
        },
        "perpetuals": perpetuals and {"symbols": perpetuals.symbols, "exchanges": perpetuals.exchanges},
    }


def _arrays(snapshot: MarketSnapshot) -> Iterator[tuple[str, Floats | Ints]]:
    if spot := snapshot.spot:
        yield from ((f"spot.{name}", getattr(spot, name)) for name in _SPOT)
        for timeframe, candles in sorted(spot.candles.items()):
            yield from ((f"spot.{timeframe}.{name}", getattr(candles, name)) for name in ("open_time", *_CANDLES))
        if spot.books:
            yield from ((f"spot.books.{name}", getattr(spot.books, name)) for name in _BOOKS)
    if perpetuals := snapshot.perpetuals:
        names = (*_PERPETUALS, "funding_history", "next_funding_time", "funding_time")
        yield from ((f"perpetuals.{name}", getattr(perpetuals, name)) for name in names)


def _spot(blocks: Blocks, header: Header) -> Spot | None:
    if not (described := header.spot):
        return None
    n = len(described.symbols)
    columns = {name: blocks.floats(f"spot.{name}", n) for name in _SPOT}
    candles = {
        timeframe: _candles(blocks, timeframe, seconds, n, header.captured_at)
        for timeframe, seconds in sorted(described.timeframes.items())
    }
    books = _books(blocks, n) if described.books else None
    return Spot(symbols=described.symbols, exchanges=described.exchanges, candles=candles, books=books, **columns)


def _candles(blocks: Blocks, timeframe: str, seconds: int, symbols: int, captured_at: int) -> Candles:
    open_time = blocks.ints(f"spot.{timeframe}.open_time", None)
    if (np.diff(open_time) != seconds).any() or (open_time[-1:] > captured_at - seconds).any():
        raise MarketDataError(f"The snapshot's {timeframe} candles are not evenly spaced, closed bars.")
    columns = {name: blocks.floats(f"spot.{timeframe}.{name}", symbols, len(open_time)) for name in _CANDLES}
    return Candles(seconds=seconds, open_time=open_time, **columns)


def _books(blocks: Blocks, symbols: int) -> Books:
    first = blocks.floats(f"spot.books.{_BOOKS[0]}", symbols, None)
    others = {name: blocks.floats(f"spot.books.{name}", *first.shape) for name in _BOOKS[1:]}
    return Books(bid_price=first, **others)


def _perpetuals(blocks: Blocks, header: Header) -> Perpetuals | None:
    if not (described := header.perpetuals):
        return None
    n = len(described.symbols)
    columns = {name: blocks.floats(f"perpetuals.{name}", n) for name in _PERPETUALS}
    history = blocks.floats("perpetuals.funding_history", n, None)
    return Perpetuals(
        symbols=described.symbols,
        exchanges=described.exchanges,
        funding_history=history,
        next_funding_time=blocks.ints("perpetuals.next_funding_time", n),
        funding_time=blocks.ints("perpetuals.funding_time", *history.shape),
        **columns,
    )
