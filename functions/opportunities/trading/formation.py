"""The hours that relations between coins are estimated from: those before the last day, up to 720 of them."""

from dataclasses import dataclass

import numpy as np

from opportunities.domain import Investor
from opportunities.errors import Unsuitable
from opportunities.market.snapshot import MarketSnapshot
from opportunities.maths.arrays import Floats
from opportunities.trading import instruments
from opportunities.trading.spread import Coin, coins

RECENT = 24
# Engle and Granger's test holds its size at either length; what the shorter costs is recall and exact profits.
_LONGEST, _SHORTEST = 720, 476
_PEGGED = 0.005


@dataclass(frozen=True, eq=False)
class Formation:
    """The coins judged, the most traded first, and their log prices at the end of each hour: shape (coins, bars).

    Relations are estimated from the first `hours` bars. A fit that sees the last day, where a spread is judged, takes
    part of the excursion for the relation (Gatev and others form pairs before they trade them too).
    """

    coins: list[Coin]
    log_price: Floats

    @property
    def bars(self) -> int:
        return int(self.log_price.shape[1])

    @property
    def hours(self) -> int:
        return self.bars - RECENT


def formation_of(market: MarketSnapshot, investor: Investor, most: int) -> Formation:
    """The `most` coins that trade most, of all that have every hour and are not pegged to the dollar (a deviation of
    log price under 0.5 %). Unsuitable without fresh candles; there may be no coins."""
    candles = instruments.spot_of(market).candles.get("1h")
    if candles is None or not instruments.fresh(candles, market.captured_at):
        raise Unsuitable("no fresh 1h candles of the spot market")
    bars = RECENT + max(_SHORTEST, min(_LONGEST, len(candles.open_time) - RECENT))
    moving: list[Coin] = []
    closes: list[Floats] = []
    for coin in coins(market, investor, candles, bars):
        log_price = np.log(candles.close[coin.history, -bars:])
        if len(moving) < most and float(np.std(log_price[:-RECENT])) >= _PEGGED:
            moving.append(coin)
            closes.append(log_price)
    return Formation(moving, np.array(closes).reshape(-1, bars))
