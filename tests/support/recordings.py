"""Small recordings in the freqtrade convention, as Feather or CSV, for the tests of recorded markets."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import feather

HOUR = 3600
BEGIN = 1_709_251_200  # 2024-03-01 00:00 UTC
COLUMNS = ("date", "open", "high", "low", "close", "volume")

type Row = list[float]


def at(hours: float) -> int:
    """Epoch seconds so many hours after the recordings begin."""
    return BEGIN + round(hours * HOUR)


def candles(hours: int, *, begins: int = 0, seed: int = 1, step: int = 1, price: float = 100.0) -> list[Row]:
    """Rows of [epoch ms, open, high, low, close, volume], one every `step` hours."""
    rng = np.random.default_rng(seed)
    close = price * np.exp(np.cumsum(rng.normal(0, 0.01, hours)))
    opened = np.concatenate([[price], close[:-1]])
    high = np.maximum(opened, close) * (1 + rng.uniform(0, 0.01, hours))
    low = np.minimum(opened, close) * (1 - rng.uniform(0, 0.01, hours))
    times = [at(begins + i * step) * 1000 for i in range(hours)]
    volume = rng.uniform(0, 50, hours)
    return [[float(value) for value in row] for row in zip(times, opened, high, low, close, volume, strict=True)]


def funding(rates: list[float], *, begins: int = 0, hours: int = 8) -> list[Row]:
    """Rows whose rate is in the column `open`; the others are 0."""
    return [[at(begins + i * hours) * 1000, rate, 0.0, 0.0, 0.0, 0.0] for i, rate in enumerate(rates)]


def write(directory: Path, name: str, rows: list[Row], columns: tuple[str, ...] = COLUMNS) -> Path:
    """A recording by its name, `.feather` or `.csv`."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name
    if path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows([iso(row[0]), *row[1:]] for row in rows)
        return path
    dates = pa.array([int(row[0]) for row in rows], pa.timestamp("ms", "UTC"))
    values = [pa.array([float(row[i]) for row in rows], pa.float64()) for i in range(1, len(columns))]
    feather.write_feather(pa.table([dates, *values], names=list(columns)), str(path))
    return path


def iso(milliseconds: float) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(sep=" ")
