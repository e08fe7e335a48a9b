"""The relation of a level to the fewest of some factors, where the residual is a first order autoregression."""

from dataclasses import dataclass
from math import log

import numpy as np

from opportunities.maths.arrays import Floats


@dataclass(frozen=True, eq=False)
class Relation:
    """y = intercept + beta x + residual; `beta` (factors,) is 0 for those left out, `residual` has shape (bars,)."""

    intercept: float
    beta: Floats
    residual: Floats


def fewest(y: Floats, x: Floats, half_life: float) -> Relation:
    """The relation of y (bars,) to the fewest leading rows of x (factors, bars), at least one.

    Generalised least squares: y(t) - φ y(t-1) on the same differences of x and of a constant, φ that of `half_life` in
    bars (Cochrane and Orcutt, Application of Least Squares Regression to Relationships Containing Auto-Correlated Error
    Terms, 1949). The number of rows has the least n ln(RSS / n) + k ln n (Schwarz, Estimating the Dimension of a Model,
    1978): levels wander, so a row too many makes the residual less certain with every bar after the sample.
    """
    phi = 0.5 ** (1 / half_life)
    design = np.vstack([np.ones_like(y), x]).T
    explaining, explained = design[1:] - phi * design[:-1], y[1:] - phi * y[:-1]
    n = len(explained)
    fits = []
    for count in range(1, len(x) + 1):
        coefficients = np.linalg.lstsq(explaining[:, : count + 1], explained)[0]
        missed = explained - explaining[:, : count + 1] @ coefficients
        fits.append((n * log(float(missed @ missed) / n) + count * log(n), count, coefficients))
    _, count, coefficients = min(fits, key=lambda fit: fit[:2])
    beta = np.zeros(len(x))
    beta[:count] = coefficients[1:]
    return Relation(float(coefficients[0]), beta, y - coefficients[0] - beta @ x)
