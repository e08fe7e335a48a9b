"""Measures of the risk of a portfolio, from its simulated profits and losses.

`pnl` is an array of shape (observations,) in USD, oldest first, losses negative; measures of loss are positive.
"""

from dataclasses import dataclass
from math import erfc, exp, log, pi, sqrt

import numpy as np

from opportunities.maths.arrays import Floats

TAIL = 0.05
"""The share of the worst days that the measures look at: 95 % value at risk and expected shortfall."""

_NORMAL_QUANTILE = 1.6448536269514722
_DECAY = 0.94
_SEED_DAYS = 20


def value_at_risk(pnl: Floats) -> float:
    """Historical: the 5 % quantile of the losses, interpolated between observations (Jorion, Value at Risk, 2006)."""
    return -float(np.quantile(pnl, TAIL))


def expected_shortfall(pnl: Floats) -> float:
    """Historical CVaR: the mean of the worst k = floor(5 % (n - 1)) + 1 observations. Convex in the positions."""
    return float(tail_losses(pnl).mean())


def tail_losses(pnl: Floats) -> Floats:
    """One number per observation whose mean is the expected shortfall: v + max(loss - v, 0) n/k, v the k-th loss.

    Rockafellar and Uryasev, Optimization of Conditional Value-at-Risk, 2000, equation 4. A standard error of that
    mean is one of the expected shortfall.
    """
    losses = -pnl
    k = int(TAIL * (len(losses) - 1)) + 1
    threshold = np.sort(losses)[-k]
    excess: Floats = np.maximum(losses - threshold, 0.0)
    tail: Floats = threshold + excess * len(losses) / k
    return tail


def ewma_volatility(returns: Floats) -> Floats:
    """The volatility forecast after each return, σ² = 0.94 σ² + 0.06 r², from the mean square of the first 20 on.

    J.P. Morgan, RiskMetrics Technical Document, 1996, equation 5.3. Shape (observations - 19,): the first forecast
    is the one after the 20th return, the last is for the period to come. At least 20 returns.
    """
    variance = float(np.mean(returns[:_SEED_DAYS] ** 2))
    forecasts = [variance]
    for value in returns[_SEED_DAYS:]:
        variance = _DECAY * variance + (1 - _DECAY) * float(value) ** 2
        forecasts.append(variance)
    return np.sqrt(np.array(forecasts))


def normal_value_at_risk(volatility: float) -> float:
    """Parametric: 1.645 σ with a mean of zero (RiskMetrics 1996)."""
    return _NORMAL_QUANTILE * volatility


def normal_expected_shortfall(volatility: float) -> float:
    """Parametric: σ φ(1.645) / 5 % with a mean of zero (McNeil, Frey and Embrechts, Quantitative
    Risk Management, 2005, section 2.2)."""
    return volatility * exp(-(_NORMAL_QUANTILE**2) / 2) / sqrt(2 * pi) / TAIL


def max_drawdown(values: Floats) -> float:
    """The deepest fall from a peak, as a positive fraction of that peak."""
    return float(np.max(1 - values / np.maximum.accumulate(values)))


def herfindahl(values: Floats) -> float:
    """The sum of squared shares: 1 for a single holding, 1/n for n equal ones (Herfindahl 1950)."""
    shares = values / values.sum()
    return float(shares @ shares)


@dataclass(frozen=True)
class Coverage:
    """How often a value at risk forecast was exceeded, and the p-value of the test that 5 % is its true rate."""

    violations: int
    days: int
    p_value: float


def coverage(returns: Floats) -> Coverage:
    """Backtest of the parametric value at risk, each day forecast from the days before it. At least 21 returns.

    Unconditional coverage, LR = 2 ln((1-v)^(n-x) v^x) - 2 ln((1-α)^(n-x) α^x) with v = x/n, chi-squared with one
    degree of freedom (Kupiec, Techniques for Verifying the Accuracy of Risk Measurement Models, 1995).
    """
    forecasts = _NORMAL_QUANTILE * ewma_volatility(returns)[:-1]
    exceeded = int(np.count_nonzero(-returns[_SEED_DAYS:] > forecasts))
    days = len(forecasts)
    ratio = 2 * (_log_likelihood(exceeded, days, exceeded / days) - _log_likelihood(exceeded, days, TAIL))
    return Coverage(exceeded, days, erfc(sqrt(max(ratio, 0.0) / 2)))


def _log_likelihood(hits: int, n: int, rate: float) -> float:
    return (hits * log(rate) if hits else 0.0) + ((n - hits) * log(1 - rate) if hits < n else 0.0)
