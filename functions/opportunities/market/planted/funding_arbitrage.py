"""Plants a perpetual whose longs have paid funding for months.

Unit of size: 30 days of the mean rate are four times what entering and leaving spot and perpetual costs (fees and
spreads), so that they net about three times the costs. The rates are a first order autoregression around that mean,
with a tenth of it as standard deviation; quotes stay as they are. `profit_usd` is for `INVESTOR`, after 30 days.
"""

from dataclasses import replace
from math import floor, sqrt

import numpy as np

from opportunities.domain import Investor
from opportunities.market import draws
from opportunities.market.planted import Planted
from opportunities.market.planted.oracles.carry import lot_of
from opportunities.market.planted.oracles.long import pairs, row_with_candles, section
from opportunities.market.planted.oracles.spread import Position, liquidity, round_trip_rate, volatility
from opportunities.market.snapshot import MarketSnapshot, Perpetuals
from opportunities.maths import sizing
from opportunities.maths.costs import Liquidity

INVESTOR = Investor()

COSTS = 4.0
HORIZON_HOURS = 30 * 24
_PERSISTENCE, _DEVIATION = 0.7, 0.1
_LEAST_VOLUME_USD = 2e6


def plant(market: MarketSnapshot, seed: int, size: float) -> tuple[MarketSnapshot, Planted]:
    """The market with that contract's funding in it; all else stays as it is."""
    rng = np.random.default_rng(seed)
    spot, contracts = section(market), market.perpetuals
    if contracts is None:
        raise ValueError("funding needs perpetuals")
    symbols = {base: f"{base}/USDT:USDT" for base in pairs(market, _LEAST_VOLUME_USD)}
    base = str(rng.choice([base for base, symbol in symbols.items() if symbol in contracts.symbols]))
    row, contract = row_with_candles(market, base), contracts.symbols.index(symbols[base])
    deviation = volatility(spot, row)
    coin = liquidity(market, Position(spot, row, 1.0), deviation)
    perpetual = liquidity(market, Position(contracts, contract, -1.0), deviation)
    interval = float(contracts.funding_interval_hours[contract])
    periods = int(HORIZON_HOURS / interval)
    rate = size * COSTS * (round_trip_rate(coin) + round_trip_rate(perpetual)) / periods
    planted = replace(market, perpetuals=_paying(rng, contracts, contract, rate))
    step = max(lot_of(spot, row), lot_of(contracts, contract))
    return planted, Planted(symbols[base], _profit_usd(coin, perpetual, rate * periods, step))


def _paying(rng: np.random.Generator, contracts: Perpetuals, contract: int, rate: float) -> Perpetuals:
    """The contracts, of which one has paid this rate on average, and is expected to pay it next."""
    history, upcoming = contracts.funding_history.copy(), contracts.funding_rate.copy()
    paid = np.isfinite(history[contract])
    gaps = draws.normal(rng, int(paid.sum()))
    for period in range(1, len(gaps)):
        gaps[period] = _PERSISTENCE * gaps[period - 1] + sqrt(1 - _PERSISTENCE * _PERSISTENCE) * gaps[period]
    history[contract, paid] = rate * (1 + _DEVIATION * gaps)
    upcoming[contract] = rate
    return replace(contracts, funding_history=history, funding_rate=upcoming)


def _profit_usd(coin: Liquidity, perpetual: Liquidity, funding: float, step: float) -> float:
    """What `funding` (of the notional, over all periods) nets, in whole lots within the investor's limits."""
    margin = max(1 / 3, 0.01 + 3 * coin.daily_volatility * sqrt(7))
    spreads = (coin.ask - coin.bid + perpetual.ask - perpetual.bid) / coin.ask
    notional = sizing.notional_usd(
        INVESTOR,
        2 * (coin.fee + perpetual.fee) + spreads,
        1 + coin.fee + margin + perpetual.fee,
        min(coin.capacity_usd, perpetual.capacity_usd),
    )
    quantity = notional / coin.ask
    quantity = floor(quantity / step + 1e-9) * step if step else quantity
    bought, sold = (coin.buy(quantity), perpetual.buy(quantity)), (coin.sell(quantity), perpetual.sell(quantity))
    lost = sum(fill.notional_usd + fill.fee_usd for fill in bought) - sum(f.notional_usd - f.fee_usd for f in sold)
    basis = (perpetual.bid + perpetual.ask) / (coin.bid + coin.ask) - 1
    return float(sold[1].notional_usd * (funding - max(0.0, -basis)) - lost)
