import numpy as np
import pandas as pd
import pytest
import ta.momentum
import ta.trend
import ta.volatility

from opportunities.maths import indicators
from tests.support.markets import candles, walks

BARS = candles(walks(1, 6, 400), 3600)


def wilder_atr(high: np.ndarray, low: np.ndarray, close: np.ndarray, period: int = 14) -> float:
    """Wilder's own recursion: the mean of the first `period` true ranges, then (n - 1)/n of it and 1/n of the next."""
    before = close[:-1]
    ranges = np.maximum(high[1:], before) - np.minimum(low[1:], before)
    value = ranges[:period].mean()
    for one in ranges[period:]:
        value = (value * (period - 1) + one) / period
    return float(value)


def test_ema_equals_the_recursion_by_hand() -> None:
    for period in (20, 50):
        value = BARS.close[:, :period].mean(axis=1)
        for column in BARS.close[:, period:].T:
            value = value + 2 / (period + 1) * (column - value)
        np.testing.assert_allclose(indicators.ema(BARS.close, period)[:, -1], value, rtol=1e-12)


def test_rsi_equals_wilders_recursion_by_hand() -> None:
    moves = np.diff(BARS.close, axis=1)
    up, down = np.maximum(moves, 0), np.maximum(-moves, 0)
    gain, loss = up[:, :14].mean(axis=1), down[:, :14].mean(axis=1)
    for rise, fall in zip(up[:, 14:].T, down[:, 14:].T, strict=True):
        gain, loss = (13 * gain + rise) / 14, (13 * loss + fall) / 14
    np.testing.assert_allclose(indicators.rsi(BARS.close)[:, -1], 100 * gain / (gain + loss), rtol=1e-9)


def test_atr_equals_wilders_recursion_by_hand() -> None:
    found = indicators.atr(BARS.high, BARS.low, BARS.close)[:, -1]
    for row, value in enumerate(found):
        assert value == pytest.approx(wilder_atr(BARS.high[row], BARS.low[row], BARS.close[row]), rel=1e-9)


def test_indicators_equal_those_of_the_ta_package_after_a_long_warm_up() -> None:
    high, low, close = (pd.Series(each[0]) for each in (BARS.high, BARS.low, BARS.close))
    pairs = (
        (indicators.ema(BARS.close, 20), ta.trend.EMAIndicator(close, 20).ema_indicator(), 1e-9),
        (indicators.rsi(BARS.close), ta.momentum.RSIIndicator(close).rsi(), 1e-9),
        (indicators.macd_histogram(BARS.close), ta.trend.MACD(close).macd_diff(), 1e-9),
        (indicators.adx(BARS.high, BARS.low, BARS.close), ta.trend.ADXIndicator(high, low, close).adx(), 1e-4),
        (indicators.atr(BARS.high, BARS.low, BARS.close), ta.volatility.AverageTrueRange(high, low, close, 14), 1e-9),
    )
    for ours, theirs, tolerance in pairs:
        other = theirs.average_true_range() if hasattr(theirs, "average_true_range") else theirs
        assert ours[0, -1] == pytest.approx(float(other.iloc[-1]), abs=tolerance)


def test_bars_before_a_listing_change_nothing_of_what_follows() -> None:
    late = np.concatenate([np.full((6, 37), np.nan), BARS.close], axis=1)
    for function in (indicators.rsi, indicators.macd_histogram, lambda close: indicators.ema(close, 50)):
        np.testing.assert_array_equal(function(late)[:, 37:], function(BARS.close))
        assert np.isnan(function(late)[:, :37]).all()


def test_a_symbol_without_any_bar_stays_without_any_value() -> None:
    close = np.full((1, 250), np.nan)
    assert np.isnan(indicators.rsi(close)).all()
    assert np.isnan(indicators.adx(close, close, close)).all()


def test_a_flat_price_has_no_direction_and_no_range() -> None:
    close = np.full((1, 250), 5.0)
    assert indicators.adx(close, close, close)[0, -1] == 0
    assert indicators.atr(close, close, close)[0, -1] == 0
    assert indicators.rsi(close)[0, -1] == 0


def test_two_hundred_bars_bring_adx_close_to_its_limit() -> None:
    long = candles(walks(5, 20, 2000), 3600)
    limit = indicators.adx(long.high, long.low, long.close)[:, -1]
    enough = slice(-indicators.MINIMUM_BARS, None)
    short = indicators.adx(long.high[:, enough], long.low[:, enough], long.close[:, enough])[:, -1]
    np.testing.assert_allclose(short, limit, atol=1e-3)


def test_volatility_is_the_sample_deviation_of_the_last_log_returns() -> None:
    expected = np.std(np.diff(np.log(BARS.close[:, -169:])), axis=1, ddof=1)
    np.testing.assert_allclose(indicators.volatility(BARS.close, 168), expected, rtol=1e-12)


def test_bars_count_what_came_after_the_listing() -> None:
    close = np.array([[np.nan, 1.0, 2.0], [1.0, 2.0, 3.0]])
    assert indicators.bars(close).tolist() == [2, 3]
