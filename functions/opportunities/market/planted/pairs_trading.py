"""Plants a cointegrated pair that is stretched: one coin follows another, and its spread has just left the mean.

The spread is an Ornstein-Uhlenbeck process with a half-life of 1.5 hours, now 2.9 standard deviations from its mean;
that distance (of log price) is `size` times four times the fees and spreads of both legs, so that size 1 nets three
times the costs (with less, what no estimate from 720 hours can know is a larger part of the profit). `symbol` is the
cheap coin; `profit_usd` is for `INVESTOR`, leaving at the mean.
"""

import numpy as np

from opportunities.domain import Investor
from opportunities.market import draws
from opportunities.market.planted import Planted
from opportunities.market.planted.changes.prices import middle, repriced, rows_of
from opportunities.market.planted.oracles.spread import (
    Position,
    liquidity,
    most_traded,
    profit_usd,
    round_trip_rate,
    volatility,
)
from opportunities.market.snapshot import MarketSnapshot
from opportunities.maths import elementary
from opportunities.maths.arrays import Floats

INVESTOR = Investor()

HALF_LIFE_HOURS = 1.5
DISTANCE = 2.9
COSTS = 4.0
# The largest two have dated futures and options, which would have to follow.
_FIRST, _LAST = 2, 40
_STOP, _TIME_STOP_HALF_LIVES = 4.5, 3.0


def plant(market: MarketSnapshot, seed: int, size: float) -> tuple[MarketSnapshot, Planted]:
    """A market with the pair in it; the coin that follows is made anew, the other stays as it is."""
    spot, contracts = market.spot, market.perpetuals
    if spot is None or contracts is None:
        raise ValueError("a pair needs spot and perpetuals")
    rng = np.random.default_rng(seed)
    listed = sorted(
        {symbol.partition("/")[0] for symbol in contracts.symbols},
        key=lambda base: -float(spot.volume_24h_usd[rows_of(spot.symbols, base)].max()),
    )[:_LAST]
    follower = listed[int(rng.integers(_FIRST, len(listed)))]
    leader = str(rng.choice([base for base in listed if base != follower]))
    beta, cheap = float(draws.uniform(rng, 0.7, 1.3)), bool(rng.integers(2))

    def positions(of: MarketSnapshot) -> list[tuple[Position, float]]:
        if of.spot is None or of.perpetuals is None:
            raise ValueError("a pair needs spot and perpetuals")
        legs = []
        for base, weight in ((follower, 1.0 if cheap else -1.0), (leader, -beta if cheap else beta)):
            section = of.spot if weight > 0 else of.perpetuals
            row = most_traded(section, rows_of(section.symbols, base))
            deviation = volatility(of.spot, most_traded(of.spot, rows_of(of.spot.symbols, base)[:1]))
            legs.append((Position(section, row, weight), deviation))
        return legs

    rate = sum(abs(leg.weight) * round_trip_rate(liquidity(market, leg, each)) for leg, each in positions(market))
    deviation = size * COSTS * rate / DISTANCE
    hourly = spot.candles["1h"].close[rows_of(spot.symbols, leader)[0]]
    now = middle(spot, rows_of(spot.symbols, leader)[0])
    away = (-1 if cheap else 1) * DISTANCE * deviation
    level = elementary.log(middle(spot, rows_of(spot.symbols, follower)[0])) - beta * elementary.log(now)
    spread = reverting(rng, len(hourly), deviation, HALF_LIFE_HOURS, away)
    planted = repriced(
        market,
        follower,
        elementary.exp(level + beta * elementary.log(hourly) + spread),
        float(elementary.exp(level + beta * elementary.log(now) + away)),
    )
    profit = profit_usd(
        planted,
        INVESTOR,
        positions(planted),
        gain=DISTANCE * deviation,
        loss=(_STOP - DISTANCE) * deviation,
        hours=_TIME_STOP_HALF_LIVES * HALF_LIFE_HOURS,
    )
    return planted, Planted(f"{follower if cheap else leader}/USDT", profit)


def reverting(rng: np.random.Generator, bars: int, deviation: float, half_life: float, last: float) -> Floats:
    """A stationary first order autoregression of this deviation and half-life that ends at `last`: shape (bars,).

    Such a process is the same backwards, so it is drawn from its end.
    """
    phi = elementary.power(0.5, 1 / half_life)
    path = np.empty(bars)
    level = last
    for i, shock in enumerate(draws.normal(rng, bars)):
        path[bars - 1 - i] = level
        level = phi * level + deviation * np.sqrt(1 - phi * phi) * shock
    return path
