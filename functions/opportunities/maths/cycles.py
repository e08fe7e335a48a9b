"""Cycles of conversions that end with more than they began with, and how much can be put through one.

A conversion turns an amount of one asset into an amount of another, at rates that get worse level by level. A cycle
pays at the margin while the product of its rates is above 1, that is while its sum of -log rates is negative. Cycles
of three and four conversions are found by enumeration: every one of them holds two assets that are quote currencies
and not next to each other, or are three in a triangle, so that it is a path between two of the quote currencies
there, and another back, each direct or over one asset. For H quote currencies and n assets that is H²/2 pairs of at
most 2n paths, sorted; pairs of paths are taken from the best on while they pay, at most `_MOST` of each.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import log

import numpy as np

from opportunities.maths.arrays import Floats

type Graph = Mapping[tuple[str, str], float]

_MOST = 200


@dataclass(frozen=True, eq=False)
class Conversion:
    """Levels of one order book side, best first: `rate` (levels,) is what a unit of the source becomes after fees,
    `capacity` (levels,) how much of the source each level takes.
    """

    source: str
    target: str
    rate: Floats
    capacity: Floats


def walk(conversions: Sequence[Conversion], limit: float) -> list[float]:
    """The most profitable amounts to put through the conversions in turn, each into the next: what enters the first
    (at most `limit`), what it becomes, and so on; shape (conversions + 1,). All 0 where nothing pays.

    Level by level: the best unused levels are used while the product of their rates exceeds 1, each time up to the
    one that is used up first. Returns fall with every level, so what is reached is the most there is.
    """
    level = [0] * len(conversions)
    left = [float(each.capacity[0]) for each in conversions]
    amounts = [0.0] * (len(conversions) + 1)
    while amounts[0] < limit:
        rates = [float(each.rate[at]) for each, at in zip(conversions, level, strict=True)]
        through = np.concatenate([[1.0], np.cumprod(rates)])
        if not through[-1] > 1:
            break
        room = [amount / unit for amount, unit in zip(left, through, strict=False)]
        step = min(*room, limit - amounts[0])
        amounts = [amount + step * float(unit) for amount, unit in zip(amounts, through, strict=True)]
        left = [amount - step * float(unit) for amount, unit in zip(left, through, strict=False)]
        used = int(np.argmin(room))
        level[used] += 1
        if step < room[used] or level[used] >= len(conversions[used].rate):
            break
        left[used] = float(conversions[used].capacity[level[used]])
    return amounts


def paying(rates: Graph, quotes: Iterable[str]) -> list[tuple[str, ...]]:
    """Cycles of three or four assets whose rates, from (source, target) to its best rate, multiply to more than 1.

    Each as its assets in the order of conversion, beginning with the least name; the best first. `quotes` are the
    quote currencies: one of the two assets of every rate must be among them.
    """
    gains = {pair: log(rate) for pair, rate in rates.items()}
    found: dict[tuple[str, ...], float] = {}
    for one, other in combinations(sorted(set(quotes)), 2):
        there, back = _paths(gains, one, other), _paths(gains, other, one)
        for gain, outward in there[:_MOST]:
            for return_gain, homeward in back[:_MOST]:
                if gain + return_gain <= 0:
                    break
                assets = (one, *outward, other, *homeward)
                if len(assets) > 2 and outward != homeward:
                    first = assets.index(min(assets))
                    found[assets[first:] + assets[:first]] = gain + return_gain
    return sorted(found, key=lambda assets: (-found[assets], assets))


def core(pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """The pairs that can be part of a cycle: what is left after taking away, again and again, assets of one pair."""
    left = set(pairs)
    while True:
        count: dict[str, int] = {}
        for asset in (asset for pair in left for asset in pair):
            count[asset] = count.get(asset, 0) + 1
        kept = {pair for pair in left if min(count[asset] for asset in pair) > 1}
        if kept == left:
            return left
        left = kept


def _paths(gains: Graph, source: str, target: str) -> list[tuple[float, tuple[str, ...]]]:
    """Ways from source to target, direct or over one asset, as (log rate, assets between), the best first."""
    paths: list[tuple[float, tuple[str, ...]]] = []
    if (source, target) in gains:
        paths.append((gains[source, target], ()))
    for (begin, middle), gain in gains.items():
        if begin == source and middle != target and (middle, target) in gains:
            paths.append((gain + gains[middle, target], (middle,)))
    return sorted(paths, key=lambda path: (-path[0], path[1]))
