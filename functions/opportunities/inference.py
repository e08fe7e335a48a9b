"""What a sample lets us believe: estimates with honest standard errors, and one scale of confidence for all.

Arrays have shape (observations,), oldest first.
"""

from dataclasses import dataclass
from math import e, erfc, floor, log, sqrt

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]


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
