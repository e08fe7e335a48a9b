"""Plants a coin that strayed from the market: it follows the first common factor, and its residual has left the mean.

The factor is the first eigenportfolio of all other coins' hourly returns (Avellaneda and Lee 2010, equation 9); the
residual is an Ornstein-Uhlenbeck process with a half-life of 0.7 hours, now 2.9 standard deviations from its mean;
that distance (of log price) is `size` times eight times the fees and spreads of coin and hedge: equal parts of
the six perpetuals that trade most, in all as many USD as least squares of the factor on them say. `symbol` is the coin,
its perpetual if it is shorted; `profit_usd` is for `INVESTOR`, with that hedge.
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
from opportunities.market.planted.pairs_trading import reverting
from opportunities.market.snapshot import MarketSnapshot
from opportunities.maths import elementary
from opportunities.maths.arrays import Floats

INVESTOR = Investor()

HALF_LIFE_HOURS = 0.7
DISTANCE = 2.9
COSTS = 8.0
# The largest two have dated futures and options, which would have to follow.
_FIRST = 2
_HEDGES = 6
_ROUNDS = 100
_CLOSE_BOUGHT, _CLOSE_SHORTED, _STOP, _TIME_STOP_HALF_LIVES = 0.5, 0.75, 4.5, 3.0


def plant(market: MarketSnapshot, seed: int, size: float) -> tuple[MarketSnapshot, Planted]:
    """A market with the coin in it; its prices are made anew, all others stay as they are."""
    spot, contracts = market.spot, market.perpetuals
    if spot is None or contracts is None:
        raise ValueError("a hedged coin needs spot and perpetuals")
    rng = np.random.default_rng(seed)
    bases = sorted(
        {symbol.partition("/")[0] for symbol in contracts.symbols},
        key=lambda base: -float(spot.volume_24h_usd[rows_of(spot.symbols, base)].max()),
    )
    coin = bases[int(rng.integers(_FIRST, len(bases)))]
    loading, cheap = float(draws.uniform(rng, 0.8, 1.4)), bool(rng.integers(2))
    side = 1.0 if cheap else -1.0
    hedges = [base for base in bases if base != coin][:_HEDGES]

    others = sorted({symbol.partition("/")[0] for symbol in spot.symbols} - {coin})
    rows = [rows_of(spot.symbols, base)[0] for base in others]
    now = elementary.log([middle(spot, row) for row in rows])
    level = _first_factor(np.column_stack([elementary.log(spot.candles["1h"].close[rows]), now]))
    close = spot.candles["1h"].close[[rows_of(spot.symbols, base)[0] for base in hedges]]
    basket = elementary.log(close).mean(axis=0)
    moves, common = np.diff(basket), np.diff(level[:-1])
    off = moves - moves.mean()
    hedged = loading * float((off * common).sum() / np.square(off).sum())

    def positions(of: MarketSnapshot) -> list[tuple[Position, float]]:
        if of.spot is None or of.perpetuals is None:
            raise ValueError("a hedged coin needs spot and perpetuals")
        legs = []
        for base, weight in ((coin, side), *((hedge, -side * hedged / _HEDGES) for hedge in hedges)):
            section = of.spot if base == coin and cheap else of.perpetuals
            row = most_traded(section, rows_of(section.symbols, base))
            legs.append((Position(section, row, weight), volatility(of.spot, rows_of(of.spot.symbols, base)[0])))
        return legs

    rate = sum(abs(leg.weight) * round_trip_rate(liquidity(market, leg, each)) for leg, each in positions(market))
    deviation = size * COSTS * rate / DISTANCE
    spread = reverting(rng, len(level), deviation, HALF_LIFE_HOURS, -side * DISTANCE * deviation)
    last = elementary.log(middle(spot, rows_of(spot.symbols, coin)[0]))
    price = elementary.exp(last + loading * (level - level[-1]) + spread)
    planted = repriced(market, coin, price[:-1], float(price[-1]))
    profit = profit_usd(
        planted,
        INVESTOR,
        positions(planted),
        gain=(DISTANCE - (_CLOSE_BOUGHT if cheap else _CLOSE_SHORTED)) * deviation,
        loss=(_STOP - DISTANCE) * deviation,
        hours=_TIME_STOP_HALF_LIVES * HALF_LIFE_HOURS,
    )
    return planted, Planted(f"{coin}/USDT" + ("" if cheap else ":USDT"), profit)


def _first_factor(log_price: Floats) -> Floats:
    """The cumulated return of the first eigenportfolio of prices (coins, bars), whose sizes sum to 1: shape (bars,).

    The power method finds it, for LAPACK's last digits are the processor's. The first eigenvalue of coins' correlations
    is many times the second, so far fewer rounds would do.
    """
    returns = np.diff(log_price, axis=1)
    deviation = returns.std(axis=1)
    standard = (returns - returns.mean(axis=1, keepdims=True)) / deviation[:, None]
    correlation = np.array([(standard * row).mean(axis=1) for row in standard])
    vector = np.ones(len(correlation))
    for _ in range(_ROUNDS):
        vector = (correlation * vector).sum(axis=1)
        vector /= vector.max()
    weights = vector / deviation
    level: Floats = (weights[:, None] * (log_price - log_price[:, :1])).sum(axis=0) / weights.sum()
    return level
