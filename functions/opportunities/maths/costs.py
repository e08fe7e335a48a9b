"""What it costs to trade: taker fees, the spread, and slippage from the book or, without one, from volume.

Prices are quote currency per unit of base, quantities units of base, money USD, rates fractions.
"""

from dataclasses import dataclass
from math import isfinite, sqrt

import numpy as np

from opportunities.maths.arrays import Floats

FINANCING = 0.05
"""USD per USD and year that capital costs while it is tied up in what is held to an expiry: about what treasury bills
and dollar lending paid from 2023 to 2026."""

_DEPTH_WITHIN = 0.005
_SHARE_OF_VOLUME = 0.001


@dataclass(frozen=True)
class Fill:
    """What a market order would get: the average price, and what fee and slippage beyond the best quote cost."""

    quantity: float
    price: float
    fee_usd: float
    slippage_usd: float

    @property
    def notional_usd(self) -> float:
        return self.quantity * self.price


@dataclass(frozen=True, eq=False)
class Ladder:
    """One side of a book: prices and sizes of shape (levels,), best first, NaN where there are no more levels."""

    price: Floats
    size: Floats

    def average_price(self, quantity: float) -> float | None:
        """The average price of taking `quantity` > 0 from the best level on; None if the ladder holds less."""
        listed = np.isfinite(self.price) & np.isfinite(self.size) & (self.price > 0)
        price, size = self.price[listed], self.size[listed]
        if size.sum() < quantity:
            return None
        before = np.cumsum(size) - size
        taken = np.clip(quantity - before, 0.0, size)
        return float((price * taken).sum() / taken.sum())

    def depth_usd(self) -> float:
        """What is offered within 0.5 % of the best price."""
        near = np.abs(self.price / self.price[0] - 1) <= _DEPTH_WITHIN
        return float((self.price[near] * self.size[near]).sum())


@dataclass(frozen=True)
class Liquidity:
    """One instrument as a taker meets it. `daily_volatility` is the standard deviation of a day's log return."""

    bid: float
    ask: float
    fee: float
    volume_24h_usd: float
    daily_volatility: float
    bids: Ladder | None = None
    asks: Ladder | None = None

    @property
    def tradable(self) -> bool:
        """Whether there are sane quotes, a volume and a volatility; nothing else here holds without them."""
        numbers = (self.bid, self.ask, self.volume_24h_usd, self.daily_volatility)
        return all(isfinite(number) and number > 0 for number in numbers) and self.bid <= self.ask

    @property
    def basis(self) -> str:
        """Where slippage comes from, for the reader."""
        return "impact" if self.bids is None or self.asks is None else "book"

    @property
    def capacity_usd(self) -> float:
        """The most that is worth trading at once.

        It is what both sides of the book hold within 0.5 % of the best price or, without a book, 0.1 % of the
        volume of 24 hours, whose impact is 3 % of a day's volatility.
        """
        if self.bids is None or self.asks is None:
            return _SHARE_OF_VOLUME * self.volume_24h_usd
        return min(self.bids.depth_usd(), self.asks.depth_usd())

    def buy(self, quantity: float) -> Fill:
        """Buy at the ask, and what is dearer behind it."""
        walked = self.asks.average_price(quantity) if self.asks else None
        price = self.ask * (1 + self._impact(quantity * self.ask)) if walked is None else walked
        return Fill(quantity, price, quantity * price * self.fee, quantity * (price - self.ask))

    def sell(self, quantity: float) -> Fill:
        """Sell at the bid, and what is cheaper behind it."""
        walked = self.bids.average_price(quantity) if self.bids else None
        price = self.bid / (1 + self._impact(quantity * self.bid)) if walked is None else walked
        return Fill(quantity, price, quantity * price * self.fee, quantity * (self.bid - price))

    def _impact(self, notional_usd: float) -> float:
        """The square-root law, σ √(Q/V) with σ and V of one day and a factor of one.

        Tóth and others, Anomalous Price Impact and the Critical Nature of Liquidity in Financial Markets, 2011,
        equation 1; of the order that Almgren, Thum, Hauptmann and Li measured (Direct Estimation of Equity Market
        Impact, 2005). The average price of an order is better than its last one; the whole impact is charged.
        """
        return self.daily_volatility * sqrt(notional_usd / self.volume_24h_usd)
