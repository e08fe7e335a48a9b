"""What a trader who knows a spread's law would state of trading it: the reference for the stated profits."""

from dataclasses import dataclass
from math import floor, sqrt

import numpy as np

from opportunities.domain import Investor
from opportunities.market.snapshot import MarketSnapshot, Perpetuals, Spot
from opportunities.maths import elementary, sizing
from opportunities.maths.costs import Ladder, Liquidity

_VOLATILITY_BARS = 168


@dataclass(frozen=True, eq=False)
class Position:
    """USD of a listing per USD of the spread, short if negative."""

    section: Spot | Perpetuals
    row: int
    weight: float


def most_traded(section: Spot | Perpetuals, rows: list[int]) -> int:
    return max(rows, key=lambda row: float(section.volume_24h_usd[row]))


def volatility(section: Spot, row: int) -> float:
    """Of a day, from the last 168 hourly log returns."""
    close = section.candles["1h"].close[row, -_VOLATILITY_BARS - 1 :]
    return float(np.std(np.diff(elementary.log(close)), ddof=1)) * sqrt(24)


def liquidity(market: MarketSnapshot, position: Position, daily_volatility: float) -> Liquidity:
    section, row = position.section, position.row
    fees = market.fees[section.exchanges[row]]
    books = section.books if section.books is not None and row < len(section.books.bid_price) else None
    return Liquidity(
        bid=float(section.bid[row]),
        ask=float(section.ask[row]),
        fee=fees.spot_taker if isinstance(section, Spot) else fees.perpetual_taker,
        volume_24h_usd=float(section.volume_24h_usd[row]),
        daily_volatility=daily_volatility,
        bids=None if books is None else Ladder(books.bid_price[row], books.bid_size[row]),
        asks=None if books is None else Ladder(books.ask_price[row], books.ask_size[row]),
    )


def round_trip_rate(traded: Liquidity) -> float:
    """Fees and spread of entering and leaving, per USD."""
    return 2 * traded.fee + 1 - traded.bid / traded.ask


def profit_usd(
    market: MarketSnapshot,
    investor: Investor,
    positions: list[tuple[Position, float]],
    *,
    gain: float,
    loss: float,
    hours: float,
) -> float:
    """What the positions (each with its daily volatility) net if the spread gains `gain` within `hours`, in the size
    that the investor's limits allow where it may lose `loss` (both log changes, before costs).
    """
    traded = [(position, liquidity(market, position, deviation)) for position, deviation in positions]
    rate = sum(abs(position.weight) * round_trip_rate(each) for position, each in traded)
    capital = sum(
        abs(position.weight)
        * (
            each.fee
            + (
                1
                if isinstance(position.section, Spot)
                else max(1 / 3, 0.01 + 3 * each.daily_volatility * sqrt(hours / 24))
            )
        )
        for position, each in traded
    )
    capacity = min(each.capacity_usd / abs(position.weight) for position, each in traded)
    notional = sizing.notional_usd(investor, loss + rate, capital, capacity)
    paid = gained = 0.0
    for index, (position, each) in enumerate(traded):
        price = (each.bid + each.ask) / 2
        quantity = abs(position.weight) * notional / price
        rules = position.section.rules
        if rules is not None:
            lot = float(rules.lot[position.row] * rules.contract_size[position.row])
            if np.isfinite(lot) and lot > 0:
                quantity = floor(quantity / lot) * lot
        if quantity == 0:
            raise ValueError(f"a leg of {position.section.symbols[position.row]} is smaller than its lot")
        bought, sold = each.buy(quantity), each.sell(quantity)
        paid += bought.notional_usd - sold.notional_usd + bought.fee_usd + sold.fee_usd
        gained += quantity * price * gain if index == 0 else 0.0
    funding = sum(
        position.weight
        * notional
        * hours
        * float(position.section.funding_rate[position.row] / position.section.funding_interval_hours[position.row])
        for position, _ in positions
        if isinstance(position.section, Perpetuals)
    )
    return gained - paid - max(0.0, funding)
