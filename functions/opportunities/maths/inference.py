"""What a sample lets us believe: estimates with honest standard errors, and one scale of confidence for all.

Arrays have shape (observations,), oldest first.
"""

from dataclasses import dataclass
from math import ceil, e, erfc, floor, log, sqrt

import numpy as np

from opportunities.domain import Evidence
from opportunities.maths.arrays import Floats


@dataclass(frozen=True)
class Estimate:
    """An estimated number, its standard error and the size of the sample."""

    value: float
    standard_error: float
    n: int

    def z(self, threshold: float = 0.0) -> float:
        """By how many standard errors the estimate exceeds the threshold."""
        return (self.value - threshold) / self.standard_error


def lags_for(n: int) -> int:
    """How many autocovariances to count: floor(4 (n/100)^(2/9)).

    Newey and West, Automatic Lag Selection in Covariance Matrix Estimation, 1994.
    """
    growth: float = (n / 100) ** (2 / 9)
    return floor(4 * growth)


def mean(sample: Floats, lags: int) -> Estimate:
    """The mean, with a standard error that holds for autocorrelated and heteroskedastic samples.

    Newey and West, A Simple, Positive Semi-Definite, Heteroskedasticity and Autocorrelation Consistent Covariance
    Matrix, 1987, equation 5, with n/(n-1) for the estimated mean. The same as least squares on a constant.
    """
    n = len(sample)
    centred = sample - sample.mean()
    variance = float(centred @ centred)
    for lag in range(1, lags + 1):
        variance += 2 * (1 - lag / (lags + 1)) * float(centred[lag:] @ centred[:-lag])
    return Estimate(float(sample.mean()), sqrt(variance / n / (n - 1)), n)


@dataclass(frozen=True)
class Ar1:
    """A first order autoregression, x(t) - mean = phi (x(t-1) - mean) + shock, fitted to n observations."""

    mean: float
    phi: float
    shock: float
    n: int

    @classmethod
    def fit(cls, sample: Floats) -> "Ar1":
        """Yule-Walker estimates, which are always stationary; the sample must vary.

        Brockwell and Davis, Time Series: Theory and Methods, 1991, equations 8.1.3 and 8.1.4.
        """
        average = float(sample.mean())
        centred = sample - average
        variance = float(centred @ centred) / len(sample)
        phi = float(centred[1:] @ centred[:-1]) / len(sample) / variance
        return cls(average, phi, sqrt(variance * (1 - phi**2)), len(sample))

    def sum_of_next(self, first: float, periods: int) -> Estimate:
        """The sum of the next `periods` values, of which the first is expected to be `first`.

        E = n μ + (x1 - μ) a(n) with a(m) = (1 - φ^m) / (1 - φ). The standard error joins the shocks to come,
        σ² Σ a(m)² over m = 1 .. n-1, and not knowing the mean, (n - a(n))² σ² / ((1 - φ)² N).
        """
        weights = (1 - self.phi ** np.arange(1, periods + 1)) / (1 - self.phi)
        expected = periods * self.mean + (first - self.mean) * float(weights[-1])
        shocks = self.shock**2 * float(weights[:-1] @ weights[:-1])
        mean_unknown = (periods - float(weights[-1])) ** 2 * (self.shock / (1 - self.phi)) ** 2 / self.n
        return Estimate(expected, sqrt(shocks + mean_unknown), self.n)


@dataclass(frozen=True)
class UnitRoot:
    """A test of "this series has a unit root": the t statistic, MacKinnon's p-value, lags used, and sample size."""

    statistic: float
    p: float
    lags: int
    n: int


def augmented_dickey_fuller(sample: Floats) -> UnitRoot:
    """The ADF test with a constant; the sample must vary and have at least 50 observations.

    Δx(t) = c + b x(t-1) + Σ a(i) Δx(t-i) + e(t), H0: b = 0 (Said and Dickey, Testing for Unit Roots in Autoregressive-
    Moving Average Models of Unknown Order, 1984). The lags are those of the least Akaike criterion up to
    ceil(12 (n/100)^(1/4)) (Schwert 1989), all compared on the sample of the longest, then fitted on their own.
    """
    most = ceil(12 * (len(sample) / 100) ** 0.25)
    design, change = _dickey_fuller_design(sample, most)
    orthogonal, _ = np.linalg.qr(design)
    left = change @ change - np.cumsum((orthogonal.T @ change) ** 2)[1:]
    lags = int(np.argmin(len(change) * np.log(left) + 2 * np.arange(2, most + 3)))
    design, change = _dickey_fuller_design(sample, lags)
    inverse = np.linalg.inv(design.T @ design)
    coefficients = inverse @ design.T @ change
    residuals = change - design @ coefficients
    variance = float(residuals @ residuals) / (len(change) - design.shape[1])
    statistic = float(coefficients[1]) / sqrt(variance * float(inverse[1, 1]))
    return UnitRoot(statistic, mackinnon_p_value(statistic), lags, len(change))


def mackinnon_p_value(statistic: float) -> float:
    """The p-value of a Dickey-Fuller t statistic with a constant, one series.

    MacKinnon, Approximate Asymptotic Distribution Functions for Unit-Root and Cointegration Tests, 1994, tables 3 and
    4: a normal probability of a polynomial in the statistic.
    """
    if statistic > 2.74:
        return 1.0
    if statistic < -18.83:
        return 0.0
    small, large = (2.1659, 1.4412, 0.038269), (1.7339, 0.93202, -0.12745, -0.010368)
    terms = small if statistic <= -1.61 else large
    return p_value(-sum(term * statistic**power for power, term in enumerate(terms)))


def _dickey_fuller_design(sample: Floats, lags: int) -> tuple[Floats, Floats]:
    """Regressors (constant, level, lagged changes; shape (n, lags + 2)) and the changes they explain (n,).

    The level is taken from the sample's mean, which changes nothing but the constant, and keeps digits.
    """
    level, change = sample - sample.mean(), np.diff(sample)
    lagged = [change[lags - lag : len(change) - lag] for lag in range(1, lags + 1)]
    explained = change[lags:]
    return np.column_stack([np.ones(len(explained)), level[lags:-1], *lagged]), explained


def p_value(z: float) -> float:
    """The chance that a standard normal exceeds z: the one-sided p-value."""
    return 0.5 * erfc(z / sqrt(2))


def confidence(p: float) -> float:
    """The one scale of confidence, in [0, 1], falling in the p-value of "there is nothing here".

    For p < 1/e it is 1 - 1 / (1 + 1 / (-e p ln p)): the most that the data can make of even odds against the null
    hypothesis, whatever the alternative (Sellke, Bayarri and Berger, Calibration of p Values for Testing Precise Null
    Hypotheses, 2001, equations 2 and 3). So p = 0.05 gives 0.71, p = 0.01 gives 0.89, p = 0.001 gives 0.98. Above 1/e
    the data say nothing for the opportunity, and the scale falls linearly from 0.5 to 0 at p = 1.

    It is no probability of profit: that a trend was there does not make it stay.
    """
    if p <= 0:
        return 1.0
    if p < 1 / e:
        return 1 / (1 - e * p * log(p))
    return 0.5 * (1 - p) / (1 - 1 / e)


def of_edge(net: float, costs: float, n: int) -> Evidence:
    """The evidence for a profit that is fixed at entry by `n` orders: net / (net + costs), both at least 0.

    What may still go wrong is execution, and costs (fees, spread, slippage) measure how much: a net edge as large as
    its costs gives 0.5, twice as large 0.67. It falls to 0 with the edge.
    """
    return Evidence("net edge over edge before costs", net / (net + costs) if net > 0 else 0.0, n)


def confidence_score(evidence: Evidence) -> float:
    """The confidence, in [0, 1], in what has this evidence: by its p-value, or the share of the edge that is net."""
    return evidence.value if evidence.p_value is None else confidence(evidence.p_value)


def false_discovery(p: Floats) -> Floats:
    """P-values adjusted for having tried all of them: the false discovery rate at which each would be called a find.

    Benjamini and Hochberg, Controlling the False Discovery Rate, 1995: the least of p(k) m / k over all k from its rank
    on. Shape (tests,) in and out.
    """
    order = np.argsort(p)[::-1]
    scaled = p[order] * len(p) / np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled), 1.0)
    return adjusted
