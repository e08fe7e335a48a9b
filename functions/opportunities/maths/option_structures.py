"""Static arbitrage among the options of one expiry: sets of legs whose payoff has a floor, bought for less than it.

A side of the chain is an array of shape (strikes,), strikes ascending; a NaN quote (none there) joins no structure.
Amounts are in the currency of the premium: USD for linear options, the coin for inverse ones, whose payoff in coins
is that in USD over the settlement price S. Nothing here knows fees or sizes; every quote is what it would be traded
at: the ask where a leg is bought, the bid where it is sold.

Merton, Theory of Rational Option Pricing, 1973, theorems 1 and 4 (monotone and convex in the strike); Stoll, The
Relationship between Put and Call Option Prices, 1969 (parity). Inverse: C - P = 1 - K/F; a call spread pays at most
(K2 - K1)/K2 coins, a put spread without bound as S falls to 0, so that selling one dear is no static arbitrage.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from opportunities.maths.arrays import Floats


@dataclass(frozen=True, eq=False)
class Chain:
    """One expiry's quotes, each of shape (strikes,), strikes ascending, NaN where there is no quote."""

    strike: Floats
    call_bid: Floats
    call_ask: Floats
    put_bid: Floats
    put_ask: Floats
    inverse: bool


@dataclass(frozen=True)
class OptionLeg:
    """Options of one strike: `ratio` per unit of the structure, positive where bought."""

    strike: int
    call: bool
    ratio: float


@dataclass(frozen=True)
class Structure:
    """What to trade, and what one unit of it nets at least, before fees, in the premium's currency.

    `forward` is how many units of base are bought forward to expiry (negative: sold); for inverse options it is a
    coin-margined future, whose `forward` x its price is the number of USD.
    """

    kind: str
    legs: tuple[OptionLeg, ...]
    edge: float
    forward: float = 0.0


def parity(chain: Chain, forward_bid: float, forward_ask: float) -> Iterator[Structure]:
    """Conversions (forward bought, call sold, put bought) and reversals (the other way round) that net something."""
    worth_ask = _synthetic(chain, forward_ask)
    worth_bid = _synthetic(chain, forward_bid)
    conversion = chain.call_bid - chain.put_ask - worth_ask
    reversal = worth_bid - chain.call_ask + chain.put_bid
    units = chain.strike / (forward_ask if chain.inverse else chain.strike)
    for i in np.flatnonzero(conversion > 0).tolist():
        legs = (OptionLeg(i, call=True, ratio=-1.0), OptionLeg(i, call=False, ratio=1.0))
        yield Structure("conversion", legs, float(conversion[i]), forward=float(units[i]))
    units = chain.strike / (forward_bid if chain.inverse else chain.strike)
    for i in np.flatnonzero(reversal > 0).tolist():
        legs = (OptionLeg(i, call=True, ratio=1.0), OptionLeg(i, call=False, ratio=-1.0))
        yield Structure("reversal", legs, float(reversal[i]), forward=-float(units[i]))


def verticals(chain: Chain) -> Iterator[Structure]:
    """Two strikes of one kind out of order (a credit for a payoff that is never negative), or further apart than
    the most that the spread can pay.
    """
    low, high = chain.strike[:, None], chain.strike[None, :]
    width = (high - low) / high if chain.inverse else high - low
    upper = low < high
    spreads = [
        (True, -1.0, chain.call_bid[None, :] - chain.call_ask[:, None]),
        (False, 1.0, chain.put_bid[:, None] - chain.put_ask[None, :]),
        (True, 1.0, chain.call_bid[:, None] - chain.call_ask[None, :] - width),
    ]
    if not chain.inverse:
        spreads.append((False, -1.0, chain.put_bid[None, :] - chain.put_ask[:, None] - width))
    for call, sold_low, edge in spreads:
        for i, j in np.argwhere(upper & (edge > 0)).tolist():
            legs = (OptionLeg(i, call=call, ratio=-sold_low), OptionLeg(j, call=call, ratio=sold_low))
            yield Structure("vertical", legs, float(edge[i, j]))


def butterflies(chain: Chain) -> Iterator[Structure]:
    """One option sold above the straight line between two others: all triples of strikes, K³/6 of them."""
    for call, bid, ask in ((True, chain.call_bid, chain.call_ask), (False, chain.put_bid, chain.put_ask)):
        for middle in np.flatnonzero(np.isfinite(bid)).tolist():
            low, high = chain.strike[:middle, None], chain.strike[None, middle + 1 :]
            share = (high - chain.strike[middle]) / (high - low)
            edge = bid[middle] - share * ask[:middle, None] - (1 - share) * ask[None, middle + 1 :]
            for i, k in np.argwhere(edge > 0).tolist():
                wing = float(share[i, k])
                legs = (
                    OptionLeg(i, call=call, ratio=wing),
                    OptionLeg(middle, call=call, ratio=-1.0),
                    OptionLeg(middle + 1 + k, call=call, ratio=1 - wing),
                )
                yield Structure("butterfly", legs, float(edge[i, k]))


def boxes(chain: Chain) -> Iterator[Structure]:
    """Two synthetic forwards against each other: a payoff known today, bought for less or sold for more.

    Linear: long one unit at K1, short one at K2 pays K2 - K1. Inverse: the coin-certain box is K2 units at K1 against
    K1 units at K2, which pays K2 (1 - K1/S) - K1 (1 - K2/S) = K2 - K1 coins; here per unit at K1, so 1 - K1/K2.
    """
    bought = chain.call_ask - chain.put_bid
    sold = chain.call_bid - chain.put_ask
    low, high = chain.strike[:, None], chain.strike[None, :]
    ratio = low / high if chain.inverse else np.ones_like(low / high)
    payoff = 1 - ratio if chain.inverse else high - low
    upper = low < high
    long_box = payoff - bought[:, None] + ratio * sold[None, :]
    short_box = sold[:, None] - ratio * bought[None, :] - payoff
    for sign, edge in ((1.0, long_box), (-1.0, short_box)):
        for i, j in np.argwhere(upper & (edge > 0)).tolist():
            against = float(ratio[i, j])
            legs = (
                OptionLeg(i, call=True, ratio=sign),
                OptionLeg(i, call=False, ratio=-sign),
                OptionLeg(j, call=True, ratio=-sign * against),
                OptionLeg(j, call=False, ratio=sign * against),
            )
            yield Structure("box", legs, float(edge[i, j]))


def _synthetic(chain: Chain, forward: float) -> Floats:
    """What a call less a put is worth: F - K, or 1 - K/F in coins."""
    worth: Floats = 1 - chain.strike / forward if chain.inverse else forward - chain.strike
    return worth
