"""Plants holdings of which one coin is riskier than the others, so that less of it would be better.

The investor holds the same worth of four coins, and no others. Their hourly returns are made anew: independent in time,
normal, with one volatility and a correlation of 0.5; one coin's volatility is 1 + 3 `size` times the others'. So with
`size` 0 equal weights are the best there are, which makes that the fair market of this kind (in any other market equal
weights can be bettered, and saying so is no mistake). `symbol` is that coin's pair; `profit_usd` is for `investor`:
what minimum variance saves by the true covariance, less what the orders cost.
"""

import numpy as np

from opportunities.domain import Investor, RiskTolerance
from opportunities.market import draws
from opportunities.market.planted import Planted
from opportunities.market.planted.changes.prices import middle, repriced, rows_of
from opportunities.market.planted.oracles.spread import Position, liquidity, volatility
from opportunities.market.snapshot import MarketSnapshot
from opportunities.maths import elementary
from opportunities.maths.arrays import Floats

HELD = ("SOL", "XRP", "ADA", "LINK")
WORTH_USD = 10_000.0

_HOURLY_VOLATILITY, _CORRELATION = 0.008, 0.5
_RISK_AVERSION = {RiskTolerance.LOW: 8.0, RiskTolerance.MEDIUM: 4.0, RiskTolerance.HIGH: 2.0}
_DAYS = 30


def investor(market: MarketSnapshot) -> Investor:
    """Who holds 10,000 USD of each of the four coins."""
    spot = market.spot
    if spot is None:
        raise ValueError("holdings need spot markets")
    rows = {coin: rows_of(spot.symbols, coin)[0] for coin in HELD}
    return Investor(holdings={coin: WORTH_USD / float(spot.bid[row]) for coin, row in rows.items()})


def plant(market: MarketSnapshot, seed: int, size: float) -> tuple[MarketSnapshot, Planted]:
    """A market in which one of the four coins is so much riskier than the others."""
    spot = market.spot
    if spot is None:
        raise ValueError("holdings need spot markets")
    rng = np.random.default_rng(seed)
    risky = int(rng.integers(len(HELD)))
    deviation = np.full(len(HELD), _HOURLY_VOLATILITY)
    deviation[risky] *= 1 + 3 * size
    bars = spot.candles["1h"].close.shape[1]
    returns = deviation[:, None] * _correlated(draws.normal(rng, (len(HELD), bars)))
    planted = market
    for coin, path in zip(HELD, np.cumsum(returns, axis=1), strict=True):
        now = middle(spot, rows_of(spot.symbols, coin)[0])
        planted = repriced(planted, coin, now * elementary.exp(path - path[-1]), now)
    weights = _least_variance(deviation)
    equal = np.full(len(HELD), 1 / len(HELD))
    saved = 24 * (_variance(equal * deviation) - _variance(weights * deviation))
    total = WORTH_USD * len(HELD)
    worth = total * _RISK_AVERSION[investor(planted).risk_tolerance] / 2 * _DAYS * saved
    return planted, Planted(f"{HELD[risky]}/USDT", worth - _costs_usd(planted, total * (weights - equal)))


def _correlated(shocks: Floats) -> Floats:
    """Independent rows made to correlate: each is the ones before it and its own shock, as Cholesky's factor has it.

    Where all pairs correlate alike, what each row takes of an earlier shock is one number for all rows after it.
    """
    shared, own = np.zeros(shocks.shape[1]), 1.0
    rows = []
    for shock in shocks:
        diagonal = np.sqrt(own)
        rows.append(shared + diagonal * shock)
        below = (_CORRELATION - (1.0 - own)) / diagonal
        shared = shared + below * shock
        own -= below * below
    return np.array(rows)


def _variance(risks: Floats) -> float:
    """Of holdings that correlate alike: `risks` are weights times deviations."""
    return float((1 - _CORRELATION) * np.square(risks).sum() + _CORRELATION * np.square(risks.sum()))


def _least_variance(deviation: Floats) -> Floats:
    """Long only: of all sets of coins the one whose unconstrained weights are positive and least risky.

    The weights of a set are the inverse of its covariance times ones, which the Sherman-Morrison formula gives.
    """
    best: tuple[float, Floats] | None = None
    for chosen in range(1, 1 << len(deviation)):
        rows = [i for i in range(len(deviation)) if chosen >> i & 1]
        inverse = 1 / deviation[rows]
        some = inverse * (inverse - _CORRELATION * inverse.sum() / (1 + (len(rows) - 1) * _CORRELATION))
        weights = np.zeros(len(deviation))
        weights[rows] = some / some.sum()
        variance = _variance(weights * deviation)
        if (some > 0).all() and (best is None or variance < best[0]):
            best = variance, weights
    if best is None:
        raise ValueError("deviations must be positive")
    return best[1]


def _costs_usd(market: MarketSnapshot, change: Floats) -> float:
    """Fees, and what orders of these USD get worse than the bid, at which holdings are worth what they are."""
    spot = market.spot
    if spot is None:
        raise ValueError("holdings need spot markets")
    costs = 0.0
    for coin, usd in zip(HELD, change, strict=True):
        row = rows_of(spot.symbols, coin)[0]
        traded = liquidity(market, Position(spot, row, 1.0), volatility(spot, row))
        quantity = abs(float(usd)) / traded.bid
        if quantity == 0:
            continue
        fill = traded.buy(quantity) if usd > 0 else traded.sell(quantity)
        costs += fill.fee_usd + abs(fill.notional_usd - quantity * traded.bid)
    return costs
