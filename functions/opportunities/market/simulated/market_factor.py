"""The market factor, which moves all prices of the simulated market at once: its regimes and its volatility."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from opportunities.market import draws
from opportunities.maths import elementary
from opportunities.maths.arrays import Floats

# Hourly volatility and drift of the market factor: calm, rising, falling, stressed; how often, how long.
_VOLATILITY = np.array([0.0028, 0.0042, 0.0045, 0.0100])
_DRIFT = np.array([0.0, 0.00022, -0.00020, -0.00010])
_WEIGHTS = [0.40, 0.30, 0.20, 0.10]
_REGIME_HOURS = 24 * 9
_USUAL_VOLATILITY = 0.004
# Volatility clusters: persistence by the hour, and deviation of the logarithm, with regimes and without.
_PERSISTENCE = 0.97
_CLUSTERS, _CLUSTERS_WITHOUT_REGIMES = 0.4, 0.3
# The variance of Student's t with 4 degrees of freedom over √2, cut at 10.
_TAILS_VARIANCE = 0.985245702332569


@dataclass(frozen=True, eq=False)
class MarketFactor:
    """The market factor: hourly log `returns`, and `stress`, how much more volatile than usual each hour is.

    Arrays of shape (hours,). Stress is `level` (by regime, expected to have `mean_level` and `mean_square` when it
    has changed) times exp(amplitude x cluster - amplitude² / 2), where `cluster` is an AR(1) with deviation 1.
    """

    usual_volatility: float
    returns: Floats
    stress: Floats
    level: Floats
    mean_level: float
    mean_square: float
    cluster: Floats
    amplitude: float

    def expected(self, hour: int, ahead: int) -> tuple[Floats, Floats]:
        """The expected stress and squared stress of the `ahead` hours from `hour` on, given the hour before it."""
        steps = np.arange(1, ahead + 1)
        stays, persists = elementary.power(1 - 1 / _REGIME_HOURS, steps), elementary.power(_PERSISTENCE, steps)
        level, cluster = self.level[hour - 1], self.cluster[hour - 1]

        def moment(power: int, now: float, mean: float) -> Floats:
            """E[exp(p a x - p a² / 2)] of a normal x whose mean and variance the AR(1) gives, times the level's."""
            scale = power * self.amplitude
            spread = scale * scale * (1 - np.square(persists)) / 2
            exponent = scale * persists * cluster - scale * self.amplitude / 2 + spread
            expected: Floats = elementary.exp(exponent) * (stays * now + (1 - stays) * mean)
            return expected

        return moment(1, level, self.mean_level), moment(2, level * level, self.mean_square)


def with_regimes(rng: np.random.Generator, hours: int) -> MarketFactor:
    """Calm, rising, falling and stressed regimes."""
    regime = chains(rng, (1, hours), _WEIGHTS, _REGIME_HOURS)[0]
    levels = _VOLATILITY / _USUAL_VOLATILITY
    means = float((levels * _WEIGHTS).sum()), float((np.square(levels) * _WEIGHTS).sum())
    return _drawn(rng, levels[regime], _DRIFT[regime], means, _CLUSTERS)


def without_regimes(rng: np.random.Generator, hours: int) -> MarketFactor:
    """No regimes and no drift: fat tails and clusters of volatility only."""
    return _drawn(rng, np.ones(hours), np.zeros(hours), (1.0, 1.0), _CLUSTERS_WITHOUT_REGIMES)


def _drawn(
    rng: np.random.Generator, level: Floats, drift: Floats, means: tuple[float, float], amplitude: float
) -> MarketFactor:
    hours = len(level)
    cluster = persistent(rng, 1, hours, _PERSISTENCE)[0]
    stress = level * elementary.exp(amplitude * cluster - amplitude * amplitude / 2)
    returns = drift + _USUAL_VOLATILITY * stress * fat_tails(rng, (hours,))
    return MarketFactor(_USUAL_VOLATILITY, returns, stress, level, *means, cluster, amplitude)


def fat_tails(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Student's t with 4 degrees of freedom, cut at about 10 standard deviations, scaled to a deviation of 1."""
    tails: Floats = np.clip(draws.student_t(rng, 4, shape) / np.sqrt(2), -10, 10) / np.sqrt(_TAILS_VARIANCE)
    return tails


def chains(
    rng: np.random.Generator, shape: tuple[int, int], weights: list[float], mean_hours: float
) -> NDArray[np.intp]:
    """Regime numbers of shape (chains, hours), drawn by `weights` anew after geometric times."""
    runs = np.cumsum(rng.random(shape) < 1 / mean_hours, axis=1)
    drawn = rng.choice(len(weights), (shape[0], int(runs.max()) + 1), p=weights)
    return np.take_along_axis(drawn, runs, axis=1)


def persistent(rng: np.random.Generator, series: int, hours: int, persistence: float) -> Floats:
    """AR(1) by the hour around 0 with a standard deviation of 1, shape (series, hours)."""
    shocks = np.sqrt(1 - persistence * persistence) * draws.normal(rng, (hours, series))
    path = np.empty_like(shocks)
    level = draws.normal(rng, series)
    for hour in range(hours):
        level = persistence * level + shocks[hour]
        path[hour] = level
    series_first: Floats = path.T.copy()
    return series_first
