"""Find which limit the holdings break, and the sales that bring them back within it.

Measures, of one day and 95 %, from the returns that the present holdings would have had: historical value at risk and
expected shortfall (CVaR), the parametric ones with RiskMetrics volatility, maximum drawdown, Herfindahl concentration
and Kupiec's backtest (all in `risk`, with sources). Daily candles are used if all holdings have 250 of them; else
24 hour returns taken every hour, whose overlap makes about 24 of them worth one: the standard errors count that
(Newey-West), the volatility, drawdown and backtest use every 24th.

Limits, as a share of equity (capital and holdings at the bid), by risk tolerance (`sizing.LIMITS`): CVaR 1.5, 3 or
6 %; the largest holding 15, 25 or 40 %. A CVaR above its limit is lowered by selling the holding that adds most to it
per USD (Tasche, Risk Contributions and Performance Measurement, 1999), as much as is needed (the CVaR is convex and
homogeneous: bisection), then the next. Holdings that are too large are cut to their limit. The two are alternatives:
the sales of one may do for both.

Sales are whole lots, rounded up as far as there is so much, so that the limit is kept. `risk_reduction_usd` is the loss
avoided: the fall of the CVaR less what selling costs. More than that cost they cannot lose; the required capital is
what they sell. Confidence: `inference.confidence` of the p-value of "the fall of the CVaR is no more than the cost" (a
t statistic: the CVaR is a mean, see `risk.tail_losses`).

Inputs: the investor's holdings; spot quotes, volume and candles of each. A holding that the market doesn't price, or
that has too few candles (720 of 1 h), is named in `metadata`; the latter counts in equity, and is neither judged nor
sold, since what its sale would avoid is unknown.
Refuses: no holdings, no spot market, no holding with quotes and candles. No limit broken: no opportunity.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import numpy as np

from opportunities.domain import AssetTier, Evidence, Investor, Json, Proposal, Proposals, Purpose
from opportunities.market.snapshot import MarketSnapshot, Rules
from opportunities.maths import inference, risk, sizing
from opportunities.maths.arrays import Floats
from opportunities.maths.costs import Fill
from opportunities.trading import instruments, lots
from opportunities.trading.portfolio import Portfolio, Position, portfolio_of

TITLE = "Risk management"
OPPORTUNITY_TYPES = ("reduce_tail_risk", "reduce_concentration")
NEEDS = ("holdings", "spot quotes and candles of a holding: 720 closed bars of 1h, or 250 of 1d")

_BISECTIONS = 60


@dataclass(frozen=True)
class _Limit:
    """A limit that is broken: `of` measures holdings of some values, in USD; `bound` is a share of equity."""

    kind: str
    measure: str
    bound: float
    of: Callable[[Portfolio, Floats], float]


def find(market: MarketSnapshot, investor: Investor) -> Proposals:
    """The sales that bring each broken limit back within its bound."""
    portfolio = portfolio_of(market, investor)
    limits = sizing.LIMITS[investor.risk_tolerance]
    values, equity = portfolio.values_usd, portfolio.equity_usd
    found: list[Proposal | None] = []
    if _shortfall(portfolio, values) > limits.cvar * equity:
        kept = _within_shortfall(portfolio, limits.cvar * equity)
        limit = _Limit(OPPORTUNITY_TYPES[0], "cvar_1d_over_equity", limits.cvar, _shortfall)
        found.append(_proposal(market, portfolio, kept, limit))
    if _largest(portfolio, values) > limits.single_asset * equity:
        kept = np.where(portfolio.modelled, np.minimum(values, limits.single_asset * equity), values)
        limit = _Limit(OPPORTUNITY_TYPES[1], "largest_holding_over_equity", limits.single_asset, _largest)
        found.append(_proposal(market, portfolio, kept, limit))
    return Proposals(tuple(each for each in found if each is not None), examined=len(portfolio.positions))


def _shortfall(portfolio: Portfolio, values: Floats) -> float:
    return risk.expected_shortfall(portfolio.pnl(values))


def _largest(portfolio: Portfolio, values: Floats) -> float:
    return float(values[portfolio.modelled].max())


def _within_shortfall(portfolio: Portfolio, limit_usd: float) -> Floats:
    """The values to keep, shape (positions,), so that the expected shortfall is at most `limit_usd`."""

    def shortfall(position: int, value: float) -> float:
        values = kept.copy()
        values[position] = value
        return _shortfall(portfolio, values)

    kept = portfolio.values_usd.copy()
    while _shortfall(portfolio, kept) > limit_usd:
        losses = -portfolio.pnl(kept)
        worst = np.argsort(losses, kind="stable")[-(int(risk.TAIL * (len(losses) - 1)) + 1) :]
        per_usd = np.where(kept > 0, -portfolio.returns[:, worst].mean(axis=1), -np.inf)
        position = int(per_usd.argmax())
        low, high = 0.0, float(kept[position])
        if shortfall(position, low) <= limit_usd:
            for _ in range(_BISECTIONS):
                middle = (low + high) / 2
                low, high = (middle, high) if shortfall(position, middle) <= limit_usd else (low, middle)
        kept[position] = low
    return kept


def _proposal(market: MarketSnapshot, portfolio: Portfolio, kept: Floats, limit: _Limit) -> Proposal | None:
    """The sales down to `kept`; None where they cost more than the loss they avoid."""
    spot, values = instruments.spot_of(market), portfolio.values_usd
    sold = np.zeros_like(values)
    sales: list[tuple[Position, Fill]] = []
    for i in np.flatnonzero(values > kept).tolist():
        position, bid = portfolio.positions[i], portfolio.positions[i].liquidity.bid
        quantity = _sale(spot.rules, position, float(values[i] - kept[i]) / bid)
        if quantity > 0:
            sales.append((position, position.liquidity.sell(quantity)))
            sold[i] = quantity * bid
    if not sales:
        return None
    largest, order = max(sales, key=lambda sale: sale[1].quantity * sale[0].liquidity.bid)
    fees = sum(fill.fee_usd for _, fill in sales)
    slippage = sum(fill.slippage_usd for _, fill in sales)
    tail = risk.tail_losses(portfolio.pnl(values))
    avoided = tail - risk.tail_losses(portfolio.pnl(values - sold)) - (fees + slippage)
    saved = float(avoided.mean())
    if saved <= 0:
        return None
    step = portfolio.bars_per_day
    estimate = inference.mean(avoided, max(inference.lags_for(len(avoided)), 2 * (step - 1)))
    metadata: dict[str, Json] = {
        "breach": {
            "measure": limit.measure,
            "limit": limit.bound,
            "before": limit.of(portfolio, values) / portfolio.equity_usd,
            "after": limit.of(portfolio, values - sold) / portfolio.equity_usd,
        },
        "size": order.quantity,
        "notional_usd": sum(fill.notional_usd for _, fill in sales),
        "expected_value_usd": saved,
        "fees_usd": fees,
        "slippage_usd": slippage,
        "portfolio": _measures(portfolio),
        "quotes": instruments.quotes(market, *(position.liquidity for position, _ in sales)),
    }
    return Proposal(
        opportunity_type=limit.kind,
        symbol=spot.symbols[largest.row],
        exchange=spot.exchanges[largest.row],
        purpose=Purpose.RISK_REDUCTION,
        benefit_usd=saved,
        evidence=Evidence("t of CVaR avoided above cost", estimate.z(), estimate.n, inference.p_value(estimate.z())),
        max_loss_usd=fees + slippage,
        required_capital_usd=float(sold.sum()),
        horizon_hours=24.0,
        entry_price=None,
        exit_price=order.price,
        asset_tier=AssetTier.of(largest.liquidity.volume_24h_usd),
        legs=tuple(
            instruments.leg("sell", spot.symbols[position.row], spot.exchanges[position.row], fill)
            for position, fill in sales
        ),
        stop=None,
        metadata=metadata,
    )


def _sale(rules: Rules | None, position: Position, wanted: float) -> float:
    """The least quantity in whole lots that is at least as much as wanted, as far as there is so much; 0 if none."""
    lot, bid = lots.lot_of(rules, position.row, position.liquidity.bid), position.liquidity.bid
    if lot:
        wanted = ceil(wanted / lot * (1 - 1e-12)) * lot
    return lots.orderable(rules, position.row, min(wanted, position.quantity), bid)


def _measures(portfolio: Portfolio) -> dict[str, Json]:
    """What the portfolio risks in a day, in USD, and how it has behaved."""
    pnl = portfolio.pnl(portfolio.values_usd)
    path = portfolio.daily_path_usd()
    daily = np.diff(path) / path[:-1]
    volatility = float(risk.ewma_volatility(daily)[-1])
    coverage = risk.coverage(daily)
    measures: dict[str, Json] = {
        "equity_usd": portfolio.equity_usd,
        "var_usd": risk.value_at_risk(pnl),
        "cvar_usd": risk.expected_shortfall(pnl),
        "normal_var_usd": risk.normal_value_at_risk(volatility) * float(path[-1]),
        "normal_cvar_usd": risk.normal_expected_shortfall(volatility) * float(path[-1]),
        "ewma_volatility": volatility,
        "max_drawdown": risk.max_drawdown(path),
        "herfindahl": risk.herfindahl(portfolio.values_usd),
        "kupiec": {"violations": coverage.violations, "days": coverage.days, "p": coverage.p_value},
        "returns": "daily" if portfolio.bars_per_day == 1 else "24h, each hour",
    }
    if portfolio.unpriced:
        measures["unpriced"] = list[Json](portfolio.unpriced)
    if portfolio.unmodelled:
        measures["unmodelled"] = list[Json](portfolio.unmodelled)
    return measures
