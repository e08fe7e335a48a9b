"""CSV and Feather files as columns: dates as epoch milliseconds, numbers on demand, every error with its row."""

import csv
import gzip
import io
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from opportunities.errors import MarketDataError
from opportunities.maths.arrays import Floats, Ints

_FIRST_MS = 1_230_940_800_000  # 2009-01-03, Bitcoin's first block: an earlier date is in another unit
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, eq=False)
class Table:
    """The wanted columns of a file. `dates` are epoch milliseconds; the others are text (CSV) or values (Feather)."""

    path: Path
    dates: Ints
    columns: Mapping[str, Sequence[str] | NDArray[Any]]

    def numbers(self, name: str, rows: NDArray[np.intp]) -> Floats:
        """The column's values in these rows, NaN where there is none; raises MarketDataError for other text."""
        values = self.columns[name]
        if isinstance(values, np.ndarray):
            return values[rows].astype(np.float64)
        return np.array([self._number(name, int(row), values[row]) for row in rows], dtype=np.float64)

    def refuse(self, row: int, cause: str) -> NoReturn:
        """Raises MarketDataError with the file, the row (from index 0) and the cause."""
        raise MarketDataError(f"{self.path}, row {row + 1}: {cause}.")

    def _number(self, name: str, row: int, text: str) -> float:
        try:
            return float(text or "nan")
        except ValueError:
            self.refuse(row, f"the {name} {text!r} is not a number")


def read_table(path: Path, names: tuple[str, ...]) -> Table:
    """The named columns (the first of them dates) of a CSV (or `.csv.gz`) or Feather file; raises MarketDataError
    where it has not got them, cannot be read, or has a date that is neither ISO 8601 with its zone nor epoch
    milliseconds.
    """
    table = _read_feather(path, names) if path.suffix == ".feather" else _read_csv(path, names)
    early = np.flatnonzero(table.dates < _FIRST_MS)
    if len(early):
        table.refuse(int(early[0]), "its date lies before 2009: dates are ISO 8601 or epoch milliseconds")
    return table


def read_lines(path: Path) -> tuple[list[str], list[list[str]]]:
    """The header and the rows of a CSV, unpacked where its name ends in `.gz`; raises MarketDataError where it
    cannot be read or a row is longer or shorter than the header.
    """
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8-sig")
        header, *lines = list(csv.reader(io.StringIO(text, newline=""), strict=True)) or [[]]
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise MarketDataError(f"{path}: it cannot be read as CSV ({error}).") from error
    for row, line in enumerate(lines):
        if len(line) != len(header):
            raise MarketDataError(f"{path}, row {row + 1}: it has {len(line)} fields, and the header {len(header)}.")
    return header, lines


def _read_csv(path: Path, names: tuple[str, ...]) -> Table:
    header, lines = read_lines(path)
    _require(path, header, names)
    columns = {name: [line[header.index(name)] for line in lines] for name in names}
    dates = np.array([_milliseconds(path, row, text) for row, text in enumerate(columns[names[0]])], dtype=np.int64)
    return Table(path, dates, columns)


def _milliseconds(path: Path, row: int, text: str) -> int:
    if text.isdecimal() and len(text) <= 15:
        return int(text)
    try:
        return (datetime.fromisoformat(text) - _EPOCH) // _MILLISECOND
    except (ValueError, TypeError) as error:
        raise MarketDataError(
            f"{path}, row {row + 1}: the date {text!r:.40} is neither ISO 8601 with its zone nor epoch milliseconds."
        ) from error


def _read_feather(path: Path, names: tuple[str, ...]) -> Table:
    import pyarrow as pa  # noqa: PLC0415 - a developer's tool: the Lambdas have no pyarrow and read no Feather
    from pyarrow import feather  # noqa: PLC0415

    try:
        table = feather.read_table(path, memory_map=False)
    except (OSError, pa.ArrowException) as error:
        raise MarketDataError(f"{path}: it cannot be read as Feather ({str(error).splitlines()[0]}).") from error
    _require(path, table.column_names, names)
    for name in names[1:]:
        if not (pa.types.is_floating(table[name].type) or pa.types.is_integer(table[name].type)):
            raise MarketDataError(f"{path}: the column {name} holds {table[name].type}, not numbers.")
    date = table[names[0]]
    if pa.types.is_timestamp(date.type) and date.type.tz:
        date = date.cast(pa.timestamp("ms", date.type.tz), safe=False).cast(pa.int64())
    if date.type != pa.int64():
        raise MarketDataError(f"{path}: the column date holds {date.type}, not UTC times or epoch milliseconds.")
    if date.null_count:
        row = date.is_null().to_pylist().index(True)
        raise MarketDataError(f"{path}, row {row + 1}: it has no date.")
    return Table(path, date.to_numpy(), {name: table[name].to_numpy() for name in names[1:]})


def _require(path: Path, found: Sequence[str], names: tuple[str, ...]) -> None:
    missing = [name for name in names if name not in found]
    if missing:
        raise MarketDataError(f"{path}: it has no column {' or '.join(missing)}; it has {', '.join(found) or 'none'}.")
    if len(set(found)) != len(found):
        raise MarketDataError(f"{path}: it has two columns of one name.")
