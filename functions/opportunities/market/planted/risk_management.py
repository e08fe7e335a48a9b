"""Plants a coin that has been so volatile that what the investor holds of it breaks the limit of expected shortfall.

Unit of size: the expected shortfall of a day exceeds the limit by a fifth of it. Nothing here is known in advance but
the past: `profit_usd` is the expected shortfall above the limit, less what selling down to it costs, for
`investor(market)`, who holds nothing but 13 % of the equity in BTC.
"""

import numpy as np

from opportunities.domain import Investor, RiskTolerance
from opportunities.market import draws
from opportunities.market.planted import Planted
from opportunities.market.planted.changes.history import amplified
from opportunities.market.planted.oracles.long import row_with_candles, section, walked
from opportunities.market.snapshot import MarketSnapshot
from opportunities.maths.sizing import LIMITS

BASE, HELD, CAPITAL_USD = "BTC", 0.13, 100_000.0
EXCESS = 0.2
_WORST = 0.05


def investor(market: MarketSnapshot) -> Investor:
    """Who holds the coin, at this market's prices; the planted market has the same."""
    worth = CAPITAL_USD * HELD / (1 - HELD)
    quantity = worth / float(section(market).bid[row_with_candles(market, BASE)])
    return Investor(CAPITAL_USD, RiskTolerance.LOW, {BASE: quantity})


def plant(market: MarketSnapshot, seed: int, size: float) -> tuple[MarketSnapshot, Planted]:
    """The market in which the coin moved so much more; its quotes and books, and all other coins, stay as they are."""
    row = row_with_candles(market, BASE)
    holder = investor(market)
    limit = LIMITS[holder.risk_tolerance].cvar / HELD
    # A tenth more or less, so that no two seeds break the limit by the same.
    aim = limit * (1 + EXCESS * size * float(draws.uniform(np.random.default_rng(seed), 0.9, 1.1)))
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _shortfall(amplified(market, BASE, middle), row) < aim else (low, middle)
    planted = amplified(market, BASE, high)
    return planted, Planted(f"{BASE}/USDT", _profit_usd(planted, holder, row, limit))


def _shortfall(market: MarketSnapshot, row: int) -> float:
    """The mean of the worst twentieth of the daily returns, as a loss."""
    close = section(market).candles["1d"].close[row]
    returns = np.sort(close[1:] / close[:-1] - 1)
    return -float(returns[: int(_WORST * (len(returns) - 1)) + 1].mean())


def _profit_usd(market: MarketSnapshot, holder: Investor, row: int, limit: float) -> float:
    spot = section(market)
    if spot.books is None:
        raise ValueError("planting needs books")
    shortfall, quantity = _shortfall(market, row), holder.holdings[BASE]
    sold = quantity * (1 - limit / shortfall)
    got = walked(spot.books.bid_price[row], spot.books.bid_size[row], sold)
    fee = market.fees[spot.exchanges[row]].spot_taker
    return sold * float(spot.bid[row]) * (shortfall - 1) + got * (1 - fee)
