"""Mean reversion: the Ornstein-Uhlenbeck process behind a series, its half-life, and its chance to reach the mean.

Arrays have shape (observations,), oldest first.
"""

from math import log

import numpy as np

from opportunities.maths.arrays import Floats

# Gauss-Legendre on 48 points integrates exp(u²/2) over eight standard deviations to 1e-14.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)


def half_life(sample: Floats) -> float:
    """After how many observations a gap to the mean has halved: -ln 2 / ln φ; infinite if the series doesn't revert.

    φ is the slope of x(t) on x(t-1) (Chan, Algorithmic Trading, 2013, chapter 2), less its bias in small samples,
    -(1 + 3 φ) / n (Kendall, Note on Bias in the Estimation of Autocorrelation, 1954): without that a random walk of
    500 steps seems to revert within 70. Zero where φ is not positive: the gap is gone at the next observation.
    """
    before, after = sample[:-1] - sample[:-1].mean(), sample[1:] - sample[1:].mean()
    slope = float(before @ after) / float(before @ before)
    phi = slope + (1 + 3 * slope) / len(before)
    if phi >= 1:
        return float("inf")
    return -log(2) / log(phi) if phi > 0 else 0.0


def mean_first(z: float, stop: float, target: float = 0.0) -> float:
    """The chance that an Ornstein-Uhlenbeck process at `z` reaches `target` before `stop`; stop < z <= target <= 0.

    All in standard deviations of its stationary distribution from its mean. (S(z) - S(stop)) / (S(target) - S(stop))
    with the scale function S(x) = ∫ exp(u²/2) du (Karlin and Taylor, A Second Course in Stochastic Processes, 1981,
    section 15.3).
    """
    return (_scale(-stop) - _scale(-z)) / (_scale(-stop) - _scale(-target))


def _scale(z: float) -> float:
    """∫ exp(u²/2) du from 0 to z."""
    return float(_WEIGHTS @ np.exp((z * (_NODES + 1) / 2) ** 2 / 2)) * z / 2
