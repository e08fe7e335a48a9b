"""Covariances and long-only weights that need no forecast of returns.

Returns have shape (assets, observations), oldest first; covariances (assets, assets); weights (assets,), summing to 1.
"""

import numpy as np
from numpy.typing import NDArray

from opportunities.maths.arrays import Floats

_ROUNDS = 10_000
_TOLERANCE = 1e-13


def shrunk_covariance(returns: Floats) -> tuple[Floats, float]:
    """The sample covariance drawn to a multiple of the identity, per observation, and by which share.

    Ledoit and Wolf, A Well-Conditioned Estimator for Large-Dimensional Covariance Matrices, 2004, section 3.2: the
    share b²/d² is the estimated error of the sample covariance over its distance from the target. Two observations at
    least.
    """
    assets, n = returns.shape
    centred = returns - returns.mean(axis=1, keepdims=True)
    sample = centred @ centred.T / n
    target = np.trace(sample) / assets
    distance = ((sample - target * np.eye(assets)) ** 2).sum()
    error = (((centred**2) @ (centred**2).T).sum() / n - (sample**2).sum()) / n
    share = float(min(error, distance) / distance) if distance > 0 else 0.0
    shrunk: Floats = (1 - share) * sample + share * target * np.eye(assets)
    return shrunk, share


def minimum_variance(covariance: Floats) -> Floats:
    """The long-only weights of least variance (Markowitz, Portfolio Selection, 1952), covariance positive definite.

    x >= 0 minimising x'Σx/2 - Σ x, by the active set method of Lawson and Hanson (Solving Least Squares Problems,
    1974, chapter 23), scaled to sum to 1: its optimality conditions are those of the weights.
    """
    x = np.zeros(len(covariance))
    free = np.zeros(len(covariance), dtype=np.bool_)
    for _ in range(_ROUNDS):
        gradient = np.where(free, 0.0, 1 - covariance @ x)
        if gradient.max() <= _TOLERANCE * len(x):
            break
        free[gradient.argmax()] = True
        trial = _unconstrained(covariance, free)
        while trial[free].min() <= 0:
            blocking = free & (trial <= 0)
            step = (x[blocking] / (x[blocking] - trial[blocking])).min()
            x += step * (trial - x)
            free &= x > _TOLERANCE * x.max()
            x[~free] = 0.0
            trial = _unconstrained(covariance, free)
        x = trial
    weights: Floats = x / x.sum()
    return weights


def _unconstrained(covariance: Floats, free: NDArray[np.bool_]) -> Floats:
    x = np.zeros(len(covariance))
    x[free] = np.linalg.solve(covariance[np.ix_(free, free)], np.ones(int(free.sum())))
    return x


def risk_parity(covariance: Floats) -> Floats:
    """The long-only weights of which each adds as much to the variance, w(i) (Σw)(i) equal for all.

    Maillard, Roncalli and Teiletche, The Properties of Equally Weighted Risk Contribution Portfolios, 2010; by cyclical
    coordinate descent (Griveau-Billion, Richard and Roncalli, A Fast Algorithm for Computing High-Dimensional Risk
    Parity Portfolios, 2013, equation 5).
    """
    variance = np.diag(covariance)
    x = 1 / np.sqrt(variance)
    for _ in range(_ROUNDS):
        before = x.copy()
        for i in range(len(x)):
            others = covariance[i] @ x - variance[i] * x[i]
            x[i] = (np.sqrt(others**2 + 4 * variance[i]) - others) / (2 * variance[i])
        if np.abs(x / before - 1).max() <= _TOLERANCE:
            break
    weights: Floats = x / x.sum()
    return weights
