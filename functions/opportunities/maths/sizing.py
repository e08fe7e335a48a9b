"""How much to trade, and how risky that is: one set of rules for all strategies that seek a profit.

`trading.lots` then takes whole lots of it. Risk reductions are as large as the holdings whose risk they lower.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from opportunities.domain import Investor, RiskLevel, RiskTolerance

MINIMUM_NOTIONAL_USD = 10.0
"""Exchanges refuse orders of a few USD (Binance: 5 for most pairs); less than this is proposed nowhere."""


@dataclass(frozen=True)
class Limits:
    """What an investor of one risk tolerance bears.

    `risk_per_trade`: planned loss over capital; `capital_per_position`: required over available capital; `cvar`:
    expected shortfall of one day at 95 % over equity; `single_asset`: the largest holding over equity.
    """

    risk_per_trade: float
    capital_per_position: float
    cvar: float
    single_asset: float


LIMITS: Mapping[RiskTolerance, Limits] = {
    RiskTolerance.LOW: Limits(risk_per_trade=0.005, capital_per_position=0.1, cvar=0.015, single_asset=0.15),
    RiskTolerance.MEDIUM: Limits(risk_per_trade=0.01, capital_per_position=0.2, cvar=0.03, single_asset=0.25),
    RiskTolerance.HIGH: Limits(risk_per_trade=0.02, capital_per_position=0.3, cvar=0.06, single_asset=0.4),
}


def notional_usd(investor: Investor, loss_rate: float, capital_rate: float, capacity_usd: float) -> float:
    """The notional to trade: the least of what risk, capital and liquidity allow.

    `loss_rate` is the planned loss (before slippage, which depends on the answer) and `capital_rate` the required
    capital per USD of notional. Fixed fractional risk: notional = capital x risk per trade / loss rate (Tharp,
    Trade Your Way to Financial Freedom, 1998).
    """
    limits = LIMITS[investor.risk_tolerance]
    by_risk = investor.capital_usd * limits.risk_per_trade / loss_rate
    by_capital = investor.capital_usd * limits.capital_per_position / capital_rate
    return min(by_risk, by_capital, capacity_usd)


def risk_level(max_loss_usd: float | None, required_capital_usd: float) -> RiskLevel:
    """The worst loss over required capital: low to 2 %, medium to 5 %, high to 10 %; very high above, or unbounded."""
    if max_loss_usd is None:
        return RiskLevel.VERY_HIGH
    share = max_loss_usd / required_capital_usd
    if share <= 0.02:
        return RiskLevel.LOW
    if share <= 0.05:
        return RiskLevel.MEDIUM
    return RiskLevel.HIGH if share <= 0.1 else RiskLevel.VERY_HIGH
