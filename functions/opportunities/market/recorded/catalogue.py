"""Which recorded files belong to which market, by their names, in directories and all below them.

    BTC_USDT-1h.feather                     spot candles (freqtrade's convention, `.csv` likewise)
    BTC_USDT_USDT-1h-futures.feather        candles of the perpetual
    BTC_USDT_USDT-1h-mark.feather           its mark price
    BTC_USDT_USDT-8h-funding_rate.feather   its funding payments (whatever the name says, the rows tell the interval)
    spot_btcusdt_20240808_depth1000.json    order book (Binance); usdm_ of the perpetual, cm_ of the coin-margined one
    deribit_options_snapshot_20260408T100119Z.csv.gz    option chains of that second
    BTC-26APR24-export.csv                  options of one expiry, as Deribit's web page exports them

Other timeframes than 1h are not read for candles: longer ones are made of the hours.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from opportunities.errors import MarketDataError
from opportunities.market.timeframes import HOUR
from opportunities.market.universe import STABLE, unfit

_CANDLES_NAME = re.compile(
    r"(?P<base>[A-Z0-9]+)_(?P<quote>[A-Z0-9]+)(?:_(?P<settle>[A-Z0-9]+))?"
    r"-(?P<count>[1-9]\d{0,2})(?P<unit>[mhdw])(?:-(?P<kind>futures|mark|funding_rate))?\.(?:csv|feather)"
)
_BOOK_NAME = re.compile(
    rf"(?P<kind>spot|usdm|cm)_(?P<base>[a-z0-9]+?)(?P<quote>{'|'.join(sorted(map(str.lower, STABLE)))})"
    r"(?:_perp)?_(?P<day>\d{8})_depth\d+\.json"
)
_CHAIN_NAME = re.compile(r"deribit_options_snapshot_(?P<time>\d{8}T\d{6}Z)\.csv(?:\.gz)?")
_EXPORT_NAME = re.compile(r"[A-Z0-9]+-\d{1,2}[A-Z]{3}\d{2}-export\.csv(?:\.gz)?")
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
class BookFile:
    """An order book's file; files of one `recording` (directory and day) were made at about the same time."""

    symbol: str
    path: Path
    recording: tuple[Path, str]


@dataclass(frozen=True)
class ChainFile:
    """A file of option chains and the second (epoch) that its name says."""

    path: Path
    time: int


@dataclass(frozen=True)
class Catalogue:
    """The recordings, and how many were left out, by reason."""

    spot: tuple[Market, ...]
    perpetuals: tuple[Market, ...]
    books: tuple[BookFile, ...]
    chains: tuple[ChainFile, ...]
    exports: tuple[Path, ...]
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
    """The recordings in the directories and below them; files of other names are counted as left out.

    Raises MarketDataError for what is not a directory, for two files that record the same, and where no file's name
    is known.
    """
    excluded: Counter[str] = Counter()
    found: dict[tuple[str, str, str | None], _Found] = {}
    books, chains, exports = [], [], []
    for path in sorted({file for directory in directories for file in _files(directory)}):
        if named := _CANDLES_NAME.fullmatch(path.name):
            if bool(named["settle"]) != bool(named["kind"]):
                excluded["file name not recognised"] += 1
                continue
            kind = _CANDLES if named["kind"] in (None, "futures") else named["kind"]
            market = found.setdefault((named["base"], named["quote"], named["settle"]), _Found())
            market.add(kind, int(named["count"]) * _UNITS[named["unit"]], path)
        elif named := _BOOK_NAME.fullmatch(path.name):
            reason, book = _book(named, path)
            if reason:
                excluded[reason] += 1
            else:
                books.append(book)
        elif named := _CHAIN_NAME.fullmatch(path.name):
            chains.append(ChainFile(path, _second(path, named["time"])))
        elif _EXPORT_NAME.fullmatch(path.name):
            exports.append(path)
        else:
            excluded["file name not recognised"] += 1
    if not (found or books or chains or exports):
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
        books=tuple(books),
        chains=tuple(chains),
        exports=tuple(exports),
        excluded=excluded,
    )


def _files(directory: Path) -> list[Path]:
    if not directory.is_dir():
        cause = "it is a file" if directory.exists() else "it is not there"
        raise MarketDataError(f"{directory}: it cannot be read as a directory ({cause}).")
    return [path for path in directory.rglob("*") if path.is_file() and not path.name.startswith(".")]


def _book(named: re.Match[str], path: Path) -> tuple[str | None, BookFile]:
    """Why a book cannot be had, or None; and the book."""
    base, quote = named["base"].upper(), named["quote"].upper()
    settle = {"spot": None, "usdm": quote, "cm": base}[named["kind"]]
    symbol = f"{base}/{quote}" + (f":{settle}" if settle else "")
    return unfit(base, quote, settle), BookFile(symbol, path, (path.parent, named["day"]))


def _second(path: Path, text: str) -> int:
    try:
        return int(datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp())
    except ValueError as error:
        raise MarketDataError(f"{path}: its name says {text}, which is no moment.") from error
