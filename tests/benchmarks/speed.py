"""Measures all strategies over 200 symbols x 500 bars on one core, as ratios within one run, and their memory.

Run with `make bench`. Beside them in the same run: what such scanners usually do, the `ta` package's indicators and
statsmodels' tests symbol by symbol and pair by pair; and the bare TA-Lib and numpy calls that the strategies need.
"""

import argparse
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import ta
import talib
from rich.console import Console
from statsmodels.tsa.stattools import adfuller, coint

from opportunities import strategies
from opportunities.domain import Investor
from opportunities.errors import Unsuitable
from opportunities.market.archive.file import save
from opportunities.market.simulated import simulated
from opportunities.market.snapshot import Books, Candles, MarketSnapshot, Rules, Spot
from opportunities.maths import cointegration

MOMENT, COPIES, SYMBOLS, BARS = 1_795_291_200, 4, 50, 500
# What a strategy Lambda does with a snapshot, in a process that imports nothing else.
ALONE = """
import sys
from pathlib import Path
from opportunities import strategies
from opportunities.domain import Investor
from opportunities.errors import Unsuitable
from opportunities.market.archive.file import load
try:
    market, investor = load(Path(sys.argv[2]).read_bytes()), Investor(50_000.0, holdings={"BTC": 1.0, "ETH": 8.0})
    strategies.load(sys.argv[1])(market, investor)
except Unsuitable:
    pass
# not getrusage: its peak is inherited from the process that started this one
print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")))
"""
INVESTOR = Investor(capital_usd=50_000, holdings={"BTC": 1.0, "ETH": 8.0, "SOL": 150.0})


def market() -> MarketSnapshot:
    """Four simulated markets side by side, the last 500 bars of each timeframe."""
    parts = [simulated(seed, MOMENT) for seed in range(COPIES)]
    spots = [part.spot for part in parts if part.spot]
    stacked: dict[str, Any] = {
        name: np.concatenate([getattr(spot, name)[:SYMBOLS] for spot in spots])
        for name in ("bid", "ask", "last", "volume_24h_usd")
    }
    return replace(
        parts[0],
        spot=Spot(
            symbols=tuple(
                _renamed(symbol, copy) for copy, spot in enumerate(spots) for symbol in spot.symbols[:SYMBOLS]
            ),
            exchanges=tuple(exchange for spot in spots for exchange in spot.exchanges[:SYMBOLS]),
            candles={
                frame: _stacked(Candles, [spot.candles[frame] for spot in spots], BARS) for frame in spots[0].candles
            },
            books=_stacked(Books, [spot.books for spot in spots]),
            rules=_stacked(Rules, [spot.rules for spot in spots]),
            **stacked,
        ),
    )


def _renamed(symbol: str, copy: int) -> str:
    return symbol if copy == 0 else f"{symbol.partition('/')[0]}{copy}/USDT"


def _stacked(kind: Any, parts: list[Any], bars: int | None = None) -> Any:
    """The first 50 rows of each part's arrays, one below the other; of candles the last bars."""
    values = {}
    for field in fields(kind):
        value = getattr(parts[0], field.name)
        if not isinstance(value, np.ndarray):
            values[field.name] = value
        elif field.name == "open_time":
            values[field.name] = value[-bars:] if bars else value
        else:
            rows = np.concatenate([getattr(part, field.name)[:SYMBOLS] for part in parts])
            values[field.name] = rows[:, -bars:] if bars else rows
    return kind(**values)


def run_on(snapshot: MarketSnapshot, name: str) -> str:
    try:
        return f"{len(strategies.load(name)(snapshot, INVESTOR).opportunities)} found"
    except Unsuitable as unsuitable:
        return f"skipped: {unsuitable}"


def usual(candles: Candles, paired: int) -> None:
    """Nine indicators and a unit root test a symbol with `ta` and statsmodels; cointegration of the same pairs."""
    for row in range(len(candles.close)):
        frame = pd.DataFrame({name: getattr(candles, name)[row] for name in ("open", "high", "low", "close", "volume")})
        high, low, close = frame["high"], frame["low"], frame["close"]
        ta.momentum.RSIIndicator(close).rsi()
        ta.trend.ADXIndicator(high, low, close).adx()
        ta.volatility.AverageTrueRange(high, low, close).average_true_range()
        ta.volatility.BollingerBands(close).bollinger_wband()
        ta.trend.MACD(close).macd_diff()
        ta.trend.EMAIndicator(close, 20).ema_indicator()
        ta.trend.EMAIndicator(close, 50).ema_indicator()
        ta.volatility.DonchianChannel(high, low, close).donchian_channel_hband()
        adfuller(np.log(candles.close[row]))
    logs = np.log(candles.close[:paired])
    for first in range(paired):
        for second in range(first + 1, paired):
            coint(logs[first], logs[second])
            coint(logs[second], logs[first])


def bare(candles: Candles, paired: int) -> None:
    """The same indicators by TA-Lib and the same regressions by numpy, and nothing else."""
    for high, low, close, volume in zip(candles.high, candles.low, candles.close, candles.volume, strict=True):
        talib.RSI(close)
        talib.ADX(high, low, close)
        talib.ATR(high, low, close)
        talib.BBANDS(close, 20)
        talib.MACD(close)
        talib.EMA(close, 20)
        talib.EMA(close, 50)
        talib.MAX(high, 20)
        talib.SMA(volume, 20)
    logs = np.log(candles.close[:paired])
    first, second = np.triu_indices(paired, 1)
    cointegration.engle_granger(
        np.concatenate([logs[first], logs[second]]), np.concatenate([logs[second], logs[first]])[:, None]
    )
    np.linalg.svd(np.diff(np.log(candles.close), axis=1), full_matrices=False)


def seconds(function: Callable[[], object], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        function()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def memory(name: str, file: str) -> float:
    """Peak megabytes of a fresh process that loads the snapshot and runs one strategy, as its Lambda does."""
    done = subprocess.run([sys.executable, "-c", ALONE, name, file], capture_output=True, text=True, check=True)
    return float(done.stdout) / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--paired", type=int, default=40, help="how many symbols the usual tests pair off")
    asked = parser.parse_args()
    console = Console()
    warnings.simplefilter("ignore")  # ta's, of its own divisions
    snapshot = market()
    assert snapshot.spot is not None
    candles = snapshot.spot.candles["1h"]
    ours = {name: seconds(lambda name=name: run_on(snapshot, name), asked.rounds) for name in strategies.names()}  # type: ignore[misc]
    total, plain, common = (
        sum(ours.values()),
        seconds(lambda: bare(candles, asked.paired), asked.rounds),
        seconds(lambda: usual(candles, asked.paired), 1),
    )
    console.print(f"all {len(ours)} over {len(candles.close)} symbols x {BARS} bars: {1000 * total:.0f} ms")
    console.print(
        f"ta and statsmodels take {common / total:.0f} times as long, "
        f"the bare calls of TA-Lib and numpy {total / plain:.1f} times less"
    )
    with TemporaryDirectory() as directory:
        file = Path(directory) / "snapshot"
        file.write_bytes(save(snapshot))
        for name, taken in ours.items():
            console.print(
                f"{name:24} {1000 * taken:6.0f} ms  {memory(name, str(file)):4.0f} MB  {run_on(snapshot, name):.60}"
            )


if __name__ == "__main__":
    main()
