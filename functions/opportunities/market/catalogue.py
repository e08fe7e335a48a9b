"""Which recorded files belong to which market, by their names (freqtrade's convention).

    BTC_USDT-1h.feather                     spot candles
    BTC_USDT_USDT-1h-futures.feather        candles of the perpetual
    BTC_USDT_USDT-1h-mark.feather           its mark price
    BTC_USDT_USDT-8h-funding_rate.feather   its funding payments (whatever the name says, the rows tell the interval)

`.csv` likewise. Other timeframes than 1h are not read for candles: longer ones are made of the hours.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from opportunities.errors import MarketDataError
from opportunities.market.timeframes import HOUR
from opportunities.market.universe import unfit

_NAME = re.compile(
    r"(?P<base>[A-Z0-9]+)_(?P<quote>[A-Z0-9]+)(?:_(?P<settle>[A-Z0-9]+))?"
    r"-(?P<count>[1-9]\d{0,2})(?P<unit>[mhdw])(?:-(?P<kind>futures|mark|funding_rate))?\.(?:csv|feather)"
)
_UNITS = {"m": 60, "h": HOUR, "d": 24 * HOUR, "w": 7 * 24 * HOUR}
_CANDLES = "candles"


@dataclass(frozen=True)
class Market:
    """One market's files; `marks` is its finest mark file and the seconds of its bars."""

    base: str
    quote: str
    settle: str | None
    candles: Path
    marks: tuple[Path, int] | None = None
    funding: Path | None = None

    @property
    def symbol(self) -> str:
        return f"{self.base}/{self.quote}" + (f":{self.settle}" if self.settle else "")


@dataclass(frozen=True)
class Catalogue:
    """The markets by symbol, and how many were left out, by reason."""

    spot: tuple[Market, ...]
    perpetuals: tuple[Market, ...]
    excluded: Counter[str]


@dataclass
class _Found:
    paths: dict[tuple[str, int], Path] = field(default_factory=dict)

    def add(self, kind: str, seconds: int, path: Path) -> None:
        known = self.paths.setdefault((kind, seconds), path)
        if known != path:
            raise MarketDataError(f"{path}: it records the same as {known}; leave one of them out.")

    def finest(self, kind: str) -> tuple[Path, int] | None:
        seconds = [each for found, each in self.paths if found == kind]
        return (self.paths[kind, min(seconds)], min(seconds)) if seconds else None


def catalogue(directories: Iterable[Path]) -> Catalogue:
    """The markets recorded in the directories (not in those below them).

    Raises MarketDataError for what is not a directory, for two files that record the same, and where no file's name
    is known.
    """
    excluded: Counter[str] = Counter()
    found: dict[tuple[str, str, str | None], _Found] = {}
    for directory in directories:
        for path in _files(directory):
            name = _NAME.fullmatch(path.name)
            if not name or bool(name["settle"]) != bool(name["kind"]):
                excluded["file name not recognised"] += 1
                continue
            kind = _CANDLES if name["kind"] in (None, "futures") else name["kind"]
            market = found.setdefault((name["base"], name["quote"], name["settle"]), _Found())
            market.add(kind, int(name["count"]) * _UNITS[name["unit"]], path)
    if not found:
        searched = ", ".join(map(str, directories))
        raise MarketDataError(
            f"{searched}: no recorded market; files are named like BTC_USDT-1h.feather or BTC_USDT_USDT-1h-futures.csv."
        )
    markets = []
    for (base, quote, settle), files in sorted(found.items(), key=lambda item: tuple(map(str, item[0]))):
        candles, funding = files.paths.get((_CANDLES, HOUR)), files.finest("funding_rate")
        reason = unfit(base, quote, settle)
        reason = reason or (None if candles else "no 1h candles")
        reason = reason or (None if funding or not settle else "no funding history")
        if reason or not candles:
            excluded[reason or ""] += 1
            continue
        markets.append(Market(base, quote, settle, candles, files.finest("mark"), funding and funding[0]))
    return Catalogue(
        spot=tuple(market for market in markets if not market.settle),
        perpetuals=tuple(market for market in markets if market.settle),
        excluded=excluded,
    )


def _files(directory: Path) -> list[Path]:
    try:
        return sorted(path for path in directory.iterdir() if path.suffix in (".csv", ".feather"))
    except OSError as error:
        raise MarketDataError(f"{directory}: it cannot be read as a directory ({error.strerror}).") from error
