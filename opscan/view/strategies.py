"""What one strategy of a scan did, in words."""

from opscan.client.scans import StrategyState
from opscan.view.numbers import confidence, money


def best_of(strategy: StrategyState) -> str:
    """Its best find, as in "BTC/USDT spot_momentum $312.50, confidence 0.71"; empty where it has none."""
    best = strategy.best
    if best is None:
        return ""
    profit = "" if best.profit_potential_usd is None else f" ${money(best.profit_potential_usd)}"
    name = f"{best.symbol} {best.opportunity_type}".strip()
    return f"{name}{profit}, confidence {confidence(best.confidence_score)}"


def explained(strategy: StrategyState, *, local: bool) -> str:
    """Why it found nothing; one that failed on the local stack has left a log that tells more."""
    if strategy.status != "failed" or not local:
        return strategy.reason
    return f"{strategy.reason or 'no reason given'}; its log: `opscan logs --strategy {strategy.strategy_id}`"
