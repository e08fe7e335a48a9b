"""What carrying a coin to a dated future's expiry nets a perfectly informed trader, order by order.

Books are walked level by level and futures pay the square-root law's impact; nothing of the strategies' code is used.
"""

from dataclasses import dataclass
from math import ceil, floor, inf, isfinite, sqrt

import numpy as np

from opportunities.domain import Fees, Investor
from opportunities.market.planted.oracles.options import futures_of
from opportunities.market.snapshot import Futures, MarketSnapshot, Perpetuals, Spot
from opportunities.maths import elementary
from opportunities.maths.arrays import Floats
from opportunities.maths.sizing import LIMITS

LEAST_DAYS = 14
_FINANCING = 0.05
_DAY = 86_400


@dataclass(frozen=True, eq=False)
class Carried:
    """Future row `sold` against spot row `coin`, or against future row `near` which is bought before the coin."""

    market: MarketSnapshot
    sold: int
    coin: int
    near: int | None = None

    @property
    def spot(self) -> Spot:
        return spot_of(self.market)

    @property
    def futures(self) -> Futures:
        return futures_of(self.market)

    def fees(self) -> tuple[float, float]:
        """Of the coin and of the future."""
        coin: Fees = self.market.fees[self.spot.exchanges[self.coin]]
        return coin.spot_taker, self.market.fees[self.futures.exchanges[self.sold]].perpetual_taker

    def volatility(self) -> float:
        """Of the pair's day, by the last 168 hourly returns of the listing that has them."""
        symbol = self.spot.symbols[self.coin]
        row = next(row for row, other in enumerate(self.spot.symbols) if other == symbol)
        close = self.spot.candles["1h"].close[row, -169:]
        return float(np.std(np.diff(elementary.log(close)), ddof=1)) * sqrt(24)

    def years(self) -> tuple[float, float]:
        """Until the sold future expires, and how long of that the coin is held."""
        expiry, begin = int(self.futures.expiry[self.sold]), self.market.captured_at
        held = expiry - (begin if self.near is None else int(self.futures.expiry[self.near]))
        return (expiry - begin) / (365 * _DAY), held / (365 * _DAY)

    def margin(self) -> float:
        """Of all linear legs, per USD; a coin-margined short is covered by the coin."""
        if self.futures.inverse[self.sold]:
            return 0.0
        return max(1 / 3, 0.01 + 3 * self.volatility() * sqrt(7)) * (1 if self.near is None else 2)

    def cost_rate(self) -> float:
        """Fees, spreads and financing per USD, without slippage."""
        coin_fee, future_fee = self.fees()
        years, held = self.years()
        spreads = self.spot.ask[self.coin] / self.spot.bid[self.coin] - 1
        spreads += self.futures.ask[self.sold] / self.futures.bid[self.sold] - 1
        fees = 2 * coin_fee + (2 if self.near is None else 4) * future_fee
        return float(fees + spreads) + _FINANCING * (held + self.margin() * years)

    def profit_usd(self, investor: Investor) -> float:
        """At the size that the investor's limits, books, volumes and lots allow."""
        spot, futures, coin, sold = self.spot, self.futures, self.coin, self.sold
        (coin_fee, future_fee), (years, held), margin = self.fees(), self.years(), self.margin()
        legs: list[tuple[Futures | Spot, int]] = [(futures, sold)]
        if self.near is not None:
            legs.append((futures, self.near))
        orders = [*legs, (spot, coin)]
        price = float(spot.ask[coin] if self.near is None else futures.ask[self.near])
        spreads = sum(float(section.ask[row] / section.bid[row] - 1) for section, row in orders)
        fee_rate = 2 * coin_fee + 2 * len(legs) * future_fee
        limits = LIMITS[investor.risk_tolerance]
        usd = min(
            investor.capital_usd * limits.risk_per_trade / (fee_rate + spreads),
            investor.capital_usd * limits.capital_per_position / (1 + margin + fee_rate),
            self._depth_usd(),
            *(0.001 * float(section.volume_24h_usd[row]) for section, row in legs),
        )
        step = lot_of(spot, coin)
        size = floor(usd / price / step + 1e-9) * step if step else usd / price
        short = self._in_lots(size, sold, buy=False)
        if self.near is not None:
            size = self._in_lots(size, self.near, buy=True)
        elif step:
            size = ceil(short / step - 1e-9) * step
        if min(size, short) <= 0:
            return 0.0
        received = short * self._price(short, sold, buy=False)
        middle = float(spot.bid[coin] + spot.ask[coin]) / 2
        bought, resold = self._walked(size, buy=True), self._walked(size, buy=False)
        if self.near is None:
            paid, fees, lost = bought, coin_fee * (bought + resold), size * middle - resold
        else:
            paid = size * self._price(size, self.near, buy=True)
            fees, lost = coin_fee * (bought + resold) + 2 * future_fee * paid, bought - resold
        financing = _FINANCING * paid * (held + margin * years)
        left_over = (size - short) * middle
        return received - paid + left_over - fees - 2 * future_fee * received - lost - financing

    def _price(self, size: float, row: int, *, buy: bool) -> float:
        """What so many coins of a future are bought or sold at."""
        futures = self.futures
        quote = float((futures.ask if buy else futures.bid)[row])
        impact = self.volatility() * sqrt(size * quote / float(futures.volume_24h_usd[row]))
        return quote * (1 + impact) if buy else quote / (1 + impact)

    def _in_lots(self, size: float, row: int, *, buy: bool) -> float:
        """The most coins up to `size` in whole lots of a future, which are USD where it is inverse."""
        lot = lot_of(self.futures, row)
        if not lot:
            return size
        if not self.futures.inverse[row]:
            return floor(size / lot + 1e-9) * lot
        usd = floor(size * self._price(size, row, buy=buy) / lot + 1e-9) * lot
        coins = size
        for _ in range(20):
            coins = usd / self._price(coins, row, buy=buy) if coins else 0.0
        return coins

    def _book(self, *, buy: bool) -> tuple[Floats, Floats]:
        books, row = self.spot.books, self.coin
        if books is None:
            raise ValueError("the informed trader walks books: the market has none")
        sides = (books.ask_price, books.ask_size) if buy else (books.bid_price, books.bid_size)
        return sides[0][row], sides[1][row]

    def _walked(self, size: float, *, buy: bool) -> float:
        left, usd = size, 0.0
        for price, offered in zip(*self._book(buy=buy), strict=True):
            taken = min(left, float(offered))
            left, usd = left - taken, usd + taken * float(price)
        return usd if left <= 1e-9 * size else (inf if buy else 0.0)

    def _depth_usd(self) -> float:
        depths = []
        for buy in (True, False):
            price, offered = self._book(buy=buy)
            depths.append(sum(p * s for p, s in zip(price, offered, strict=True) if abs(p / price[0] - 1) <= 0.005))
        return float(min(depths))


def spot_of(market: MarketSnapshot) -> Spot:
    if market.spot is None:
        raise ValueError("nothing can be carried: the market has no spot section")
    return market.spot


def lot_of(section: Futures | Perpetuals | Spot, row: int) -> float:
    """The step of an order's amount, 0 without one."""
    lot = 0.0 if section.rules is None else float(section.rules.lot[row] * section.rules.contract_size[row])
    return lot if isfinite(lot) else 0.0


def requoted(market: MarketSnapshot, row: int, factor: float) -> tuple[Floats, Floats, Floats]:
    """Bids, asks and marks of the futures with those of one row multiplied."""
    futures = futures_of(market)
    factors = np.ones(len(futures.symbols))
    factors[row] = factor
    return futures.bid * factors, futures.ask * factors, futures.mark * factors


def base_of(symbol: str) -> str:
    return symbol.partition("/")[0]


def days_left(market: MarketSnapshot, row: int) -> float:
    return float(futures_of(market).expiry[row] - market.captured_at) / _DAY
