"""Plants a spot book whose spread is far wider than what a maker's fills cost.

Unit of size: the market's half spread is four times the maker fee and adverse selection of one order (its impact by the
square-root law), so that a fill nets about three times its costs. `profit_usd` is for `INVESTOR`, who trades 1 % of the
volume of a day, but one order a side in five minutes at most, at quotes one tick inside the market's; fees and adverse
selection are paid.
"""

from dataclasses import replace
from math import floor, sqrt

import numpy as np

from opportunities.domain import Investor
from opportunities.market.planted import Planted
from opportunities.market.planted.oracles.long import pairs, row_with_candles, section
from opportunities.market.planted.oracles.spread import volatility
from opportunities.market.snapshot import MarketSnapshot
from opportunities.maths.costs import Ladder
from opportunities.maths.sizing import LIMITS

INVESTOR = Investor()

COSTS = 4.0
SHARE_OF_VOLUME = 0.01
FILLS_A_SIDE = 24 * 12
_ORDERS = 10
_LEAST_VOLUME_USD = 5e6


def plant(market: MarketSnapshot, seed: int, size: float) -> tuple[MarketSnapshot, Planted]:
    """The market with that book in it; its other exchanges and all other coins stay as they are."""
    base = str(np.random.default_rng(seed).choice(pairs(market, _LEAST_VOLUME_USD)))
    row = row_with_candles(market, base)
    symbol = section(market).symbols[row]
    half = size * COSTS * sum(_order(market, row)[1:])
    planted = _widened(market, row, half)
    spot = section(planted)
    if spot.rules is None:
        raise ValueError("a maker needs order rules")
    order, fee, impact = _order(planted, row)
    distance = float((spot.ask[row] - spot.bid[row]) / 2 - spot.rules.tick[row])
    mid = float(spot.bid[row] + spot.ask[row]) / 2
    turnover = min(SHARE_OF_VOLUME * float(spot.volume_24h_usd[row]), 2 * FILLS_A_SIDE * order)
    return planted, Planted(symbol, turnover * (distance / mid - fee - impact))


def _order(market: MarketSnapshot, row: int) -> tuple[float, float, float]:
    """Notional of one order of the investor, and what filling it costs per USD: maker fee and adverse selection."""
    spot, limits = section(market), LIMITS[INVESTOR.risk_tolerance]
    if spot.books is None or spot.rules is None:
        raise ValueError("a maker needs books and order rules")
    fees, deviation = market.fees[spot.exchanges[row]], volatility(spot, row)
    loss_rate = 2 * deviation + fees.spot_maker + fees.spot_taker
    notional = min(
        INVESTOR.capital_usd * limits.risk_per_trade / loss_rate,
        INVESTOR.capital_usd * limits.capital_per_position / (1 + fees.spot_maker),
        Ladder(spot.books.bid_price[row], spot.books.bid_size[row]).depth_usd(),
        Ladder(spot.books.ask_price[row], spot.books.ask_size[row]).depth_usd(),
    )
    mid, lot = float(spot.bid[row] + spot.ask[row]) / 2, float(spot.rules.lot[row])
    order = floor(notional / _ORDERS / mid / lot) * lot * mid
    return order, fees.spot_maker, deviation * sqrt(order / float(spot.volume_24h_usd[row]))


def _widened(market: MarketSnapshot, row: int, half: float) -> MarketSnapshot:
    """The market with all bids moved down and all asks up, so that the best lie `half` (of the price) off the mid."""
    spot = section(market)
    if spot.books is None or spot.rules is None:
        raise ValueError("a maker needs books and order rules")
    mid, tick = float(spot.bid[row] + spot.ask[row]) / 2, float(spot.rules.tick[row])
    bids, asks = spot.books.bid_price.copy(), spot.books.ask_price.copy()
    bids[row] = np.floor(bids[row] * (mid * (1 - half) / bids[row, 0]) / tick) * tick
    asks[row] = np.ceil(asks[row] * (mid * (1 + half) / asks[row, 0]) / tick) * tick
    bid, ask = spot.bid.copy(), spot.ask.copy()
    bid[row], ask[row] = bids[row, 0], asks[row, 0]
    books = replace(spot.books, bid_price=bids, ask_price=asks)
    return replace(market, spot=replace(spot, bid=bid, ask=ask, books=books))
