"""Elementary functions whose every bit is the same on every processor, for whatever must be made the same everywhere.

The C library's and NumPy's own exp, log, pow and erf differ in the last digit by processor, and so do BLAS and LAPACK.
These are made of NumPy's elementwise + - * / and of exact scaling alone, which IEEE 754 defines to the bit. They are
within some units in the last place of the true value. Arguments are finite; arrays broadcast, scalars give scalars.
"""

from math import factorial, pi, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from opportunities.maths.arrays import Floats

# ln 2 in two parts, the first with 32 bits, so that its product with an exponent is exact (Cody and Waite, Software
# Manual for the Elementary Functions, 1980, chapter 6).
_LN_2, _LN_2_REST = float.fromhex("0x1.62e42fee00000p-1"), float.fromhex("0x1.a39ef35793c76p-33")
_EXP = [1 / factorial(n) for n in range(13, -1, -1)]
_ATANH = [1 / (2 * n + 1) for n in range(11, -1, -1)]
_CDF_TERMS, _CDF_REACH = 150, 8.0
_FIRST_TEN, _LAST_TEN = -30, 30
_TENS = np.array([float(f"1e{exponent}") for exponent in range(_FIRST_TEN, _LAST_TEN + 1)])


def exp(x: ArrayLike) -> Floats:
    """e to the power of x, by the Taylor polynomial of degree 13 between -ln 2 / 2 and ln 2 / 2."""
    whole: Floats = np.asarray(x, float)
    twos = np.rint(whole / _LN_2)
    rest = (whole - twos * _LN_2) - twos * _LN_2_REST
    value: Floats = np.ldexp(_polynomial(_EXP, rest), twos.astype(np.int32))
    return value


def log(x: ArrayLike) -> Floats:
    """The natural logarithm of x > 0: of its mantissa m by 2 artanh((m - 1) / (m + 1)), a series in odd powers."""
    mantissa, twos = np.frexp(np.asarray(x, float))
    small = mantissa < sqrt(0.5)
    mantissa, twos = np.where(small, 2 * mantissa, mantissa), twos - small
    ratio = (mantissa - 1) / (mantissa + 1)
    value: Floats = twos * _LN_2 + (2 * ratio * _polynomial(_ATANH, ratio * ratio) + twos * _LN_2_REST)
    return value


def power(base: ArrayLike, exponent: ArrayLike) -> Floats:
    """A base > 0 to the power of the exponent."""
    return exp(np.asarray(exponent, float) * log(base))


def normal_cdf(x: ArrayLike) -> Floats:
    """The standard normal's distribution function, to some 1e-16 in absolute terms.

    1/2 + φ(x) (x + x³/3 + x⁵/(3·5) + ...) (Marsaglia, Evaluating the Normal Distribution, 2004, section 2); beyond 8
    it is 0 or 1 to that precision.
    """
    within: Floats = np.clip(np.asarray(x, float), -_CDF_REACH, _CDF_REACH)
    square = within * within
    term = total = within
    for n in range(1, _CDF_TERMS):
        term = term * square / (2 * n + 1)
        total = total + term
    share: Floats = np.clip(0.5 + total * exp(-square / 2) / sqrt(2 * pi), 0.0, 1.0)
    return share


def magnitude(x: ArrayLike) -> NDArray[np.int64]:
    """The exponent of the largest power of ten, of 1e-30 to 1e30, that x reaches."""
    return np.asarray(np.searchsorted(_TENS, x, side="right") - 1 + _FIRST_TEN)


def power_of_ten(exponent: ArrayLike) -> Floats:
    """10 to a whole power from -30 to 30: the double nearest to it."""
    value: Floats = _TENS[np.asarray(exponent, int) - _FIRST_TEN]
    return value


def _polynomial(coefficients: list[float], x: Floats) -> Floats:
    """By Horner's rule, the highest power's coefficient first."""
    value = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value *= x
        value += coefficient
    return value
