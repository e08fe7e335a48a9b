"""Where the simulated world stands at one moment, and the quotes, books and rules that all its instruments share."""

from dataclasses import dataclass

import numpy as np

from opportunities.market import draws
from opportunities.market.archive.columns import BOOKS
from opportunities.market.simulated.assets import Asset
from opportunities.market.simulated.paths import Paths
from opportunities.market.snapshot import Books, Rules
from opportunities.maths import elementary
from opportunities.maths.arrays import Floats, Ints

EXCHANGE, ELSEWHERE = "simulated", "simulated2"

LARGEST_DAILY_USD, SMALLEST_DAILY_USD = 8e9, 5e4
MINIMUM_NOTIONAL_USD = 5.0
# A fair market's spreads earn a maker less than the two fees cost.
_FAIR_SPOT_SPREAD, _FAIR_PERPETUAL_SPREAD = 0.0012, 0.0003
_DIGITS = 6
_LEVELS = 20


@dataclass(frozen=True, eq=False)
class Moment:
    """`hours` bars of the paths are closed at `captured_at`, and `share` of the next has passed.

    `rng` draws what is of this moment only: noise of quotes and books. `last` (assets,) is each asset's price now.
    """

    captured_at: int
    assets: tuple[Asset, ...]
    paths: Paths
    hours: int
    share: float
    fair: bool
    rng: np.random.Generator
    last: Floats

    def now(self, path: Floats, closed: int) -> Floats:
        """What a path of shape (assets, hours) is at this moment, between column `closed` and the next."""
        return path[:, closed] + self.share * (path[:, closed + 1] - path[:, closed])

    def daily_usd(self) -> Floats:
        """The USD traded in the last 24 closed hours, shape (assets,)."""
        daily: Floats = self.paths.volume_usd[:, self.hours - 24 : self.hours].sum(axis=1)
        return daily


@dataclass(frozen=True, eq=False)
class Quotes:
    """Quotes of some instruments around their fair prices; arrays of shape (instruments,). Volumes are a day's."""

    middle: Floats
    decimals: Ints
    volume_usd: Floats
    books: Books


def decimals_of(prices: Floats) -> Ints:
    """Decimals of the tick, for six significant digits at the given prices."""
    decimals: Ints = _DIGITS - 1 - elementary.magnitude(prices)
    return decimals


def rounded(prices: Floats, decimals: Ints) -> Floats:
    """Prices on their ticks, one number of decimals a row."""
    scale = elementary.power_of_ten(decimals).reshape(-1, *(1,) * (prices.ndim - 1))
    on_ticks: Floats = np.round(prices * scale) / scale
    return on_ticks


def spread_of(moment: Moment, daily_usd: Floats) -> Floats:
    """Ask over bid, less 1, by the volume of a day: larger markets have tighter spreads."""
    spread = 1e-5 * np.sqrt(LARGEST_DAILY_USD / daily_usd)
    return np.minimum(spread, _FAIR_SPOT_SPREAD) if moment.fair else spread


def perpetual_spread_of(moment: Moment, daily_usd: Floats) -> Floats:
    """The same of perpetuals, whose spreads are tighter."""
    spread = 0.8 * spread_of(moment, daily_usd)
    return np.minimum(spread, _FAIR_PERPETUAL_SPREAD) if moment.fair else spread


def quoted(
    moment: Moment, middle: Floats, decimals: Ints, spread: Floats, daily_usd: Floats, *, unit_usd: Floats | float = 1.0
) -> Quotes:
    """Books whose levels lie on ticks, about a spread apart, wider and thicker further out; a smaller market holds
    a larger share of its daily volume in the book. `unit_usd` is what one unit of the quote currency is worth.
    """
    tick = elementary.power_of_ten(-decimals[:, None])
    center, half = middle[:, None] / tick, np.maximum(middle * spread / 2, tick[:, 0] / 2)[:, None] / tick
    shape = (2, len(middle), _LEVELS)
    wider, thicker = (elementary.power(growth, np.arange(_LEVELS)) for growth in (1.1, 1.05))
    gaps = np.ceil(2 * half * draws.gamma(moment.rng, 2.0, shape) * wider)
    gaps[:, :, 0] = 0
    below, above = np.cumsum(gaps, axis=2)
    bid = rounded(np.maximum(np.floor(center - half) - below, 1) * tick, decimals)
    ask = rounded((np.ceil(center + half) + above) * tick, decimals)
    share = 1e-4 * elementary.power(LARGEST_DAILY_USD / daily_usd, 0.2)
    usd = (daily_usd * share)[:, None] * draws.gamma(moment.rng, 1.5, shape) * thicker
    worth = np.broadcast_to(np.asarray(unit_usd), middle.shape)[:, None]
    books = Books(bid_price=bid, bid_size=usd[0] / (bid * worth), ask_price=ask, ask_size=usd[1] / (ask * worth))
    return Quotes(middle, decimals, daily_usd, books)


def joined(*parts: Quotes) -> Quotes:
    """The same instruments, one part after the other."""
    return Quotes(
        middle=np.concatenate([part.middle for part in parts]),
        decimals=np.concatenate([part.decimals for part in parts]),
        volume_usd=np.concatenate([part.volume_usd for part in parts]),
        books=Books(*(np.concatenate([getattr(part.books, name) for part in parts]) for name in BOOKS)),
    )


def step_worth(prices_usd: Floats, usd: float) -> Floats:
    """The power of ten of units that is worth at most `usd` at the given prices."""
    return elementary.power_of_ten(elementary.magnitude(usd / prices_usd))


def rules(contract: Floats, decimals: Ints, lot: Floats, minimum_notional_usd: Floats | float) -> Rules:
    """Rules of instruments whose contract sizes, decimals and lots (in contracts) these are."""
    least = np.broadcast_to(np.asarray(minimum_notional_usd, dtype=np.float64), contract.shape)
    tick = elementary.power_of_ten(-decimals)
    return Rules(contract_size=contract, tick=tick, lot=lot, minimum_notional_usd=least.copy())
