"""Opportunities from what strategies propose: who found them, when, and what follows from their numbers."""

from dataclasses import asdict

from opportunities.domain import Opportunity, Proposal, Purpose, Timeframe
from opportunities.maths import inference, sizing
from opportunities.trading.legs import action


def opportunity(proposal: Proposal, *, strategy_id: str, strategy_name: str, discovered_at: int) -> Opportunity:
    """The proposal of this strategy, made of the market of that moment (epoch seconds)."""
    earns = proposal.purpose is Purpose.PROFIT
    return Opportunity(
        strategy_id=strategy_id,
        strategy_name=strategy_name,
        opportunity_type=proposal.opportunity_type,
        symbol=proposal.symbol,
        exchange=proposal.exchange,
        action=action(proposal),
        purpose=proposal.purpose,
        profit_potential_usd=proposal.benefit_usd if earns else None,
        risk_reduction_usd=None if earns else proposal.benefit_usd,
        confidence_score=inference.confidence_score(proposal.evidence),
        evidence=proposal.evidence,
        risk_level=sizing.risk_level(proposal.max_loss_usd, proposal.required_capital_usd),
        max_loss_usd=proposal.max_loss_usd,
        required_capital_usd=proposal.required_capital_usd,
        horizon_hours=proposal.horizon_hours,
        estimated_timeframe=Timeframe.of(proposal.horizon_hours),
        entry_price=proposal.entry_price,
        exit_price=proposal.exit_price,
        asset_tier=proposal.asset_tier,
        metadata={**proposal.metadata, "stop": proposal.stop, "legs": [asdict(leg) for leg in proposal.legs]},
        discovered_at=discovered_at,
    )
