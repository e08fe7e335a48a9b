"""Random hourly paths of the simulated market: correlated prices, lively or fair, and perpetuals' premiums.

Everything is drawn for a whole period at once, from (seed, period). So two captures within one period see one
market, the later one some bars further; a capture never depends on how often anybody looks.
"""

from dataclasses import dataclass

import numpy as np

from opportunities.market import draws
from opportunities.market.simulated.assets import FOLLOWERS, RANGING, Asset
from opportunities.market.simulated.market_factor import (
    MarketFactor,
    chains,
    fat_tails,
    persistent,
    with_regimes,
    without_regimes,
)
from opportunities.market.timeframes import HOUR
from opportunities.maths import elementary
from opportunities.maths.arrays import Floats

HISTORY_HOURS = 400 * 24
PERIOD_HOURS = 30 * 24

# Drift (in hourly volatilities) and pull to the level at the regime's begin of an asset's own part: noise,
# rising, falling, and two that revert, with half-lives of 8 and 27 hours.
_OWN_DRIFT = np.array([0.0, 0.07, -0.07, 0.0, 0.0])
_OWN_PULL = np.array([0.0, 0.0, 0.0, 0.08, 0.025])
_OWN_WEIGHTS = [0.30, 0.15, 0.15, 0.20, 0.20]
# Every asset's own part comes back in the long run (half-life 72 days), so that no price runs away.
_HOMING = 0.0004
_SECTOR_VOLATILITY = 0.0018
# Followers and ranging assets: persistence by the hour (half-life 8 hours), deviation of the gap and of the range.
_GAP_PERSISTENCE, _GAP, _RANGE = 0.917, 0.015, 0.02
# Premiums: persistence and deviation, of a lively and of a fair market, whose funding pays nobody's costs.
_PREMIUM_PERSISTENCE, _PREMIUM_DEVIATION = 0.98, 0.00025
_FAIR_PERSISTENCE, _FAIR_DEVIATION = 0.9, 0.00005


@dataclass(frozen=True, eq=False)
class Paths:
    """Hourly paths from `begins_at` (epoch seconds): arrays of shape (assets, hours), `close` one hour longer.

    `close[:, 0]` is the price at `begins_at`, `close[:, t + 1]` the one at the end of hour t; `premium[:, t]`
    is the perpetual's mark over index, less 1, at the end of hour t, `premium_elsewhere` that of the second exchange;
    `volume_usd` is in USD, `volatility[:, t]` the deviation that hour t's log return was drawn with.
    `variance_ahead[:, h]` is the expected sum of the squared log returns of the next h + 1 hours.
    """

    begins_at: int
    close: Floats
    high: Floats
    low: Floats
    volume_usd: Floats
    volatility: Floats
    premium: Floats
    premium_elsewhere: Floats
    variance_ahead: Floats


def simulate(
    seed: int, at: int, assets: tuple[Asset, ...], daily_usd: Floats, premium_level: Floats, *, fair: bool = False
) -> Paths:
    """The paths of the period that `at` lies in, with `HISTORY_HOURS` before it; arrays of shape (assets,) in.

    A fair market has no regimes, nothing that reverts, and no drift: prices are martingales.
    """
    period = at // HOUR // PERIOD_HOURS
    rng = np.random.default_rng([seed, period])
    hours = HISTORY_HOURS + PERIOD_HOURS
    factor = without_regimes(rng, hours) if fair else with_regimes(rng, hours)
    sectors = sorted({asset.sector for asset in assets})
    member = np.array([sectors.index(asset.sector) for asset in assets])
    sector = _SECTOR_VOLATILITY * factor.stress * fat_tails(rng, (len(sectors), hours))[member]
    beta = np.where(np.arange(len(assets)) == 0, 1.0, draws.uniform(rng, 0.8, 1.6, len(assets)))
    size = elementary.log(daily_usd / daily_usd.max()) / elementary.log(10.0)
    usual = 0.0012 * (1 - size) * draws.uniform(rng, 0.8, 1.3, len(assets))
    own_volatility = usual[:, None] * np.sqrt(factor.stress)
    common = np.sqrt(np.square(beta * factor.usual_volatility) + _SECTOR_VOLATILITY * _SECTOR_VOLATILITY)
    volatility = _both(common[:, None] * factor.stress, own_volatility)
    moves = beta[:, None] * factor.returns + sector
    if fair:
        own = own_volatility * fat_tails(rng, own_volatility.shape)
        logs = np.cumsum(moves + own - np.square(volatility) / 2, axis=1)
    else:
        logs = np.cumsum(moves, axis=1) + _own(rng, own_volatility)
        _bind(rng, assets, logs, volatility)
    logs = elementary.log([asset.price for asset in assets])[:, None] + np.pad(logs, ((0, 0), (1, 0)))
    high, low = _extremes(rng, logs, volatility)
    premium, elsewhere = _premiums(rng, premium_level, hours, fair=fair)
    begins_at = (period * PERIOD_HOURS - HISTORY_HOURS) * HOUR
    return Paths(
        begins_at=begins_at,
        close=elementary.exp(logs),
        high=high,
        low=low,
        volume_usd=_volume(rng, daily_usd, np.abs(np.diff(logs, axis=1)) / volatility, begins_at),
        volatility=volatility,
        premium=premium,
        premium_elsewhere=elsewhere,
        variance_ahead=_variance_ahead(factor, (at - begins_at) // HOUR, common, usual),
    )


def _both(one: Floats, other: Floats | float) -> Floats:
    """The deviation of a sum of two independent parts with these deviations."""
    whole: Floats = np.sqrt(np.square(one) + np.square(other))
    return whole


def _own(rng: np.random.Generator, volatility: Floats) -> Floats:
    """Each asset's own part of its log price, shape (assets, hours): it trends, reverts or wanders by regime."""
    regime = chains(rng, volatility.shape, _OWN_WEIGHTS, mean_hours=24 * 30)
    shocks = (volatility * (_OWN_DRIFT[regime] + fat_tails(rng, regime.shape))).T.copy()
    pull = _OWN_PULL[regime].T.copy()
    begins = np.diff(regime, axis=1, prepend=-1).T != 0
    path = np.empty_like(shocks)
    level = anchor = np.zeros(len(volatility))
    for hour in range(len(path)):
        anchor = np.where(begins[hour], level, anchor)
        level = level * (1 - _HOMING) + pull[hour] * (anchor - level) + shocks[hour]
        path[hour] = level
    return path.T.copy()


def _bind(rng: np.random.Generator, assets: tuple[Asset, ...], logs: Floats, volatility: Floats) -> None:
    """Make followers follow their leaders, and ranging assets range, in place."""
    names = [asset.name for asset in assets]
    gap = persistent(rng, len(FOLLOWERS) + len(RANGING), logs.shape[1], _GAP_PERSISTENCE)
    step = np.sqrt(1 - _GAP_PERSISTENCE * _GAP_PERSISTENCE)
    for (name, leader), path in zip(FOLLOWERS.items(), gap[: len(FOLLOWERS)], strict=True):
        if name in names:
            row, led_by = names.index(name), names.index(leader)
            logs[row] = logs[led_by] + _GAP * path
            volatility[row] = _both(volatility[led_by], _GAP * step)
    for name, path in zip(RANGING, gap[len(FOLLOWERS) :], strict=True):
        if name in names:
            row = names.index(name)
            logs[row] = _RANGE * path
            volatility[row] = _RANGE * step


def _extremes(rng: np.random.Generator, logs: Floats, volatility: Floats) -> tuple[Floats, Floats]:
    """Highs and lows: the extremes of a Brownian bridge from each hour's open to its close.

    P(max < m | open, close) = 1 - exp(-2 (m - open) (m - close) / σ²) (Borodin and Salminen, Handbook of Brownian
    Motion, 2002, 1.1.8), inverted at a uniform number.
    """
    between = logs[:, :-1] + logs[:, 1:]
    shocks = draws.exponential(rng, (2, *volatility.shape))
    reach = np.sqrt(np.square(np.diff(logs, axis=1)) + 2 * np.square(volatility) * shocks)
    return elementary.exp((between + reach[0]) / 2), elementary.exp((between - reach[1]) / 2)


def _volume(rng: np.random.Generator, daily_usd: Floats, moves: Floats, begins_at: int) -> Floats:
    """Traded USD an hour: more in the American afternoon, more when the price moves, and noise."""
    hour_of_day = (begins_at // HOUR + np.arange(moves.shape[1])) % 24
    # A cosine may differ in its last digit by processor; of these 24 none lies where that could decide a rounding.
    season = 1 + 0.35 * np.round(np.cos(2 * np.pi * (np.arange(24) - 15) / 24), 12)[hour_of_day]
    noise = elementary.exp(-0.08 + 0.4 * draws.normal(rng, moves.shape))
    return daily_usd[:, None] / 24 * season * noise * (0.5 + 0.6 * moves)


def _premiums(rng: np.random.Generator, level: Floats, hours: int, *, fair: bool) -> tuple[Floats, Floats]:
    """Premiums that return to each asset's own level; the second exchange's is less crowded, and much the same."""
    if fair:
        both = _FAIR_DEVIATION * persistent(rng, 2 * len(level), hours, _FAIR_PERSISTENCE)
        return both[: len(level)], both[len(level) :]
    first, own = persistent(rng, 2 * len(level), hours, _PREMIUM_PERSISTENCE).reshape(2, len(level), hours)
    spread = (_PREMIUM_DEVIATION + 0.15 * np.abs(level))[:, None]
    return level[:, None] + spread * first, 0.7 * level[:, None] + spread * (0.8 * first + 0.6 * own)


def _variance_ahead(factor: MarketFactor, hour: int, common: Floats, usual: Floats) -> Floats:
    """Each asset's expected squared log returns from `hour` on, added up: shape (assets, `HISTORY_HOURS`)."""
    stress, squared = factor.expected(hour, HISTORY_HOURS)
    ahead: Floats = np.cumsum(np.square(common)[:, None] * squared + np.square(usual)[:, None] * stress, axis=1)
    return ahead
