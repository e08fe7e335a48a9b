"""Reweigh the coins held so that the same money bears less risk, where that is worth what the trades cost.

Idea: expected returns can't be estimated from months, covariances can (Merton, On Estimating the Expected Return on the
Market, 1980). So the targets use none: the long-only weights of minimum variance (Markowitz 1952), and those of equal
risk contributions (Maillard, Roncalli and Teiletche 2010), by the covariance of the hourly returns that all coins share
(480 at least) after Ledoit and Wolf's shrinkage (all in `portfolio`). The money in coins stays in coins, and no new
coin is bought.

Trade: sell what is above its target, buy with the proceeds what is below, fees paid out of them; orders too small for
the exchange are left out. `risk_reduction_usd` is no forecast of gain but risk saved, as the certainty equivalent of
mean-variance utility: V γ/2 (σ²(now) - σ²(then)) over 30 days, less the costs (spread, fees, slippage). V is the value
of the coins, σ² the variance of a day, γ the relative risk aversion: 8, 4 or 2 for a low, medium or high tolerance (the
range that Bodie, Kane and Marcus, Investments, report for investors is about 2 to 4; the timid have more). The weights
after are those that the orders make, not those that were aimed at.

Confidence: `inference.confidence` of the p-value of "the saving is no more than the costs" out of sample: the weights
are fitted to the first two thirds of the hours, and the squared returns of both portfolios compared in the last third
(Newey-West t). Above 0.01 there is no proposal: in sample an optimiser always wins. The required
capital is what is sold; what is bought can lose all its worth, so the risk is very high.

Inputs: at least two coins held, each with quotes, volume and 481 closed, fresh candles of 1 h. Holdings without are
named in `metadata` and left as they are.
Refuses: no holdings, only cash, no spot market, fewer than two holdings with all of this.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from opportunities.domain import AssetTier, Evidence, Investor, Json, Proposal, Proposals, Purpose, RiskTolerance
from opportunities.errors import Unsuitable
from opportunities.market.snapshot import MarketSnapshot
from opportunities.maths import indicators, inference, portfolio
from opportunities.maths.arrays import Floats
from opportunities.maths.costs import Fill
from opportunities.trading import instruments, lots
from opportunities.trading.portfolio import Position, portfolio_of

TITLE = "Portfolio optimization"
OPPORTUNITY_TYPES = ("minimum_variance", "risk_parity")
NEEDS = ("holdings of two coins", "spot quotes and candles of both: 481 closed bars of 1h")

RISK_AVERSION: Mapping[RiskTolerance, float] = {
    RiskTolerance.LOW: 8.0,
    RiskTolerance.MEDIUM: 4.0,
    RiskTolerance.HIGH: 2.0,
}
HORIZON_DAYS = 30

_LEAST_BARS = 480
_FITTED = 2 / 3
_SIGNIFICANCE = 0.01
_TARGETS: Mapping[str, Callable[[Floats], Floats]] = {
    OPPORTUNITY_TYPES[0]: portfolio.minimum_variance,
    OPPORTUNITY_TYPES[1]: portfolio.risk_parity,
}


@dataclass(frozen=True, eq=False)
class _Held:
    """The coins that can be reweighed; `returns` (coins, bars) are hourly and simple, `values` (coins,) in USD."""

    positions: tuple[Position, ...]
    values: Floats
    returns: Floats
    left_alone: tuple[str, ...]

    @property
    def total(self) -> float:
        return float(self.values.sum())

    @property
    def weights(self) -> Floats:
        return self.values / self.total


@dataclass(frozen=True, eq=False)
class _Trades:
    """The orders; `values` (coins,) are what is held after them, `costs_usd` what the coins lost at middle prices."""

    sold: tuple[tuple[Position, Fill], ...]
    bought: tuple[tuple[Position, Fill], ...]
    values: Floats
    costs_usd: float

    @property
    def fills(self) -> tuple[Fill, ...]:
        return tuple(fill for _, fill in (*self.sold, *self.bought))


def find(market: MarketSnapshot, investor: Investor) -> Proposals:
    """The reweighings whose risk saved in 30 days is worth their costs."""
    held = _held(market, investor)
    found = [each for kind in _TARGETS if (each := _proposal(market, investor, held, kind)) is not None]
    return Proposals(tuple(found), examined=len(held.positions))


def _held(market: MarketSnapshot, investor: Investor) -> _Held:
    """What of the holdings can be reweighed; Unsuitable if that is fewer than two coins."""
    owned = portfolio_of(market, investor)
    candles = instruments.spot_of(market).candles.get("1h")
    if candles is None or not instruments.fresh(candles, market.captured_at):
        raise Unsuitable("no fresh 1h candles, to tell the risk of the holdings")
    bars = indicators.bars(candles.close)
    judged = [
        position
        for position in owned.positions
        if position.row < len(bars)
        and bars[position.row] > _LEAST_BARS
        and np.ptp(candles.close[position.row, -_LEAST_BARS:]) > 0
    ]
    if len(judged) < 2:
        raise Unsuitable(
            f"fewer than two holdings have quotes and {_LEAST_BARS + 1} closed candles of 1h: nothing to reweigh"
        )
    known = {position.asset for position in judged}
    alone = sorted({*owned.unpriced, *(each.asset for each in owned.positions)} - known)
    rows = [position.row for position in judged]
    close = candles.close[rows, -int(bars[rows].min()) :]
    values = np.array([position.value_usd for position in judged])
    return _Held(tuple(judged), values, np.diff(close, axis=1) / close[:, :-1], tuple(alone))


def _trades(market: MarketSnapshot, held: _Held, target: Floats) -> _Trades | None:
    """The orders towards the target weights; None where they are too small to be taken."""
    rules = instruments.spot_of(market).rules
    gap = target * held.total - held.values
    values = held.values.copy()
    sold: list[tuple[Position, Fill]] = []
    for i in np.flatnonzero(gap < 0).tolist():
        position = held.positions[i]
        bid = position.liquidity.bid
        quantity = lots.orderable(rules, position.row, float(-gap[i]) / bid, bid)
        if quantity:
            sold.append((position, position.liquidity.sell(quantity)))
            values[i] -= quantity * bid
    proceeds = sum(fill.notional_usd - fill.fee_usd for _, fill in sold)
    wanted = np.maximum(gap, 0)
    bought: list[tuple[Position, Fill]] = []
    for i in np.flatnonzero((wanted > 0) & bool(sold)).tolist():
        position = held.positions[i]
        budget = proceeds * float(wanted[i] / wanted.sum()) / (1 + position.liquidity.fee)
        guess = position.liquidity.buy(budget / position.liquidity.ask)
        quantity = lots.orderable(rules, position.row, budget / guess.price, position.liquidity.bid)
        if quantity:
            bought.append((position, position.liquidity.buy(quantity)))
            values[i] += quantity * position.liquidity.bid
    if not sold or not bought:
        return None
    idle = proceeds - sum(fill.notional_usd + fill.fee_usd for _, fill in bought)
    return _Trades(tuple(sold), tuple(bought), values, held.total - float(values.sum()) - idle)


def _proposal(market: MarketSnapshot, investor: Investor, held: _Held, kind: str) -> Proposal | None:
    """The reweighing; None where it saves less than it costs, in sample or out of it."""
    spot = instruments.spot_of(market)
    covariance, shrinkage = portfolio.shrunk_covariance(held.returns)
    trades = _trades(market, held, _TARGETS[kind](covariance))
    if trades is None:
        return None
    per_variance = held.total * RISK_AVERSION[investor.risk_tolerance] / 2 * HORIZON_DAYS
    after = trades.values / held.total
    variance = [24 * float(weights @ covariance @ weights) for weights in (held.weights, after)]
    saved = per_variance * (variance[0] - variance[1]) - trades.costs_usd
    estimate = _out_of_sample(held, kind)
    if saved <= 0 or estimate.standard_error == 0:
        return None
    p = inference.p_value(estimate.z(trades.costs_usd / per_variance))
    if p > _SIGNIFICANCE:
        return None
    largest, order = max(trades.sold, key=lambda each: each[1].notional_usd)
    released = sum(fill.notional_usd for _, fill in trades.sold)
    fees, slippage = (sum(getattr(fill, name) for fill in trades.fills) for name in ("fee_usd", "slippage_usd"))
    metadata: dict[str, Json] = {
        "size": order.quantity,
        "notional_usd": released,
        "expected_value_usd": saved,
        "costs_usd": trades.costs_usd,
        "fees_usd": fees,
        "slippage_usd": slippage,
        "risk": {
            "aversion": RISK_AVERSION[investor.risk_tolerance],
            "days": HORIZON_DAYS,
            "value_usd": held.total,
            "volatility_before": float(np.sqrt(variance[0])),
            "volatility_after": float(np.sqrt(variance[1])),
            "shrinkage": shrinkage,
        },
        "weights": {
            position.asset: [round(float(before), 4), round(float(then), 4)]
            for position, before, then in zip(held.positions, held.weights, after, strict=True)
        },
        "quotes": instruments.quotes(market, *(position.liquidity for position, _ in (*trades.sold, *trades.bought))),
    }
    if held.left_alone:
        metadata["left_alone"] = list[Json](held.left_alone)
    return Proposal(
        opportunity_type=kind,
        symbol=spot.symbols[largest.row],
        exchange=spot.exchanges[largest.row],
        purpose=Purpose.RISK_REDUCTION,
        benefit_usd=saved,
        evidence=Evidence(
            "t of variance saved above cost, out of sample",
            estimate.z(trades.costs_usd / per_variance),
            estimate.n,
            p,
        ),
        # The coins bought can become worthless; those sold can lose nothing any more.
        max_loss_usd=sum(fill.notional_usd for _, fill in trades.bought) + fees,
        required_capital_usd=released,
        horizon_hours=24.0 * HORIZON_DAYS,
        entry_price=None,
        exit_price=order.price,
        asset_tier=AssetTier.of(largest.liquidity.volume_24h_usd),
        legs=tuple(
            instruments.leg(side, spot.symbols[position.row], spot.exchanges[position.row], fill)
            for side, orders in _sides(trades)
            for position, fill in orders
        ),
        stop=None,
        metadata=metadata,
    )


def _sides(trades: _Trades) -> tuple[tuple[Literal["buy", "sell"], tuple[tuple[Position, Fill], ...]], ...]:
    return ("sell", trades.sold), ("buy", trades.bought)


def _out_of_sample(held: _Held, kind: str) -> inference.Estimate:
    """By how much the variance of a day falls in hours that the weights were not fitted to."""
    fitted = int(_FITTED * held.returns.shape[1])
    target = _TARGETS[kind](portfolio.shrunk_covariance(held.returns[:, :fitted])[0])
    now, then = held.weights @ held.returns[:, fitted:], target @ held.returns[:, fitted:]
    saved = 24 * ((now - now.mean()) ** 2 - (then - then.mean()) ** 2)
    return inference.mean(saved, inference.lags_for(len(saved)))
