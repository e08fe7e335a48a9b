"""Technical indicators over rows of candles, computed by TA-Lib.

Every function takes arrays of shape (symbols, bars), oldest bar first, and returns an array of the same shape with
NaN where the indicator is not defined yet. A row may begin with NaN (bars before the listing); NaN in between is
not allowed. A row that is all NaN stays so.

Recursive indicators depend on where they start. Two hundred bars bring the last ADX(14) within 0.0002 of its limit
and the last EMA(50) within 0.1 basis points; fewer don't, so that nothing here should be read with fewer.
"""

from collections.abc import Callable

import numpy as np
import talib

from opportunities.maths.arrays import Floats, Ints

MINIMUM_BARS = 200


def ema(close: Floats, period: int) -> Floats:
    """Exponential moving average, α = 2/(period+1), started with the simple average of the first `period` bars."""
    return _by_row(lambda row: talib.EMA(row, period), close)


def rsi(close: Floats, period: int = 14) -> Floats:
    """Relative strength index, 0-100 (Wilder, New Concepts in Technical Trading Systems, 1978). 0 if flat."""
    return _by_row(lambda row: talib.RSI(row, period), close)


def macd_histogram(close: Floats) -> Floats:
    """MACD(12, 26) less its signal EMA(9), in units of price (Appel, Technical Analysis: Power Tools, 2005)."""
    return _by_row(lambda row: talib.MACD(row, 12, 26, 9)[2], close)


def adx(high: Floats, low: Floats, close: Floats, period: int = 14) -> Floats:
    """Average directional index, 0-100: how directed the movement is, up or down (Wilder 1978). 0 if flat."""
    return _by_row(lambda highs, lows, closes: talib.ADX(highs, lows, closes, period), high, low, close)


def atr(high: Floats, low: Floats, close: Floats, period: int = 14) -> Floats:
    """Average true range in units of price (Wilder 1978)."""
    return _by_row(lambda highs, lows, closes: talib.ATR(highs, lows, closes, period), high, low, close)


def bars(close: Floats) -> Ints:
    """How many closed bars each row has: shape (symbols,)."""
    return np.isfinite(close).sum(axis=1)


def volatility(close: Floats, window: int) -> Floats:
    """Standard deviation (n - 1) of the log returns of the last `window` bars, per bar: shape (symbols,)."""
    returns: Floats = np.diff(np.log(close[:, -window - 1 :]), axis=1)
    return np.std(returns, axis=1, ddof=1)


def _by_row(function: Callable[..., Floats], *series: Floats) -> Floats:
    result = np.full(series[0].shape, np.nan)
    for index, rows in enumerate(zip(*series, strict=True)):
        if np.isfinite(rows[0]).any():
            result[index] = function(*rows)
    return result
