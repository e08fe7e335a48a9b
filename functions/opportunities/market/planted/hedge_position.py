"""Plants a coin that moves with another one's perpetual, so that shorting this hedges holdings of that.

The investor holds 10,000 USD of KNC, which has no perpetual. Its hourly returns are made anew: a slope times those of
the perpetual of one of the eight most traded coins, and normal noise, independent in time, of as much variance as that
`size` 1 explains 90 % of KNC's, and `size` 0 nothing. The fair market of this kind is that of `size` 0: in any other
the market's common factor makes a hedge worth its costs, and saying so is no mistake. `symbol` is the perpetual;
`profit_usd` is for `investor`: the fall of the expected shortfall of one day at 95 %, by the true slope and the
variance that the perpetual's returns had, less the costs of the hedge.
"""

import numpy as np

from opportunities.domain import Investor
from opportunities.market import draws
from opportunities.market.planted import Planted
from opportunities.market.planted.changes.prices import middle, repriced, rows_of
from opportunities.market.planted.oracles.spread import Position, liquidity, most_traded, volatility
from opportunities.market.snapshot import MarketSnapshot
from opportunities.maths import elementary, risk

HELD = "KNC"
WORTH_USD = 10_000.0

_AMONG = 8
_BARS = 720
_EXPLAINED = 0.9
_HOURS = 24 * 7


def investor(market: MarketSnapshot) -> Investor:
    """Who holds 10,000 USD of KNC."""
    spot = market.spot
    if spot is None:
        raise ValueError("holdings need spot markets")
    return Investor(holdings={HELD: WORTH_USD / float(spot.bid[rows_of(spot.symbols, HELD)[0]])})


def plant(market: MarketSnapshot, seed: int, size: float) -> tuple[MarketSnapshot, Planted]:
    """A market in which KNC follows a perpetual's price."""
    spot, contracts = market.spot, market.perpetuals
    if spot is None or contracts is None or contracts.candles.get("1h") is None:
        raise ValueError("a hedge needs spot, perpetuals and their candles")
    rng = np.random.default_rng(seed)
    bases = sorted(
        {symbol.partition("/")[0] for symbol in contracts.symbols},
        key=lambda base: -float(spot.volume_24h_usd[rows_of(spot.symbols, base)].max()),
    )
    base = bases[int(rng.integers(_AMONG))]
    row = most_traded(contracts, rows_of(contracts.symbols, base))
    close = contracts.candles["1h"].close[row]
    moves = np.diff(close) / close[:-1]
    recent = moves[-_BARS:]
    slope = size * float(draws.uniform(rng, 0.8, 1.4))
    explained = size * _EXPLAINED
    whole = float(recent.std()) if slope == 0 else slope * float(recent.std()) / np.sqrt(explained)
    noise = whole * np.sqrt(1 - explained) * draws.normal(rng, len(moves))
    path = np.append(0.0, np.cumsum(elementary.log(1 + slope * moves + noise)))
    here = rows_of(spot.symbols, HELD)[0]
    now = middle(spot, here)
    planted = repriced(market, HELD, now * elementary.exp(path - path[-1]), now)
    day = np.sqrt(24) * whole * np.array([1.0, np.sqrt(1 - explained)])
    avoided = WORTH_USD * (
        risk.normal_expected_shortfall(float(day[0])) - risk.normal_expected_shortfall(float(day[1]))
    )
    return planted, Planted(contracts.symbols[row], avoided - _costs_usd(planted, row, slope * WORTH_USD))


def _costs_usd(market: MarketSnapshot, row: int, usd: float) -> float:
    """Shorting these USD of a perpetual and buying them back a week later at the same quotes, with its funding."""
    spot, contracts = market.spot, market.perpetuals
    if spot is None or contracts is None or usd == 0:
        return 0.0
    base = contracts.symbols[row].partition("/")[0]
    traded = liquidity(market, Position(contracts, row, -1.0), volatility(spot, rows_of(spot.symbols, base)[0]))
    quantity = usd / middle(contracts, row)
    sold, bought = traded.sell(quantity), traded.buy(quantity)
    hourly = float(contracts.funding_rate[row] / contracts.funding_interval_hours[row])
    return bought.notional_usd - sold.notional_usd + sold.fee_usd + bought.fee_usd + max(0.0, -hourly * _HOURS * usd)
