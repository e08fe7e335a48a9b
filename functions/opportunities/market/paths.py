"""Random hourly paths of the simulated market: correlated prices in changing regimes, and perpetuals' premiums.

Everything is drawn for a whole period at once, from (seed, period). So two captures within one period see one
market, the later one some bars further; a capture never depends on how often anybody looks.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from opportunities.market.assets import Asset
from opportunities.market.snapshot import Floats
from opportunities.market.timeframes import HOUR

HISTORY_HOURS = 400 * 24
PERIOD_HOURS = 30 * 24

# Hourly volatility and drift of the market factor: calm, rising, falling, stressed.
_MARKET_VOLATILITY = np.array([0.0028, 0.0042, 0.0045, 0.0100])
_MARKET_DRIFT = np.array([0.0, 0.00022, -0.00020, -0.00010])
# Drift (in hourly volatilities) and pull to the level at the regime's begin of an asset's own part: noise,
# rising, falling, and two that revert, with half-lives of 8 and 27 hours.
_OWN_DRIFT = np.array([0.0, 0.07, -0.07, 0.0, 0.0])
_OWN_PULL = np.array([0.0, 0.0, 0.0, 0.08, 0.025])
# Every asset's own part comes back in the long run (half-life 72 days), so that no price runs away.
_HOMING = 0.0004
_SECTOR_VOLATILITY = 0.0018
_USUAL_VOLATILITY = 0.004
_PREMIUM_PERSISTENCE = 0.98
_VOLATILITY_PERSISTENCE = 0.97


@dataclass(frozen=True, eq=False)
class Paths:
    """Hourly paths from `begins_at` (epoch seconds): arrays of shape (assets, hours), `close` one hour longer.

    `close[:, 0]` is the price at `begins_at`, `close[:, t + 1]` the one at the end of hour t; `premium[:, t]`
    is the perpetual's mark over index, less 1, at the end of hour t; `volume_usd` is in USD.
    """

    begins_at: int
    close: Floats
    high: Floats
    low: Floats
    volume_usd: Floats
    premium: Floats


def simulate(seed: int, at: int, assets: tuple[Asset, ...], daily_usd: Floats, premium_level: Floats) -> Paths:
    """The paths of the period that `at` lies in, with `HISTORY_HOURS` before it; arrays of shape (assets,) in."""
    period = at // HOUR // PERIOD_HOURS
    rng = np.random.default_rng([seed, period])
    hours = HISTORY_HOURS + PERIOD_HOURS
    market, stress = _market(rng, hours)
    sectors = sorted({asset.sector for asset in assets})
    member = np.array([sectors.index(asset.sector) for asset in assets])
    sector = _SECTOR_VOLATILITY * stress * _fat_tails(rng, (len(sectors), hours))[member]
    beta = np.where(np.arange(len(assets)) == 0, 1.0, rng.uniform(0.8, 1.6, len(assets)))
    size = np.log10(daily_usd / daily_usd.max())
    own_volatility = (0.0012 * (1 - size) * rng.uniform(0.8, 1.3, len(assets)))[:, None] * np.sqrt(stress)
    own = _own(rng, own_volatility)
    logs = np.cumsum(beta[:, None] * market + sector, axis=1) + own
    logs = np.log([asset.price for asset in assets])[:, None] + np.pad(logs, ((0, 0), (1, 0)))
    volatility = np.hypot(beta[:, None] * _USUAL_VOLATILITY * stress, own_volatility)
    reach = volatility[:, :, None] * np.abs(rng.standard_normal((len(assets), hours, 2))) * 0.5
    moved = np.abs(np.diff(logs, axis=1))
    begins_at = (period * PERIOD_HOURS - HISTORY_HOURS) * HOUR
    return Paths(
        begins_at=begins_at,
        close=np.exp(logs),
        high=np.exp(np.maximum(logs[:, :-1], logs[:, 1:]) + reach[:, :, 0]),
        low=np.exp(np.minimum(logs[:, :-1], logs[:, 1:]) - reach[:, :, 1]),
        volume_usd=_volume(rng, daily_usd, moved / volatility, begins_at),
        premium=_premium(rng, premium_level, hours),
    )


def _fat_tails(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Student's t with 4 degrees of freedom, scaled to a standard deviation of 1 and cut at 10 of them."""
    tails: Floats = np.clip(rng.standard_t(4, shape) / np.sqrt(2), -10, 10)
    return tails


def _regimes(
    rng: np.random.Generator, shape: tuple[int, int], weights: list[float], mean_hours: float
) -> NDArray[np.intp]:
    """Regime numbers of shape (chains, hours), drawn by `weights` anew after geometric times."""
    runs = np.cumsum(rng.random(shape) < 1 / mean_hours, axis=1)
    drawn = rng.choice(len(weights), (shape[0], int(runs.max()) + 1), p=weights)
    return np.take_along_axis(drawn, runs, axis=1)


def _persistent(rng: np.random.Generator, chains: int, hours: int, persistence: float) -> Floats:
    """AR(1) by the hour around 0 with a standard deviation of 1, shape (chains, hours)."""
    shocks = np.sqrt(1 - persistence**2) * rng.standard_normal((hours, chains))
    path = np.empty_like(shocks)
    level = rng.standard_normal(chains)
    for hour in range(hours):
        level = persistence * level + shocks[hour]
        path[hour] = level
    chains_first: Floats = path.T.copy()
    return chains_first


def _market(rng: np.random.Generator, hours: int) -> tuple[Floats, Floats]:
    """The market factor's hourly log returns, and how much more volatile than usual each hour is."""
    regime = _regimes(rng, (1, hours), [0.40, 0.30, 0.20, 0.10], mean_hours=24 * 9)[0]
    clusters = np.exp(0.4 * _persistent(rng, 1, hours, _VOLATILITY_PERSISTENCE)[0] - 0.08)
    volatility = _MARKET_VOLATILITY[regime] * clusters
    return _MARKET_DRIFT[regime] + volatility * _fat_tails(rng, (hours,)), volatility / _USUAL_VOLATILITY


def _own(rng: np.random.Generator, volatility: Floats) -> Floats:
    """Each asset's own part of its log price, shape (assets, hours): it trends, reverts or wanders by regime."""
    regime = _regimes(rng, volatility.shape, [0.30, 0.15, 0.15, 0.20, 0.20], mean_hours=24 * 30)
    shocks = (volatility * (_OWN_DRIFT[regime] + _fat_tails(rng, regime.shape))).T.copy()
    pull = _OWN_PULL[regime].T.copy()
    begins = np.diff(regime, axis=1, prepend=-1).T != 0
    path = np.empty_like(shocks)
    level = anchor = np.zeros(len(volatility))
    for hour in range(len(path)):
        anchor = np.where(begins[hour], level, anchor)
        level = level * (1 - _HOMING) + pull[hour] * (anchor - level) + shocks[hour]
        path[hour] = level
    return path.T.copy()


def _volume(rng: np.random.Generator, daily_usd: Floats, moves: Floats, begins_at: int) -> Floats:
    """Traded USD an hour: more in the American afternoon, more when the price moves, and noise."""
    hour_of_day = (begins_at // HOUR + np.arange(moves.shape[1])) % 24
    season = 1 + 0.35 * np.cos(2 * np.pi * (hour_of_day - 15) / 24)
    noise = np.exp(rng.normal(-0.08, 0.4, moves.shape))
    return daily_usd[:, None] / 24 * season * noise * (0.5 + 0.6 * moves)


def _premium(rng: np.random.Generator, level: Floats, hours: int) -> Floats:
    """Premiums that return to each asset's own level."""
    spread = 0.00025 + 0.15 * np.abs(level)
    premium: Floats = level[:, None] + spread[:, None] * _persistent(rng, len(level), hours, _PREMIUM_PERSISTENCE)
    return premium
