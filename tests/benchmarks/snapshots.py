"""Measures loading a snapshot, as a ratio to a bare `numpy.load` of the same arrays in the same run; JSON beside it.

Run with `make bench`. The size is that of 200 symbols x 500 bars.
"""

import argparse
import io
import json
import statistics
import time
from collections.abc import Callable

import numpy as np
from rich.console import Console

from opportunities.market.archive.file import load, save
from opportunities.market.snapshot import Candles, MarketSnapshot, Spot

SYMBOLS, BARS = 200, 500


def market() -> MarketSnapshot:
    rng = np.random.default_rng(1)
    column = [rng.lognormal(size=(SYMBOLS, BARS)) for _ in range(5)]
    candles = Candles(3600, 3600 * np.arange(BARS), *column)
    quote = column[0][:, -1]
    names = tuple(f"A{number}/USDT" for number in range(SYMBOLS))
    spot = Spot(names, ("simulated",) * SYMBOLS, quote, quote, quote, quote, {"1h": candles})
    return MarketSnapshot(captured_at=3600 * BARS, source="benchmark", fees={}, spot=spot)


def seconds(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    snapshot = market()
    data = save(snapshot)
    assert snapshot.spot is not None
    candles = snapshot.spot.candles["1h"]
    arrays = [candles.open, candles.high, candles.low, candles.close, candles.volume]
    blocks = []
    for array in arrays:
        block = io.BytesIO()
        np.save(block, array)
        blocks.append(block.getvalue())
    text = json.dumps([array.tolist() for array in arrays])
    ways: dict[str, Callable[[], object]] = {
        "load": lambda: load(data),
        "numpy.load": lambda: [np.load(io.BytesIO(block), allow_pickle=False) for block in blocks],
        "json": lambda: [np.array(rows) for rows in json.loads(text)],
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            taken[name].append(seconds(way))
    medians = {name: statistics.median(times) for name, times in taken.items()}
    Console().print(
        f"loading {len(data) / 1e6:.1f} MB: {medians['load'] / medians['numpy.load']:.2f} of numpy.load, "
        f"{medians['load'] / medians['json']:.4f} of JSON"
    )


if __name__ == "__main__":
    main()
