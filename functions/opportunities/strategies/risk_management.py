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

`profit_potential_usd` is no profit but the loss avoided: the fall of the CVaR less what selling costs. The planned loss
is that cost, the required capital the holdings sold. Confidence: `inference.confidence` of the p-value of "the fall of
the CVaR is no more than the cost" (a t statistic: the CVaR is a mean, see `risk.tail_losses`).

Inputs: the investor's holdings; spot quotes, volume and candles of each. A holding that the market doesn't price, or
that has too few candles (720 of 1 h), is named in `metadata`; the latter counts in equity, and is neither judged nor
sold, since what its sale would avoid is unknown.
Refuses: no holdings, no spot market, no holding with quotes and candles. No limit broken: no opportunity.
"""

import numpy as np

from opportunities.domain import AssetTier, Findings, Investor, Json, Opportunity, Timeframe
from opportunities.market.snapshot import MarketSnapshot
from opportunities.maths import inference, risk, sizing
from opportunities.maths.arrays import Floats
from opportunities.trading import instruments
from opportunities.trading.portfolio import Portfolio, portfolio_of

TITLE = "Risk management"
OPPORTUNITY_TYPES = ("reduce_tail_risk", "reduce_concentration")
NEEDS = ("holdings", "spot quotes and candles of a holding: 720 closed bars of 1h, or 250 of 1d")

_BISECTIONS = 60


def find(market: MarketSnapshot, investor: Investor) -> Findings:
    """The sales that bring each broken limit back within its bound, the one that avoids most first."""
    portfolio = portfolio_of(market, investor)
    limits = sizing.LIMITS[investor.risk_tolerance]
    values, equity = portfolio.values_usd, portfolio.equity_usd
    shortfall = risk.expected_shortfall(portfolio.pnl(values))
    found: list[Opportunity | None] = []
    if shortfall > limits.cvar * equity:
        kept = _within_shortfall(portfolio, limits.cvar * equity)
        after = risk.expected_shortfall(portfolio.pnl(kept))
        breach = _breach("cvar_1d_over_equity", limits.cvar, shortfall / equity, after / equity)
        found.append(_opportunity(market, portfolio, kept, OPPORTUNITY_TYPES[0], breach))
    largest = float(values[portfolio.modelled].max())
    if largest > limits.single_asset * equity:
        kept = np.where(portfolio.modelled, np.minimum(values, limits.single_asset * equity), values)
        breach = _breach("largest_holding_over_equity", limits.single_asset, largest / equity, limits.single_asset)
        found.append(_opportunity(market, portfolio, kept, OPPORTUNITY_TYPES[1], breach))
    opportunities = [opportunity for opportunity in found if opportunity is not None]
    opportunities.sort(key=lambda opportunity: (-opportunity.profit_potential_usd, opportunity.opportunity_type))
    return Findings(tuple(opportunities), examined=len(portfolio.positions))


def _breach(measure: str, limit: float, before: float, after: float) -> dict[str, Json]:
    return {"measure": measure, "limit": limit, "before": before, "after": after}


def _within_shortfall(portfolio: Portfolio, limit_usd: float) -> Floats:
    """The values to keep, shape (positions,), so that the expected shortfall is at most `limit_usd`."""

    def shortfall(position: int, value: float) -> float:
        values = kept.copy()
        values[position] = value
        return risk.expected_shortfall(portfolio.pnl(values))

    kept = portfolio.values_usd.copy()
    while risk.expected_shortfall(portfolio.pnl(kept)) > limit_usd:
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


def _opportunity(
    market: MarketSnapshot, portfolio: Portfolio, kept: Floats, kind: str, breach: dict[str, Json]
) -> Opportunity | None:
    """The sales down to `kept`; None where they cost more than the loss they avoid."""
    spot = instruments.spot_of(market)
    sold = portfolio.values_usd - kept
    largest = portfolio.positions[int(sold.argmax())]
    sales = [
        (position, position.liquidity.sell(float(value) / position.liquidity.bid))
        for position, value in zip(portfolio.positions, sold, strict=True)
        if value > 0
    ]
    fees = sum(fill.fee_usd for _, fill in sales)
    slippage = sum(fill.slippage_usd for _, fill in sales)
    tail = risk.tail_losses(portfolio.pnl(portfolio.values_usd))
    avoided = tail - risk.tail_losses(portfolio.pnl(kept)) - (fees + slippage)
    profit = float(avoided.mean())
    notional = sum(fill.notional_usd for _, fill in sales)
    if profit <= 0 or notional < sizing.MINIMUM_NOTIONAL_USD:
        return None
    step = portfolio.bars_per_day
    estimate = inference.mean(avoided, max(inference.lags_for(len(avoided)), 2 * (step - 1)))
    metadata: dict[str, Json] = {
        "confidence": {"statistic": "t of CVaR avoided above cost", "value": estimate.z(), "n": estimate.n},
        "breach": breach,
        "size": float(sold.max()) / largest.liquidity.bid,
        "notional_usd": notional,
        "expected_value_usd": profit,
        "fees_usd": fees,
        "slippage_usd": slippage,
        "portfolio": _measures(portfolio),
        "quotes": instruments.quotes(market, *(position.liquidity for position, _ in sales)),
        "legs": [
            instruments.leg("sell", spot.symbols[position.row], spot.exchanges[position.row], fill)
            for position, fill in sales
        ],
    }
    return Opportunity(
        strategy_id=__name__.rpartition(".")[2],
        strategy_name=TITLE,
        opportunity_type=kind,
        symbol=spot.symbols[largest.row],
        exchange=spot.exchanges[largest.row],
        profit_potential_usd=profit,
        confidence_score=inference.confidence(inference.p_value(estimate.z())),
        risk_level=sizing.risk_level(fees + slippage, notional),
        required_capital_usd=float(sold.sum()),
        estimated_timeframe=Timeframe.DAY,
        entry_price=None,
        exit_price=next(fill.price for position, fill in sales if position is largest),
        asset_tier=AssetTier.of(largest.liquidity.volume_24h_usd),
        metadata=metadata,
        discovered_at=market.captured_at,
    )


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
