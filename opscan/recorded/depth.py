"""Recorded order books: Binance's depth answers, each checked level by level, and books of markets as arrays.

The catalogue tells by their names which market they are of.
"""

import gzip
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import NoReturn

import numpy as np

from opportunities.errors import MarketDataError
from opportunities.market.archive.columns import BOOKS
from opportunities.market.snapshot import Books
from opportunities.maths.arrays import Floats

_LAST_MS = 10**15  # in the year 33658


@dataclass(frozen=True, eq=False)
class Depth:
    """One book: arrays of shape (levels, 2), price and size in units of base, best first.

    `time` is in epoch seconds, None where the exchange's answer has none (spot).
    """

    bids: Floats
    asks: Floats
    time: float | None

    def in_base(self, unit: float, *, inverse: bool) -> "Depth":
        """The book of contracts whose sizes are so many units of base each, or so many USD if they are inverse."""
        bids, asks = (
            np.column_stack([side[:, 0], side[:, 1] * unit / (side[:, 0] if inverse else 1.0)])
            for side in (self.bids, self.asks)
        )
        return Depth(bids, asks, self.time)

    @property
    def middle(self) -> float:
        return float(self.bids[0, 0] + self.asks[0, 0]) / 2


def read_depth(path: Path) -> Depth:
    """Raises MarketDataError, with the file, the side, the level (the first is 1) and the cause, for what is no JSON,
    an empty side, prices and sizes that are not positive numbers, levels out of order and crossed books.
    """
    try:
        content = path.read_bytes()
        document = json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)
    except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        raise MarketDataError(f"{path}: it cannot be read as JSON ({error!s:.80}).") from error
    if not isinstance(document, dict):
        raise MarketDataError(f"{path}: it is not an order book, a JSON object with bids and asks.")
    bids, asks = (_side(path, side, document.get(side)) for side in ("bids", "asks"))
    for side, array, steps in (("bids", bids, -np.diff(bids[:, 0])), ("asks", asks, np.diff(asks[:, 0]))):
        if (steps <= 0).any():
            level = int(np.argmax(steps <= 0)) + 1
            _refuse(path, side, level, f"the price {array[level, 0]} is not worse than the one before")
    if bids[0, 0] >= asks[0, 0]:
        _refuse(path, "bids", 0, f"the best bid {bids[0, 0]} is not below the best ask {asks[0, 0]}")
    stamp = document.get("E")
    if stamp is not None and (isinstance(stamp, bool) or not isinstance(stamp, int) or not 0 < stamp < _LAST_MS):
        raise MarketDataError(f"{path}: its time E is {stamp!r:.40}, not epoch milliseconds.")
    return Depth(bids, asks, None if stamp is None else stamp / 1000)


def stacked(books: Sequence[Depth]) -> Books:
    """At least one book; shorter sides end in NaN."""
    levels = max(len(side) for book in books for side in (book.bids, book.asks))
    columns = {name: np.full((len(books), levels), np.nan) for name in BOOKS}
    for i, book in enumerate(books):
        for side, name in ((book.bids, "bid"), (book.asks, "ask")):
            columns[f"{name}_price"][i, : len(side)] = side[:, 0]
            columns[f"{name}_size"][i, : len(side)] = side[:, 1]
    return Books(**columns)


def _side(path: Path, side: str, levels: object) -> Floats:
    if not isinstance(levels, list) or not levels:
        raise MarketDataError(f"{path}: it has no {side}.")
    array = np.empty((len(levels), 2))
    for i, level in enumerate(levels):
        try:
            price, size = level
            array[i] = float(price), float(size)
        except (TypeError, ValueError, OverflowError):  # an integer may be too large for a float
            _refuse(path, side, i, f"{level!r:.60} is not a price and a size")
        if not all(isfinite(number) and number > 0 for number in array[i].tolist()):
            _refuse(path, side, i, f"{level!r:.60} is not a positive price and size")
    return array


def _refuse(path: Path, side: str, level: int, cause: str) -> NoReturn:
    raise MarketDataError(f"{path}, {side}, level {level + 1}: {cause}.")
