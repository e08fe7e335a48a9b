"""Spot listings as conversions between assets: both sides of each book, and what their coins are worth in USD."""

from dataclasses import dataclass
from math import isfinite

import numpy as np

from opportunities.domain import Investor
from opportunities.market.snapshot import MarketSnapshot
from opportunities.maths.costs import Ladder
from opportunities.maths.cycles import Conversion
from opportunities.trading import instruments


@dataclass(frozen=True, eq=False)
class Listing:
    """One spot listing with both sides of its book; `usd` is what a unit of its base is worth."""

    row: int
    base: str
    quote: str
    symbol: str
    exchange: str
    fee: float
    bids: Ladder
    asks: Ladder
    usd: float

    @property
    def middle(self) -> float:
        return float(self.bids.price[0] + self.asks.price[0]) / 2

    @property
    def quote_usd(self) -> float:
        return self.usd / self.middle

    def buying(self) -> Conversion:
        rate = 1 / (self.asks.price * (1 + self.fee))
        return Conversion(self.quote, self.base, rate, self.asks.size / rate)

    def selling(self) -> Conversion:
        return Conversion(self.base, self.quote, self.bids.price * (1 - self.fee), self.bids.size)


def listings(market: MarketSnapshot, investor: Investor) -> list[Listing]:
    """Every spot listing that has a book, or else quotes, volume and a volatility, and whose base is priced in USD.

    Without a book one level stands for it: 0.1 % of the day's volume, at the price that the impact law gives.
    """
    spot = instruments.spot_of(market)
    usd = _usd_prices(market)
    history: dict[str, int] = {}
    for row, symbol in enumerate(spot.symbols):
        if isfinite(instruments.daily_volatility(spot, row)):
            history.setdefault(symbol.partition("/")[0], row)
    found = []
    for row, (symbol, exchange) in enumerate(zip(spot.symbols, spot.exchanges, strict=True)):
        base, _, quote = symbol.partition("/")
        if base not in usd or not (instruments.is_cash(quote) or quote in usd):
            continue
        liquidity = instruments.spot_liquidity(market, investor, row, history.get(base, row))
        bids, asks = liquidity.bids, liquidity.asks
        if bids is None or asks is None:
            if not liquidity.tradable:
                continue
            size = liquidity.capacity_usd / usd[base]
            bids, asks = (
                Ladder(np.array([fill.price]), np.array([size])) for fill in (liquidity.sell(size), liquidity.buy(size))
            )
        bids, asks = _listed(bids), _listed(asks)
        if len(bids.price) and len(asks.price) and bids.price[0] <= asks.price[0]:
            found.append(Listing(row, base, quote, symbol, exchange, liquidity.fee, bids, asks, usd[base]))
    return found


def _listed(ladder: Ladder) -> Ladder:
    listed = np.isfinite(ladder.price) & np.isfinite(ladder.size) & (ladder.price > 0) & (ladder.size > 0)
    return Ladder(ladder.price[listed], ladder.size[listed])


def _usd_prices(market: MarketSnapshot) -> dict[str, float]:
    """The middle of each base's largest listing in USD; dollars are worth 1."""
    spot = instruments.spot_of(market)
    prices: dict[str, float] = {}
    volume = np.nan_to_num(spot.volume_24h_usd)
    for row in sorted(range(len(spot.symbols)), key=lambda row: (-float(volume[row]), spot.exchanges[row])):
        base, middle = instruments.base_in_usd(spot.symbols[row]), float(spot.bid[row] + spot.ask[row]) / 2
        if base is not None and isfinite(middle) and middle > 0:
            prices.setdefault(base, middle)
    return prices
