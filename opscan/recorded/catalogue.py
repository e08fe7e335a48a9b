"""Catalogue of recorded files: the kind and market of each, in directories and all below them.

Names of candles, funding and order books say what they hold (freqtrade's convention):

    BTC_USDT-1h.feather                     spot candles (freqtrade's convention, `.csv` likewise)
    BTC_USDT_USDT-1h-futures.feather        candles of the perpetual
    BTC_USDT_USDT-1h-mark.feather           its mark price
    BTC_USDT_USDT-8h-funding_rate.feather   its funding payments (whatever the name says, the rows tell the interval)
    spot_btcusdt_20240808_depth1000.json    order book (Binance); usdm_ of the perpetual, cm_ of the coin-margined one

Whatever else there is tells by its header or first line, packed or not: Deribit's option chains, its web page's exports
of one expiry, minute candles of its perpetuals, and recorded messages (`messages`).

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
from opportunities.market.universe import unfit
from opscan.recorded import binance
from opscan.recorded.events import Instrument
from opscan.recorded.messages import first_line, is_recording
from opscan.recorded.tables import read_lines

_CANDLES_NAME = re.compile(
    r"(?P<base>[A-Z0-9]+)_(?P<quote>[A-Z0-9]+)(?:_(?P<settle>[A-Z0-9]+))?"
    r"-(?P<count>[1-9]\d{0,2})(?P<unit>[mhd])(?:-(?P<kind>futures|mark|funding_rate))?\.(?:csv|feather)"
)
_BOOK_NAME = re.compile(
    r"(?P<kind>spot|usdm|cm)_(?P<symbol>[a-z0-9]+(?:_perp|_\d{6})?)_(?P<day>\d{8})_depth\d*\.json(?:\.gz)?"
)
_CHAIN_TIME = re.compile(r"\d{8}T\d{6}Z")
_TABLES = {  # what no other table has; the readers say what else they need
    "chain": {"instrument_name", "option_type", "mark_price"},
    "export": {"Instrument", "Bid"},
    "minutes": {"instrument_name", "candle_close_time_ms"},
}
_RECORDING = "recording"
_UNITS = {"m": 60, "h": HOUR, "d": 24 * HOUR}
_CANDLES = "candles"
_UNKNOWN = "file of no known kind"


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
    """An order book's file; files of one `recording` (directory and day) were made at about the same time.

    `instrument` is on Binance, whichever exchange the book was recorded on.
    """

    instrument: Instrument
    path: Path
    recording: tuple[Path, str]


@dataclass(frozen=True)
class ChainFile:
    """A file of option chains and the second (epoch) that its name says, or else its first row."""

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
    minutes: tuple[Path, ...]
    recordings: tuple[Path, ...]
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
    """The recordings in the directories and below them; files of no known kind are counted as left out.

    Raises MarketDataError for what is not a directory, for two files that record the same, and where no file is of a
    known kind.
    """
    excluded: Counter[str] = Counter()
    found: dict[tuple[str, str, str | None], _Found] = {}
    books: list[BookFile] = []
    others: dict[str, list[Path]] = {kind: [] for kind in (*_TABLES, _RECORDING)}
    for path in sorted({file for directory in directories for file in _files(directory)}):
        if named := _CANDLES_NAME.fullmatch(path.name):
            if bool(named["settle"]) != bool(named["kind"]):
                excluded[_UNKNOWN] += 1
                continue
            kind = _CANDLES if named["kind"] in (None, "futures") else named["kind"]
            market = found.setdefault((named["base"], named["quote"], named["settle"]), _Found())
            market.add(kind, int(named["count"]) * _UNITS[named["unit"]], path)
        elif named := _BOOK_NAME.fullmatch(path.name):
            book = _book(named, path)
            if isinstance(book, str):
                excluded[book] += 1
            else:
                books.append(book)
        elif kind := _kind(path):
            others[kind].append(path)
        else:
            excluded[_UNKNOWN] += 1
    if not (found or books or any(others.values())):
        searched = ", ".join(map(str, directories))
        raise MarketDataError(
            f"{searched}: no recorded market; files are named like BTC_USDT-1h.feather or BTC_USDT_USDT-1h-futures.csv,"
            " or are Deribit's option tables or recorded messages."
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
        chains=tuple(ChainFile(path, _second(path)) for path in others["chain"]),
        exports=tuple(others["export"]),
        minutes=tuple(others["minutes"]),
        recordings=tuple(others[_RECORDING]),
        excluded=excluded,
    )


def _files(directory: Path) -> list[Path]:
    if not directory.is_dir():
        cause = "it is a file" if directory.exists() else "it is not there"
        raise MarketDataError(f"{directory}: it cannot be read as a directory ({cause}).")
    return [path for path in directory.rglob("*") if path.is_file() and not path.name.startswith(".")]


def _book(named: re.Match[str], path: Path) -> BookFile | str:
    """The book, or why it does not belong."""
    try:
        key = binance.named(named["kind"], named["symbol"])
    except ValueError as error:
        raise MarketDataError(f"{path}: its name says a day that there is not ({error}).") from error
    if key is None:
        return "not quoted in dollars"
    reason = unfit(key.base, key.quote, key.settle)
    return reason or BookFile(binance.assumed(key), path, (path.parent, named["day"]))


def _kind(path: Path) -> str | None:
    """What the header or the first line says that a file is, or None."""
    line = first_line(path)
    header = set(line.split(","))
    found = (kind for kind, columns in _TABLES.items() if columns <= header)
    return next(found, _RECORDING if is_recording(line) else None)


def _second(path: Path) -> int:
    """When a chain was recorded."""
    named = _CHAIN_TIME.search(path.name)
    try:
        if named:
            return int(datetime.strptime(named[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp())
        header, rows = read_lines(path)
        return int(datetime.fromisoformat(rows[0][header.index("timestamp")]).timestamp())
    except (ValueError, IndexError) as error:
        told = f"its name says {named[0]}" if named else "its first row says nothing"
        raise MarketDataError(f"{path}: {told}, which is no moment.") from error
