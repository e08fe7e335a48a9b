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
from opportunities.market.archive.blocks import Blocks
from opportunities.market.archive.columns import BOOKS, CANDLES, FLAGS, FLOATS, INTS, RULES
from opportunities.market.archive.header import Header, Section, read_header
from opportunities.market.snapshot import Books, Candles, Futures, MarketSnapshot, Options, Perpetuals, Rules, Spot
from opportunities.maths.arrays import Floats, Ints

FORMAT = 3

_WORD = 8
_LARGEST_HEADER = 1 << 22

type _Instruments = Spot | Perpetuals | Futures | Options


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
        futures=_futures(blocks, header),
        options=_options(blocks, header),
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
        **{name: section and _section(section) for name, section in _sections(snapshot)},
    }


def _sections(snapshot: MarketSnapshot) -> Iterator[tuple[str, _Instruments | None]]:
    yield from ((name, getattr(snapshot, name)) for name in FLOATS)


def _section(section: _Instruments) -> dict[str, object]:
    described: dict[str, object] = {
        "symbols": section.symbols,
        "exchanges": section.exchanges,
        "rules": section.rules is not None,
    }
    if isinstance(section, Spot | Perpetuals):
        described["timeframes"] = {name: candles.seconds for name, candles in section.candles.items()}
        described["books"] = section.books is not None
    return described


def _arrays(snapshot: MarketSnapshot) -> Iterator[tuple[str, Floats | Ints]]:
    for where, section in _sections(snapshot):
        if section is None:
            continue
        yield from ((f"{where}.{name}", getattr(section, name)) for name in (*FLOATS[where], *INTS[where]))
        if section.rules:
            yield from ((f"{where}.rules.{name}", getattr(section.rules, name)) for name in RULES)
        if isinstance(section, Spot | Perpetuals):
            for timeframe, candles in sorted(section.candles.items()):
                names = ("open_time", *CANDLES)
                yield from ((f"{where}.{timeframe}.{name}", getattr(candles, name)) for name in names)
            if section.books:
                yield from ((f"{where}.books.{name}", getattr(section.books, name)) for name in BOOKS)
        if isinstance(section, Perpetuals):
            yield f"{where}.funding_history", section.funding_history
            yield f"{where}.funding_time", section.funding_time


def _spot(blocks: Blocks, header: Header) -> Spot | None:
    if not (described := header.spot):
        return None
    floats, _, rules = _columns(blocks, "spot", described)
    candles, books = _history(blocks, "spot", described, header.captured_at)
    return Spot(described.symbols, described.exchanges, candles=candles, books=books, rules=rules, **floats)


def _perpetuals(blocks: Blocks, header: Header) -> Perpetuals | None:
    if not (described := header.perpetuals):
        return None
    floats, ints, rules = _columns(blocks, "perpetuals", described)
    candles, books = _history(blocks, "perpetuals", described, header.captured_at)
    history = blocks.floats("perpetuals.funding_history", len(described.symbols), None)
    return Perpetuals(
        symbols=described.symbols,
        exchanges=described.exchanges,
        funding_history=history,
        funding_time=blocks.ints("perpetuals.funding_time", *history.shape),
        candles=candles,
        books=books,
        rules=rules,
        next_funding_time=ints["next_funding_time"],
        inverse=ints["inverse"],
        **floats,
    )


def _futures(blocks: Blocks, header: Header) -> Futures | None:
    if not (described := header.futures):
        return None
    floats, ints, rules = _columns(blocks, "futures", described)
    return Futures(
        described.symbols, described.exchanges, **floats, rules=rules, expiry=ints["expiry"], inverse=ints["inverse"]
    )


def _options(blocks: Blocks, header: Header) -> Options | None:
    if not (described := header.options):
        return None
    floats, ints, rules = _columns(blocks, "options", described)
    return Options(
        described.symbols,
        described.exchanges,
        expiry=ints["expiry"],
        call=ints["call"],
        inverse=ints["inverse"],
        rules=rules,
        **floats,
    )


def _columns(blocks: Blocks, where: str, section: Section) -> tuple[dict[str, Floats], dict[str, Ints], Rules | None]:
    n = len(section.symbols)
    floats = {name: blocks.floats(f"{where}.{name}", n) for name in FLOATS[where]}
    ints = {name: blocks.ints(f"{where}.{name}", n) for name in INTS[where]}
    for name in FLAGS & ints.keys():
        if not np.isin(ints[name], (0, 1)).all():
            raise MarketDataError(f"The snapshot's array '{where}.{name}' has other values than 0 and 1.")
    rules = Rules(*(blocks.floats(f"{where}.rules.{name}", n) for name in RULES)) if section.rules else None
    return floats, ints, rules


def _history(blocks: Blocks, where: str, section: Section, captured_at: int) -> tuple[dict[str, Candles], Books | None]:
    """The candles and books of a section, which may have fewer rows than it has listings."""
    n = len(section.symbols)
    candles = {
        timeframe: _candles(blocks, f"{where}.{timeframe}", seconds, n, captured_at)
        for timeframe, seconds in sorted(section.timeframes.items())
    }
    if not section.books:
        return candles, None
    first = _rows(blocks.floats(f"{where}.books.{BOOKS[0]}", None, None), f"{where}.books", n)
    return candles, Books(first, *(blocks.floats(f"{where}.books.{name}", *first.shape) for name in BOOKS[1:]))


def _candles(blocks: Blocks, where: str, seconds: int, listings: int, captured_at: int) -> Candles:
    open_time = blocks.ints(f"{where}.open_time", None)
    if (np.diff(open_time) != seconds).any() or (open_time[-1:] > captured_at - seconds).any():
        raise MarketDataError(f"The snapshot's {where} candles are not evenly spaced, closed bars.")
    first = _rows(blocks.floats(f"{where}.{CANDLES[0]}", None, len(open_time)), where, listings)
    others = (blocks.floats(f"{where}.{name}", *first.shape) for name in CANDLES[1:])
    return Candles(seconds, open_time, first, *others)


def _rows(array: Floats, where: str, listings: int) -> Floats:
    if len(array) > listings:
        raise MarketDataError(f"The snapshot's {where} have {len(array)} rows, more than {listings} listings.")
    return array
