"""Buy the cheap and short the dear one of two cointegrated coins, until their spread is back at its mean.

Idea: a pair whose log prices are cointegrated, ln y = a + b ln x + u, has a stationary spread u; far from 0 it comes
back (Engle and Granger, Co-Integration and Error Correction, 1987; opening at 2 standard deviations, closing at 0:
Gatev, Goetzmann and Rouwenhorst, Pairs Trading, 2006; Vidyamurthy, Pairs Trading, 2004).

Which pairs: all of the 40 coins that trade most, so at most 780, each tested in both orders (1,560 regressions of 720
hours, the bound of the work) by `cointegration.engle_granger`. The hours are those before the last day, 720 or what
there is, at least 476: a fit that sees the excursion takes part of it for the relation (with it the distance came out
4 % too small). A pair's p-value is the larger of its two orders, and
all pairs tried are corrected for together (Benjamini and Hochberg): among random walks 190 pairs pass 22 times at
0.05. A pair qualifies with a false discovery rate of at most 0.05, b > 0 in both orders, and a half-life of 1 to 36
hours (at least 20 half-lives seen). No pair: coins that are all but one coin (R² of 1, or a spread with a deviation
under 0.1 %: wrapped coins), coins that are pegged to the dollar (log price with a deviation under 0.5 %).

Trade: if the spread (at the middle of the quotes; the order of the smaller p-value) is 2 to 3.5 deviations from 0, buy
the cheap coin on spot, short the dear one by its perpetual, b USD of x for each USD of y. Out at 0; stopped at 4.5
deviations, or after 3 half-lives. Beyond 3.5 the relation is more likely broken than stretched. Costs: fees, spread
and slippage of four orders, and the funding of the short until the time stop, if it pays (not credited if it
receives). The chance of reaching 0 before the stop is that of an Ornstein-Uhlenbeck process
(`reversion.mean_first`); the expected value must be positive. Margin of the short: at least a third.

Inputs: 500 closed, fresh candles of 1 h, better 744; spot quotes and volume; a linear perpetual of the dear coin with
quotes and funding.
Confidence: `inference.confidence` of the adjusted p-value. `symbol` is the coin bought.
Refuses: no spot market, no linear perpetuals (nothing can be shorted), fewer than two coins with enough candles.
Cross-sectional in its correction only: with more coins, more pairs are tried, and each needs a smaller p-value.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from opportunities.domain import AssetTier, Evidence, Investor, Json, Proposal, Proposals, Purpose
from opportunities.errors import Unsuitable
from opportunities.market.snapshot import MarketSnapshot
from opportunities.maths import inference, reversion
from opportunities.maths.arrays import Floats
from opportunities.maths.cointegration import engle_granger
from opportunities.trading import instruments
from opportunities.trading.formation import formation_of
from opportunities.trading.spread import Coin, Plan, SpreadLeg, SpreadTrade, price_trade

TITLE = "Pairs trading"
OPPORTUNITY_TYPES = ("pairs_trading",)
NEEDS = ("spot candles of two coins: 500 closed bars of 1h", "a linear perpetual of the coin to short")

_COINS = 40
_FALSE_DISCOVERIES = 0.05
_WRAPPED = 0.001
_HALF_LIFE_HOURS = (1.0, 36.0)
_OPEN, _TOO_FAR, _STOP = 2.0, 3.5, 4.5
_TIME_STOP_HALF_LIVES = 3.0


@dataclass(frozen=True, eq=False)
class _Pair:
    """A pair that is cointegrated: ln y = intercept + beta ln x + spread, in its better order."""

    y: Coin
    x: Coin
    intercept: float
    beta: float
    deviation: float
    half_life: float
    statistic: float
    lags: int
    p_value: float
    adjusted: float
    tried: int
    hours: int

    @property
    def z(self) -> float:
        """The spread at the middle of the quotes, in standard deviations."""
        spread = np.log(self.y.spot.middle) - self.intercept - self.beta * np.log(self.x.spot.middle)
        return float(spread) / self.deviation


def find(market: MarketSnapshot, investor: Investor) -> Proposals:
    """Cointegrated pairs stretched far enough to pay all costs."""
    instruments.spot_of(market)
    instruments.linear_perpetuals_of(market)
    formation = formation_of(market, investor, _COINS)
    chosen = formation.coins
    if len(chosen) < 2:
        raise Unsuitable(
            f"fewer than two coins in USD have quotes, volume and {formation.bars} closed candles of 1h"
            " of a price that moves"
        )
    pairs = _cointegrated(chosen, formation.log_price[:, : formation.hours])
    found = [proposal for pair in pairs if (proposal := _proposal(market, investor, pair)) is not None]
    return Proposals(tuple(found), examined=len(chosen) * (len(chosen) - 1) // 2)


def _cointegrated(chosen: list[Coin], log_price: Floats) -> list[_Pair]:
    """The pairs that pass, of all pairs of coins; `log_price` has shape (coins, bars)."""
    both = np.array(list(combinations(range(len(chosen)), 2)))
    tests = [engle_granger(log_price[y], log_price[x][:, None]) for y, x in (both.T, both.T[::-1])]
    p_value = np.maximum(tests[0].p_value, tests[1].p_value)
    adjusted = inference.false_discovery(p_value)
    pairs = []
    for i in np.flatnonzero(adjusted <= _FALSE_DISCOVERIES).tolist():
        order = int(tests[1].p_value[i] < tests[0].p_value[i])
        test, (y, x) = tests[order], both[i][:: -1 if order else 1].tolist()
        deviation, half_life = float(np.std(test.residual[i])), reversion.half_life(test.residual[i])
        positive = all(each.beta[i, 0] > 0 for each in tests)
        least, most = _HALF_LIFE_HOURS
        if positive and least <= half_life <= most and deviation >= _WRAPPED:
            pairs.append(
                _Pair(
                    y=chosen[y],
                    x=chosen[x],
                    intercept=float(test.intercept[i]),
                    beta=float(test.beta[i, 0]),
                    deviation=deviation,
                    half_life=half_life,
                    statistic=float(test.statistic[i]),
                    lags=int(test.lags[i]),
                    p_value=float(p_value[i]),
                    adjusted=float(adjusted[i]),
                    tried=len(both),
                    hours=log_price.shape[1],
                )
            )
    return pairs


def _proposal(market: MarketSnapshot, investor: Investor, pair: _Pair) -> Proposal | None:
    """The trade; None where the spread is not stretched, the dear coin has no perpetual, or costs eat the gain."""
    z = pair.z
    if not _OPEN < abs(z) < _TOO_FAR:
        return None
    bought, shorted = (pair.y, pair.x) if z < 0 else (pair.x, pair.y)
    if shorted.perpetual is None:
        return None
    y_place, x_place = (pair.y.spot, shorted.perpetual) if z < 0 else (shorted.perpetual, pair.x.spot)
    side = 1.0 if z < 0 else -1.0
    plan = Plan(pair.deviation, abs(z), leave=0.0, stop=_STOP, hours=_TIME_STOP_HALF_LIVES * pair.half_life)
    trade = price_trade(investor, [SpreadLeg(y_place, side), SpreadLeg(x_place, -side * pair.beta)], plan)
    if trade is None:
        return None
    entry = next(order for order in trade.orders if order.leg.weight > 0)
    return Proposal(
        opportunity_type=OPPORTUNITY_TYPES[0],
        symbol=bought.spot.symbol,
        exchange=bought.spot.exchange,
        purpose=Purpose.PROFIT,
        benefit_usd=trade.profit_usd,
        evidence=Evidence(
            f"Engle-Granger p, both orders, of {pair.tried} pairs", pair.adjusted, pair.hours, pair.adjusted
        ),
        max_loss_usd=trade.loss_usd,
        required_capital_usd=trade.required_usd,
        horizon_hours=plan.hours,
        entry_price=entry.entered.price,
        exit_price=None,
        asset_tier=AssetTier.of(min(each.spot.liquidity.volume_24h_usd for each in (pair.y, pair.x))),
        legs=trade.legs(),
        stop={"z": plan.stop, "hours": plan.hours},
        metadata=_metadata(market, pair, trade),
    )


def _metadata(market: MarketSnapshot, pair: _Pair, trade: SpreadTrade) -> dict[str, Json]:
    return {
        "pair": {
            "y": pair.y.spot.symbol,
            "x": pair.x.spot.symbol,
            "intercept": pair.intercept,
            "beta": pair.beta,
            "statistic": pair.statistic,
            "lags": pair.lags,
            "p": pair.p_value,
            "deviation": pair.deviation,
            "half_life_hours": pair.half_life,
            "z": pair.z,
        },
        "size": trade.orders[0].entered.quantity,
        "notional_usd": trade.notional_usd,
        "loss_at_stop_usd": trade.loss_usd,
        "fees_usd": trade.fees_usd,
        "slippage_usd": trade.slippage_usd,
        "costs_usd": trade.costs_usd,
        "funding_usd": trade.funding_usd,
        "expected_value_usd": trade.expected_usd,
        "probability": {"mean_first": trade.chance},
        "quotes": instruments.quotes(market, *(order.leg.instrument.liquidity for order in trade.orders)),
    }
