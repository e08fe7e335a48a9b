"""Trade a coin that strayed from the market's common factors against a basket that has the same factors.

Idea: what moves a coin beside the factors that all coins share is often temporary (Avellaneda and Lee, Statistical
Arbitrage in the US Equities Market, 2010). The factors are the eigenportfolios of the log returns of the 720 hours (or
what there is, at least 476) before the last day, of the 100 coins that trade most: the fewest that explain 55 % (the
paper's best), at most 5 (`factors.principal`). The log price of a coin is regressed on the factors' cumulated returns;
the residual X is an Ornstein-Uhlenbeck process with deviation σ_eq, and the s-score is X / σ_eq (equation 14). The
paper regresses returns and cumulates the residuals: levels are the same relation, better estimated where X does revert,
and with a test whose distribution is known where it doesn't: Engle and Granger's (`cointegration.engle_granger`), on
all factors. Untested, many a random walk has an s-score to trade.

Which coins: a false discovery rate of at most 0.05 over all coins tested (Benjamini and Hochberg), a half-life of 0.5
to 36 hours, and |s| of 1.25 to 3.5 at the middle of the quotes. What passes the test is estimated anew, by
`relation.fewest`, on no more factors than it needs and on the hours until 5 half-lives (at most a day) before now: a
fit that sees the excursion takes part of it for the relation, and one that ends early has to be carried on. A factor
that holds the coin itself moves with it: X, per USD of the coin against others, is the residual over 1 - Σ loading x
own weight.

Trade: buy the coin on spot if s < 0, short its perpetual if s > 0; against it the perpetuals of the up to
5 other coins that trade most, by least squares of the coin's factor part on their returns (none of less than 5 % of the
coin's leg). They must follow that part with R² of at least 0.8; what they don't follow, two deviations of it until the
time stop, is counted as loss. Closed at |s| = 0.5 (bought) or 0.75 (shorted), as in the paper; stopped at 4.5, or after
3 half-lives. Costs are those of all legs, in and out: fees, spread, slippage, and the funding until the time stop if
they pay it in all. The expected value, with the chance of an Ornstein-Uhlenbeck process to close before the stop, must
be positive.

Inputs: 500 closed, fresh candles of 1 h of at least 10 coins, better 744; quotes and volumes; linear perpetuals with
quotes and funding.
Confidence: `inference.confidence` of the adjusted p-value. `symbol` is the coin (its perpetual, if it is shorted).
Refuses: no spot market, no linear perpetuals (nothing to hedge with), fewer than 10 coins with enough candles.
Cross-sectional by definition: every coin is judged against factors made of all.
"""

from dataclasses import dataclass

import numpy as np

from opportunities.domain import AssetTier, Evidence, Investor, Json, Proposal, Proposals, Purpose
from opportunities.errors import Unsuitable
from opportunities.market.snapshot import MarketSnapshot
from opportunities.trading import instruments
from opportunities.trading.formation import formation_of
from opportunities.trading.residuals import Residual, Universe, residuals, universe_of
from opportunities.trading.spread import Plan, SpreadLeg, SpreadTrade, price_trade

TITLE = "Statistical arbitrage"
OPPORTUNITY_TYPES = ("statistical_arbitrage",)
NEEDS = ("spot candles of 10 coins: 500 closed bars of 1h", "linear perpetuals to hedge with")

_MOST_COINS, _LEAST_COINS = 100, 10
_STOP = 4.5
_CLOSE_BOUGHT, _CLOSE_SHORTED = 0.5, 0.75
_TIME_STOP_HALF_LIVES = 3.0
_HEDGES, _LEAST_LEG, _LEAST_FIT, _SLIPS = 5, 0.05, 0.8, 2.0


@dataclass(frozen=True, eq=False)
class _Basket:
    """What hedges one USD of a coin: legs (USD, positive bought), and how well they follow its factor part."""

    legs: tuple[SpreadLeg, ...]
    r2: float
    slip_per_hour: float


def find(market: MarketSnapshot, investor: Investor) -> Proposals:
    """Coins far enough from their factors to pay all legs' costs."""
    instruments.spot_of(market)
    instruments.linear_perpetuals_of(market)
    formation = formation_of(market, investor, _MOST_COINS)
    if len(formation.coins) < _LEAST_COINS:
        raise Unsuitable(
            f"fewer than {_LEAST_COINS} coins in USD have quotes, volume and {formation.bars} closed candles of 1h"
            " of a price that moves: too few to tell common factors"
        )
    universe = universe_of(formation)
    opportunities = (_proposal(market, investor, universe, residual) for residual in residuals(universe))
    found = [each for each in opportunities if each is not None]
    return Proposals(tuple(found), examined=len(universe.coins))


def _basket(universe: Universe, residual: Residual) -> _Basket | None:
    """Perpetuals that follow the coin's factor part; None where they follow it badly."""
    weights = residual.loadings @ universe.factors.weights
    returns = np.diff(universe.log_price[:, :-1], axis=1)
    part = weights @ returns
    places = {
        i: coin.perpetual for i, coin in enumerate(universe.coins) if i != residual.index and coin.perpetual is not None
    }
    rows = list(places)[:_HEDGES]
    amounts = np.linalg.lstsq(returns[rows].T, part)[0]
    rows = [row for row, amount in zip(rows, amounts, strict=True) if abs(amount) >= _LEAST_LEG]
    amounts = np.linalg.lstsq(returns[rows].T, part)[0]
    missed = part - amounts @ returns[rows]
    r2 = 1 - float(missed.var() / part.var())
    if r2 < _LEAST_FIT:
        return None
    side = 1.0 if residual.s < 0 else -1.0
    legs = tuple(SpreadLeg(places[row], -side * float(amount)) for row, amount in zip(rows, amounts, strict=True))
    return _Basket(legs, r2, float(missed.std()))


def _proposal(market: MarketSnapshot, investor: Investor, universe: Universe, residual: Residual) -> Proposal | None:
    """The trade; None where it can't be shorted or hedged, or costs eat the gain."""
    coin = universe.coins[residual.index]
    place = coin.spot if residual.s < 0 else coin.perpetual
    basket = _basket(universe, residual)
    if place is None or basket is None:
        return None
    hours = _TIME_STOP_HALF_LIVES * residual.half_life
    plan = Plan(
        deviation=residual.deviation,
        distance=abs(residual.s),
        leave=_CLOSE_BOUGHT if residual.s < 0 else _CLOSE_SHORTED,
        stop=_STOP,
        hours=hours,
        slip=_SLIPS * basket.slip_per_hour * float(np.sqrt(hours)),
    )
    trade = price_trade(investor, [SpreadLeg(place, 1.0 if residual.s < 0 else -1.0), *basket.legs], plan)
    if trade is None:
        return None
    return Proposal(
        opportunity_type=OPPORTUNITY_TYPES[0],
        symbol=place.symbol,
        exchange=place.exchange,
        purpose=Purpose.PROFIT,
        benefit_usd=trade.profit_usd,
        evidence=Evidence("Engle-Granger p on factors", residual.adjusted, residual.hours, residual.adjusted),
        max_loss_usd=trade.loss_usd,
        required_capital_usd=trade.required_usd,
        horizon_hours=hours,
        entry_price=trade.orders[0].entered.price,
        exit_price=None,
        asset_tier=AssetTier.of(coin.spot.liquidity.volume_24h_usd),
        legs=trade.legs(),
        stop={"s": plan.stop, "hours": plan.hours},
        metadata=_metadata(market, residual, basket, trade, plan),
    )


def _metadata(
    market: MarketSnapshot, residual: Residual, basket: _Basket, trade: SpreadTrade, plan: Plan
) -> dict[str, Json]:
    return {
        "residual": {
            "s": residual.s,
            "statistic": residual.statistic,
            "p": residual.p_value,
            "deviation": residual.deviation,
            "half_life_hours": residual.half_life,
        },
        "factors": {"count": residual.factors, "hedge_r2": basket.r2},
        "size": trade.orders[0].entered.quantity,
        "notional_usd": trade.notional_usd,
        "close": {"s": plan.leave},
        "loss_at_stop_usd": trade.loss_usd,
        "fees_usd": trade.fees_usd,
        "slippage_usd": trade.slippage_usd,
        "costs_usd": trade.costs_usd,
        "funding_usd": trade.funding_usd,
        "expected_value_usd": trade.expected_usd,
        "probability": {"close_first": trade.chance},
        "quotes": instruments.quotes(market, *(order.leg.instrument.liquidity for order in trade.orders)),
    }
