"""What a trader who knows where a coin goes would state of buying it: the reference for directional spot trades."""

import numpy as np

from opportunities.domain import Investor
from opportunities.market.planted.changes.prices import rows_of
from opportunities.market.snapshot import MarketSnapshot, Spot
from opportunities.maths.arrays import Floats
from opportunities.maths.costs import Ladder
from opportunities.maths.sizing import LIMITS


def pairs(market: MarketSnapshot, least_volume_usd: float) -> list[str]:
    """The bases that trade against USDT with hourly candles and at least this volume of 24 h, largest first."""
    spot = section(market)
    candles = len(spot.candles["1h"].close)
    large = [
        (-float(spot.volume_24h_usd[row]), symbol.partition("/")[0])
        for row, symbol in enumerate(spot.symbols[:candles])
        if symbol.endswith("/USDT") and spot.volume_24h_usd[row] >= least_volume_usd
    ]
    return [base for _, base in sorted(large)]


def section(market: MarketSnapshot) -> Spot:
    if market.spot is None:
        raise ValueError("there is no spot market to plant into")
    return market.spot


def listings(market: MarketSnapshot, base: str) -> list[int]:
    """The rows where the coin trades against USDT."""
    spot = section(market)
    return [row for row in rows_of(spot.symbols, base) if spot.symbols[row] == f"{base}/USDT"]


def row_with_candles(market: MarketSnapshot, base: str) -> int:
    return listings(market, base)[0]


def round_trip_rate(market: MarketSnapshot, row: int) -> float:
    """Both taker fees and the spread, per USD."""
    spot = section(market)
    return 2 * market.fees[spot.exchanges[row]].spot_taker + 1 - float(spot.bid[row] / spot.ask[row])


def profit_usd(market: MarketSnapshot, investor: Investor, base: str, target: float, stop: float) -> float:
    """What buying the coin now and selling it when the bid is at `target` nets, on the exchange where it nets most."""
    return max(profit_on(market, investor, row, target, stop) for row in listings(market, base))


def profit_on(market: MarketSnapshot, investor: Investor, row: int, target: float, stop: float) -> float:
    """The same on one exchange: the listing `row`."""
    spot = section(market)
    if spot.books is None or spot.rules is None:
        raise ValueError("planting needs books and order rules")
    books, fee = spot.books, market.fees[spot.exchanges[row]].spot_taker
    bid, ask = float(spot.bid[row]), float(spot.ask[row])
    limits = LIMITS[investor.risk_tolerance]
    risked = investor.capital_usd * limits.risk_per_trade / ((ask - stop) / ask + 2 * fee)
    bound = investor.capital_usd * limits.capital_per_position / (1 + fee)
    depth = min(
        Ladder(books.bid_price[row], books.bid_size[row]).depth_usd(),
        Ladder(books.ask_price[row], books.ask_size[row]).depth_usd(),
    )
    lot = float(spot.rules.lot[row])
    quantity = np.floor(min(risked, bound, depth) / ask / lot) * lot
    paid = walked(books.ask_price[row], books.ask_size[row], quantity)
    now = walked(books.bid_price[row], books.bid_size[row], quantity)
    return float(now / bid * target * (1 - fee) - paid * (1 + fee))


def walked(price: Floats, size: Floats, quantity: float) -> float:
    """What an order of `quantity` pays or gets, level by level."""
    left, worth = quantity, 0.0
    for each, offered in zip(price, size, strict=True):
        taken = min(left, float(offered)) if np.isfinite(offered) else 0.0
        worth, left = worth + taken * float(each), left - taken
    return worth


def average_true_range(market: MarketSnapshot, row: int, timeframe: str, period: int) -> float:
    """ATR at the last bar, by Wilder's recursion (New Concepts in Technical Trading Systems, 1978)."""
    bars = section(market).candles[timeframe]
    high, low, before = bars.high[row, 1:], bars.low[row, 1:], bars.close[row, :-1]
    true_range: Floats = np.maximum(high, before) - np.minimum(low, before)
    average = float(true_range[:period].mean())
    for each in true_range[period:]:
        average += (float(each) - average) / period
    return average
