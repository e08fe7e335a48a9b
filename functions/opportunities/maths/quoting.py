"""Optimal quotes of a market maker, in closed form, and what of a book and of a day's flow they depend on.

Prices are USD per unit of base, quantities units of base, times seconds.
"""

from dataclasses import dataclass
from math import exp, log1p, sqrt

import numpy as np

from opportunities.maths.arrays import Floats

# Tail exponent of the sizes of trades: P(size > q) falls as q to the -1.5, on many markets (Gabaix, Gopikrishnan,
# Plerou and Stanley, Institutional Investors and Stock Market Volatility, 2006). Avellaneda and Stoikov use 1.53.
_TAIL = 1.5


@dataclass(frozen=True)
class Flow:
    """How often orders of one size are filled: `rate` e^(-`decay` d) per second at the distance d from the mid."""

    rate: float
    decay: float


@dataclass(frozen=True)
class Quotes:
    """The optimal distances from the mid: `half_spread` without inventory, and `skew` per order of it.

    The bid lies half_spread + skew q below, the ask half_spread - skew q above, where q orders are held.
    """

    half_spread: float
    skew: float

    def inventory_deviation(self, decay: float, most: int) -> float:
        """The standard deviation of the inventory in orders, kept within -`most` .. `most`.

        The bid fills at q as often as the ask at q + 1 in the long run, and their distances differ by
        skew (2q + 1): so the weight of q is exp(-decay skew q²).
        """
        held = np.arange(-most, most + 1)
        weight = np.exp(-decay * self.skew * held**2)
        return sqrt(float(weight @ held**2) / float(weight.sum()))


def decay_of(price: Floats, size: Floats, mid: float) -> float:
    """How fast fills become rarer with the distance from the mid, per USD, from one side of a book, best level first.

    Avellaneda and Stoikov, High-frequency Trading in a Limit Order Book, 2008, section 2.5: if trades have sizes with a
    tail exponent α, and to move the price by d takes a quantity that grows as e^(K d), fills at d fall as e^(-α K d).
    K is the slope of the logarithm of the book's cumulative size on the distance, by least squares; two levels or more.
    """
    distance, depth = np.abs(price - mid), np.log(np.cumsum(size))
    from_mean = distance - distance.mean()
    return _TAIL * float(from_mean @ depth) / float(from_mean @ from_mean)


def optimal(aversion: float, size: float, deviation: float, flow: Flow, cost: float = 0.0) -> Quotes:
    """The quotes that maximise the utility -e^(-`aversion` wealth) of a maker of orders of `size`, far from the end.

    Guéant, Lehalle and Fernandez-Tapia, Dealing with the Inventory Risk, 2013 (Guéant, Optimal Market Making, 2017,
    equations 4.6 and 4.7): with ξ = aversion x size, half spread = (1/ξ) ln(1 + ξ/k) + c/2 and skew = c,
    c = sqrt(σ² ξ / (2 k A) (1 + ξ/k)^(1 + k/ξ)); for ξ -> 0 the spread is 2/k. `deviation` σ is in USD per square root
    of a second. A `cost` per unit filled (fees, adverse selection) moves both quotes out by itself, since A e^(-k d)
    at d = cost + d' is (A e^(-k cost)) e^(-k d').
    """
    risk, decay = aversion * size, flow.decay
    growth = (1 + decay / risk) * log1p(risk / decay)
    skew = deviation * sqrt(risk / (2 * decay * flow.rate)) * exp((growth + decay * cost) / 2)
    return Quotes(cost + log1p(risk / decay) / risk + skew / 2, skew)
