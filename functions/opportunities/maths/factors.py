"""The common factors behind many coins' returns."""

from dataclasses import dataclass

import numpy as np

from opportunities.maths.arrays import Floats


@dataclass(frozen=True, eq=False)
class Factors:
    """Eigenportfolios: `weights` (factors, coins) are USD of each coin per USD of a factor; `explained` is their share
    of the variance of all standardised returns.
    """

    weights: Floats
    explained: float


def principal(returns: Floats, share: float, most: int) -> Factors:
    """The fewest factors that explain this share of the variance, at most `most`, of returns (coins, bars) that vary.

    The principal components of the correlation matrix; their eigenportfolios hold v(i) / σ(i) of each coin (Avellaneda
    and Lee, Statistical Arbitrage in the US Equities Market, 2010, equation 9), here scaled so that the sizes sum to 1,
    with the sign that makes the sum positive.
    """
    deviation = returns.std(axis=1)
    standard = (returns - returns.mean(axis=1, keepdims=True)) / deviation[:, None]
    values, vectors = np.linalg.eigh(standard @ standard.T / returns.shape[1])
    explained = np.cumsum(values[::-1]) / len(returns)
    count = min(int(np.searchsorted(explained, share)) + 1, most, len(returns))
    weights = vectors[:, ::-1][:, :count].T / deviation
    weights /= np.abs(weights).sum(axis=1, keepdims=True)
    weights *= np.where(weights.sum(axis=1, keepdims=True) < 0, -1.0, 1.0)
    return Factors(weights, float(explained[count - 1]))
