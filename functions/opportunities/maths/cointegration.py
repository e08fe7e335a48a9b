"""Whether levels move together in the long run: Engle and Granger's test, for many regressions at once.

Arrays have shape (tests, bars), oldest bar first, without NaN.
"""

from dataclasses import dataclass
from math import ceil, erfc, sqrt

import numpy as np

from opportunities.maths.arrays import Floats, Ints

MOST_REGRESSORS = 5

# MacKinnon, Approximate Asymptotic Distribution Functions for Unit-Root and Cointegration Tests, 1994, table 4, with a
# constant: by the number of series (2 to 6), where the approximation is certain to be 0 or 1, where its two polynomials
# meet, and their coefficients from the constant term up.
_CERTAIN_BELOW = (-18.86, -23.48, -28.07, -25.96, -23.27)
_CERTAIN_ABOVE = (0.92, 0.55, 0.61, 0.79, 1.0)
_MEET = (-2.62, -3.13, -3.47, -3.78, -3.93)
_LOWER = (
    (2.92, 1.5012, 0.039796),
    (3.4699, 1.4856, 0.03164),
    (3.9673, 1.4777, 0.026315),
    (4.5509, 1.5338, 0.029545),
    (5.1399, 1.6036, 0.034445),
)
_UPPER = (
    (2.1945, 0.64695, -0.29198, -0.042377),
    (2.5893, 0.45168, -0.36529, -0.050074),
    (3.0387, 0.45452, -0.33666, -0.041921),
    (3.5049, 0.52098, -0.29158, -0.033468),
    (3.9489, 0.58933, -0.25359, -0.02721),
)
_COLINEAR = 1 - 100 * sqrt(np.finfo(np.float64).eps)
_AT_ONCE = 50


@dataclass(frozen=True, eq=False)
class Cointegration:
    """What the regressions y = intercept + beta x + residual found, one a test.

    `intercept`, `statistic` (the augmented Dickey-Fuller t of the residual), `lags` and `p_value` have shape (tests,),
    `beta` (tests, regressors), `residual` (tests, bars). Where a series is flat, or y is all but a combination of x
    (R² of 1 to 1.5e-6), nothing can be tested: the statistic is NaN, the p-value 1.
    """

    intercept: Floats
    beta: Floats
    residual: Floats
    statistic: Floats
    lags: Ints
    p_value: Floats


def engle_granger(y: Floats, x: Floats) -> Cointegration:
    """Tests "no cointegration" of y, shape (tests, bars), with x, shape (tests, regressors, bars); up to 5 regressors.

    Least squares with a constant, then the augmented Dickey-Fuller test of the residuals without one; lags by Akaike's
    criterion, from 0 to 12 (bars / 100)^(1/4) (Engle and Granger, Co-Integration and Error Correction, 1987, section 4;
    Schwert 1989). P-values by MacKinnon (1994).
    """
    parts = [_tests(y[i : i + _AT_ONCE], x[i : i + _AT_ONCE]) for i in range(0, len(y), _AT_ONCE)]
    intercept, beta, residual, statistic, lags = (np.concatenate(each) for each in zip(*parts, strict=True))
    p_value = np.array([_p_value(float(each), x.shape[1]) for each in statistic])
    return Cointegration(intercept, beta, residual, statistic, lags, p_value)


def _tests(y: Floats, x: Floats) -> tuple[Floats, Floats, Floats, Floats, Ints]:
    n, tests, regressors = y.shape[1], *x.shape[:2]
    y_mean, x_mean = y.mean(axis=1), x.mean(axis=2)
    y_gap, x_gap = y - y_mean[:, None], x - x_mean[:, :, None]
    total = (y_gap**2).sum(axis=1)
    scale = np.sqrt((x_gap**2).sum(axis=2))
    varies = (np.ptp(y, axis=1) > 0) & (np.ptp(x, axis=2) > 0).all(axis=1)
    beta = np.full((tests, regressors), np.nan)
    q, r = np.linalg.qr((x_gap[varies] / scale[varies][:, :, None]).swapaxes(1, 2))
    whole = np.abs(np.diagonal(r, axis1=1, axis2=2)).min(axis=1, initial=1.0) ** 2 > 1 - _COLINEAR
    varies[varies] = whole
    projected = np.einsum("tnk,tn->tk", q[whole], y_gap[varies])
    beta[varies] = np.linalg.solve(r[whole], projected[:, :, None])[:, :, 0] / scale[varies]
    residual = y_gap - np.einsum("tk,tkn->tn", beta, x_gap)
    testable = varies.copy()
    testable[varies] = (residual[varies] ** 2).sum(axis=1) > (1 - _COLINEAR) * total[varies]
    statistic, lags = np.full(tests, np.nan), np.zeros(tests, dtype=np.int64)
    if testable.any():
        statistic[testable], lags[testable] = _dickey_fuller(residual[testable], ceil(12 * (n / 100) ** 0.25))
    return y_mean - (beta * x_mean).sum(axis=1), beta, residual, statistic, lags


def _dickey_fuller(level: Floats, most: int) -> tuple[Floats, Ints]:
    """The t of the level in Δu(t) = γ u(t-1) + Σ δ(i) Δu(t-i), and how many lags Akaike's criterion takes.

    One Cholesky factor of the cross products [regressors, Δu] holds the fits of all leading regressors: with its last
    row l, the sum of squared residuals of the first k is |l|² less the sum of the first k squares.
    """
    row = np.linalg.cholesky(_cross_products(level, most, level_last=False))[:, -1]
    remaining = (row**2).sum(axis=1, keepdims=True) - np.cumsum(row**2, axis=1)[:, :-1]
    bars = level.shape[1] - 1 - most
    lags = np.argmin(bars * np.log(remaining) + 2 * np.arange(1, most + 2), axis=1)
    statistic = np.empty(len(level))
    for count in np.unique(lags).tolist():
        these = lags == count
        row = np.linalg.cholesky(_cross_products(level[these], count, level_last=True))[:, -1]
        degrees = level.shape[1] - 1 - count - (count + 1)
        statistic[these] = row[:, -2] / (row[:, -1] / sqrt(degrees))
    return statistic, lags


def _cross_products(level: Floats, lags: int, *, level_last: bool) -> Floats:
    """Cross products of u(t-1), Δu(t-1) .. Δu(t-lags) and Δu(t), each scaled to length one but for the last."""
    change = np.diff(level, axis=1)
    n = change.shape[1]
    columns = [change[:, lags - i : n - i] for i in range(1, lags + 1)]
    columns.insert(lags if level_last else 0, level[:, lags:n])
    design = np.stack([each / np.linalg.norm(each, axis=1, keepdims=True) for each in [*columns, change[:, lags:]]], 1)
    products: Floats = design @ design.swapaxes(1, 2)
    return products


def _p_value(statistic: float, regressors: int) -> float:
    """MacKinnon's p-value; 1 for NaN."""
    i = regressors - 1
    if not statistic <= _CERTAIN_ABOVE[i]:
        return 1.0
    if statistic < _CERTAIN_BELOW[i]:
        return 0.0
    powers = _LOWER[i] if statistic <= _MEET[i] else _UPPER[i]
    z = sum(coefficient * statistic**power for power, coefficient in enumerate(powers))
    return 0.5 * erfc(-z / sqrt(2))
