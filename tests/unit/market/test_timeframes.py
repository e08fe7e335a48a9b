"""Longer candles out of hourly ones, against pandas."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opportunities.market.snapshot import Candles
from opportunities.market.timeframes import BARS, aggregate, timeframes

RULES = {"4h": "4h", "1d": "1D"}
SECONDS = {"1h": 3600, "4h": 14_400, "1d": 86_400}
COLUMNS = ("open", "high", "low", "close", "volume")


def hourly(begin_hour: int, hours: int, unlisted: list[int]) -> Candles:
    """Random bars, NaN for the first `unlisted` hours of each symbol."""
    rng = np.random.default_rng(hours)
    columns = {name: rng.random((len(unlisted), hours)) for name in COLUMNS}
    for column in columns.values():
        for row, count in zip(column, unlisted, strict=True):
            row[:count] = np.nan
    return Candles(seconds=3600, open_time=3600 * np.arange(begin_hour, begin_hour + hours), **columns)


def by_pandas(candles: Candles, row: int, timeframe: str) -> pd.DataFrame:
    frame = pd.DataFrame(
        {name: getattr(candles, name)[row] for name in COLUMNS},
        index=pd.to_datetime(candles.open_time, unit="s", utc=True),
    )
    grouped = frame.resample(RULES[timeframe])
    made = grouped.agg({"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"})
    return made[grouped["close"].count() == SECONDS[timeframe] // 3600]


@given(
    begin=st.integers(400_000, 400_100),
    hours=st.integers(0, 200),
    unlisted=st.lists(st.integers(0, 100), min_size=1, max_size=3),
    timeframe=st.sampled_from(sorted(RULES)),
)
def test_longer_candles_equal_a_pandas_resample_of_whole_bars(
    begin: int, hours: int, unlisted: list[int], timeframe: str
) -> None:
    candles = hourly(begin, hours, unlisted)
    made = aggregate(candles, SECONDS[timeframe])
    for row in range(len(unlisted)):
        expected = by_pandas(candles, row, timeframe)
        listed = ~np.isnan(made.close[row])
        assert list(made.open_time[listed]) == [int(time.timestamp()) for time in expected.index]
        for name in COLUMNS:
            values = getattr(made, name)[row]
            assert np.allclose(values[listed], expected[name], rtol=1e-12, atol=0)
            assert np.isnan(values[~listed]).all()


def test_hours_are_their_own_aggregate() -> None:
    candles = hourly(400_001, 7, [2])
    for name in COLUMNS:
        assert np.array_equal(getattr(aggregate(candles, 3600), name), getattr(candles, name), equal_nan=True)


@pytest.mark.parametrize(("hours", "expected"), [(0, [0, 0, 0]), (30, [30, 7, 1]), (5000, [BARS, BARS, 208])])
def test_the_newest_bars_are_kept(hours: int, expected: list[int]) -> None:
    made = timeframes(hourly(24 * 1000, hours, [0]))
    assert [len(made[name].open_time) for name in ("1h", "4h", "1d")] == expected
    if hours:
        assert made["1h"].open_time[-1] == 3600 * (24 * 1000 + hours - 1)
