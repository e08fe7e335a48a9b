"""A market in which one coin has come to its present price another way: other candles, the same quotes and books."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from opportunities.market.planted.changes.prices import rows_of
from opportunities.market.snapshot import Candles, MarketSnapshot
from opportunities.market.timeframes import HOUR, aggregate
from opportunities.maths import elementary
from opportunities.maths.arrays import Floats

_FIELDS = ("open", "high", "low", "close")


@dataclass(frozen=True, eq=False)
class Hours:
    """The newest hourly bars of a coin, shape (bars,), oldest first; `volume` is over what it would else have been."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


def hours_of(start: float, close: Floats, high: Floats | None = None, low: Floats | None = None) -> Hours:
    """Bars with these closes that open where the one before closed, the first at `start`; highs and lows are those of
    open and close where none are given. Volumes are as usual."""
    opened = np.concatenate([[start], close[:-1]])
    return Hours(
        open=opened,
        high=np.maximum(opened, close) if high is None else np.maximum(high, np.maximum(opened, close)),
        low=np.minimum(opened, close) if low is None else np.minimum(low, np.minimum(opened, close)),
        close=close,
        volume=np.ones(len(close)),
    )


def with_history(market: MarketSnapshot, base: str, hours: Hours) -> MarketSnapshot:
    """The market in which the coin's newest hourly bars were these, wherever it has candles against dollars.

    `hours.close` ends at the price that the coin has now. Bars of 4 h and 1 d follow; what is older than the new bars
    is multiplied so that it ends where they begin. Volume in USD stays what it was, times `hours.volume`. The candles
    of perpetuals become those of the spot market, without a premium.
    """
    spot, contracts = market.spot, market.perpetuals
    if spot is None:
        raise ValueError("a history needs a spot market")
    rows = [row for row in rows_of(spot.symbols, base) if spot.symbols[row] == f"{base}/USDT"]
    changed = replace(market, spot=replace(spot, candles=_changed(spot.candles, rows, hours)))
    if contracts is not None:
        perpetual = _changed(contracts.candles, rows_of(contracts.symbols, base), hours)
        changed = replace(changed, perpetuals=replace(contracts, candles=perpetual))
    return changed


def amplified(market: MarketSnapshot, base: str, factor: float) -> MarketSnapshot:
    """The market in which every move of the coin up to its present price was `factor` times as large, in log price."""
    spot, contracts = market.spot, market.perpetuals
    if spot is None:
        raise ValueError("a history needs a spot market")
    rows = [row for row in rows_of(spot.symbols, base) if spot.symbols[row] == f"{base}/USDT"]
    now = float(spot.bid[rows[0]] + spot.ask[rows[0]]) / 2
    changed = replace(market, spot=replace(spot, candles=_stretched(spot.candles, rows, now, factor)))
    if contracts is not None:
        perpetual = _stretched(contracts.candles, rows_of(contracts.symbols, base), now, factor)
        changed = replace(changed, perpetuals=replace(contracts, candles=perpetual))
    return changed


def _stretched(timeframes: Mapping[str, Candles], rows: list[int], now: float, factor: float) -> dict[str, Candles]:
    result = {name: _copied(candles) for name, candles in timeframes.items()}
    for candles in result.values():
        listed = [row for row in rows if row < len(candles.close)]
        worth = candles.volume[listed] * candles.close[listed]
        for name in _FIELDS:
            prices = getattr(candles, name)
            prices[listed] = now * elementary.power(prices[listed] / now, factor)
        candles.volume[listed] = worth / candles.close[listed]
    return result


def _changed(timeframes: Mapping[str, Candles], rows: list[int], hours: Hours) -> dict[str, Candles]:
    if not timeframes:
        return {}
    hourly = timeframes["1h"]
    result = {name: _copied(candles) for name, candles in timeframes.items()}
    for row in rows:
        if row >= len(hourly.close):
            continue
        newest = _newest(hourly, row, hours)
        for candles in result.values():
            bars = newest if candles.seconds == HOUR else aggregate(newest, candles.seconds)
            _write(candles, row, bars)
    return result


def _copied(candles: Candles) -> Candles:
    return replace(candles, **{name: getattr(candles, name).copy() for name in (*_FIELDS, "volume")})


def _newest(hourly: Candles, row: int, hours: Hours) -> Candles:
    """The new hourly bars of one listing, shape (1, bars)."""
    n = len(hours.close)
    worth = hourly.volume[row, -n:] * hourly.close[row, -n:] * hours.volume
    return Candles(
        seconds=HOUR,
        open_time=hourly.open_time[-n:],
        volume=(worth / hours.close)[None, :],
        **{name: getattr(hours, name)[None, :] for name in _FIELDS},
    )


def _write(candles: Candles, row: int, bars: Candles) -> None:
    """Puts the bars at the end of the row of these (own) arrays, and joins the older ones to them."""
    n = min(bars.close.shape[1], candles.close.shape[1])
    if n == 0:
        return
    if n < candles.close.shape[1]:
        factor = bars.open[0, -n] / candles.close[row, -n - 1]
        for name in _FIELDS:
            getattr(candles, name)[row, :-n] *= factor
        candles.volume[row, :-n] /= factor
    for name in (*_FIELDS, "volume"):
        getattr(candles, name)[row, -n:] = getattr(bars, name)[0, -n:]
