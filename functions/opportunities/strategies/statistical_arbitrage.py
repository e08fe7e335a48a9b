"""Trade a coin that strayed from the market's common factors against a basket that has the same factors.

Idea: what moves a coin beside the factors that all coins share is often temporary (Avellaneda and Lee, Statistical
Arbitrage in the US Equities Market, 2010). The factors are the eigenportfolios of the log returns of 720 hours of the
100 coins that trade most: the fewest that explain 55 % (the paper's best), at most 5 (`factors.principal`). The log
price of a coin is regressed on the factors' cumulated returns; the residual X is an Ornstein-Uhlenbeck process with
deviation σ_eq, and the s-score is X / σ_eq (equation 14). The paper regresses returns and cumulates the residuals:
levels are the same relation, better estimated where X does revert, and with a test whose distribution is known where it
doesn't: Engle and Granger's (`cointegration.engle_granger`). Untested, many a random walk has an s-score to trade.

Which coins: a false discovery rate of at most 0.05 over all coins tested (Benjamini and Hochberg), a half-life of 0.5
to 36 hours, and |s| of 1.25 to 3.5 at the middle of the quotes. The fit ends a day before now (a fit that sees
the excursion takes part of it for the relation); the factors' returns go on until now. A factor that holds the coin
itself moves with it: X, per USD of the coin against others, is the residual over 1 - Σ loading x own weight.

Trade: buy the coin on spot if s < 0, short its perpetual if s > 0; against it the perpetuals of the up to
6 other coins that trade most, by least squares of the coin's factor part on their returns (none of less than 5 % of the
coin's leg). They must follow that part with R² of at least 0.8; what they don't follow, two deviations of it until the
time stop, is counted as loss. Closed at |s| = 0.5 (bought) or 0.75 (shorted), as in the paper; stopped at 4.5, or after
3 half-lives. Costs are those of all legs, in and out: fees, spread, slippage, and the funding until the time stop if
they pay it in all. The expected value, with the chance of an Ornstein-Uhlenbeck process to close before the stop, must
be positive.

Inputs: 744 closed, fresh candles of 1 h of at least 10 coins; quotes and volumes; linear perpetuals with quotes and
funding.
Confidence: `inference.confidence` of the adjusted p-value. `symbol` is the coin (its perpetual, if it is shorted).
Refuses: no spot market, no linear perpetuals (nothing to hedge with), fewer than 10 coins with enough candles.
Cross-sectional by definition: every coin is judged against factors made of all.
"""

from dataclasses import dataclass

import numpy as np

from opportunities.domain import AssetTier, Findings, Investor, Json, Opportunity
from opportunities.errors import Unsuitable
from opportunities.market.snapshot import Floats, MarketSnapshot
from opportunities.maths import inference, reversion, sizing
from opportunities.maths.cointegration import MOST_REGRESSORS, engle_granger
from opportunities.maths.factors import Factors, principal
from opportunities.strategies import _instruments as instruments
from opportunities.strategies._spread import Bet, Coin, Leg, Plan, bet, coins

TITLE = "Statistical arbitrage"
OPPORTUNITY_TYPES = ("statistical_arbitrage",)
NEEDS = ("spot candles of 10 coins: 744 closed bars of 1h", "linear perpetuals to hedge with")

_MOST_COINS, _LEAST_COINS = 100, 10
_FORMATION, _RECENT = 720, 24
_BARS = _FORMATION + _RECENT
_EXPLAINED = 0.55
_LEAST_OTHERS = 0.5
_FALSE_DISCOVERIES = 0.05
_PEGGED = 0.005
_HALF_LIFE_HOURS = (0.5, 36.0)
_OPEN, _TOO_FAR, _STOP = 1.25, 3.5, 4.5
_CLOSE_BOUGHT, _CLOSE_SHORTED = 0.5, 0.75
_TIME_STOP_HALF_LIVES = 3.0
_HEDGES, _LEAST_LEG, _LEAST_FIT, _SLIPS = 6, 0.05, 0.8, 2.0


@dataclass(frozen=True, eq=False)
class _Universe:
    """The coins, their log prices (coins, bars + 1), which end with the quotes, and the factors of the formation."""

    coins: list[Coin]
    log_price: Floats
    factors: Factors


@dataclass(frozen=True, eq=False)
class _Stray:
    """A coin whose residual reverts: `loadings` (factors,) on the factors, `s` the score now."""

    index: int
    loadings: Floats
    deviation: float
    half_life: float
    s: float
    statistic: float
    lags: int
    p_value: float
    adjusted: float


@dataclass(frozen=True, eq=False)
class _Basket:
    """What hedges one USD of a coin: legs (USD, positive bought), and how well they follow its factor part."""

    legs: tuple[Leg, ...]
    r2: float
    slip_per_hour: float


def find(market: MarketSnapshot, investor: Investor) -> Findings:
    """Coins far enough from their factors to pay all legs' costs, the most profitable first."""
    spot = instruments.spot_of(market)
    instruments.linear_perpetuals_of(market)
    candles = spot.candles.get("1h")
    if candles is None or not instruments.fresh(candles, market.captured_at):
        raise Unsuitable("no fresh 1h candles of the spot market")
    chosen: list[Coin] = []
    closes: list[Floats] = []
    for coin in coins(market, investor, candles, _BARS):
        log_price = np.log(candles.close[coin.history, -_BARS:])
        if len(chosen) < _MOST_COINS and float(np.std(log_price[:-_RECENT])) >= _PEGGED:
            chosen.append(coin)
            closes.append(log_price)
    if len(chosen) < _LEAST_COINS:
        raise Unsuitable(
            f"fewer than {_LEAST_COINS} coins in USD have quotes, volume and {_BARS} closed candles of 1h"
            " of a price that moves: too few to tell common factors"
        )
    log_price = np.column_stack([np.array(closes), np.log([coin.spot.middle for coin in chosen])])
    factors = principal(np.diff(log_price[:, :_FORMATION], axis=1), _EXPLAINED, MOST_REGRESSORS)
    universe = _Universe(chosen, log_price, factors)
    strays = _strays(universe)
    found = [each for stray in strays if (each := _opportunity(market, investor, universe, stray)) is not None]
    found.sort(key=lambda each: (-each.profit_potential_usd, each.symbol, each.exchange))
    return Findings(tuple(found), examined=len(chosen))


def _strays(universe: _Universe) -> list[_Stray]:
    """The coins whose residual reverts and is stretched."""
    log_price, factors = universe.log_price, universe.factors
    level = factors.weights @ (log_price - log_price[:, :1])
    fitted = level[:, :_FORMATION]
    test = engle_granger(log_price[:, :_FORMATION], np.broadcast_to(fitted, (len(log_price), *fitted.shape)))
    adjusted = inference.false_discovery(test.p_value)
    found = []
    for i in np.flatnonzero(adjusted <= _FALSE_DISCOVERIES).tolist():
        others = 1 - float(test.beta[i] @ factors.weights[:, i])
        deviation, half_life = float(np.std(test.residual[i])), reversion.half_life(test.residual[i])
        s = float(log_price[i, -1] - test.intercept[i] - test.beta[i] @ level[:, -1]) / deviation
        least, most = _HALF_LIFE_HOURS
        if least <= half_life <= most and _OPEN < abs(s) < _TOO_FAR and others > _LEAST_OTHERS:
            statistic, lags = float(test.statistic[i]), int(test.lags[i])
            p_value, adjusted_p = float(test.p_value[i]), float(adjusted[i])
            found.append(
                _Stray(i, test.beta[i], deviation / others, half_life, s, statistic, lags, p_value, adjusted_p)
            )
    return found


def _basket(universe: _Universe, stray: _Stray) -> _Basket | None:
    """Perpetuals that follow the coin's factor part; None where they follow it badly."""
    weights = stray.loadings @ universe.factors.weights
    returns = np.diff(universe.log_price[:, :-1], axis=1)
    part = weights @ returns
    places = {
        i: coin.perpetual for i, coin in enumerate(universe.coins) if i != stray.index and coin.perpetual is not None
    }
    rows = list(places)[:_HEDGES]
    amounts = np.linalg.lstsq(returns[rows].T, part)[0]
    rows = [row for row, amount in zip(rows, amounts, strict=True) if abs(amount) >= _LEAST_LEG]
    amounts = np.linalg.lstsq(returns[rows].T, part)[0]
    missed = part - amounts @ returns[rows]
    r2 = 1 - float(missed.var() / part.var())
    if r2 < _LEAST_FIT:
        return None
    side = 1.0 if stray.s < 0 else -1.0
    legs = tuple(Leg(places[row], -side * float(amount)) for row, amount in zip(rows, amounts, strict=True))
    return _Basket(legs, r2, float(missed.std()))


def _opportunity(market: MarketSnapshot, investor: Investor, universe: _Universe, stray: _Stray) -> Opportunity | None:
    """The trade; None where it can't be shorted or hedged, or costs eat the gain."""
    coin = universe.coins[stray.index]
    place = coin.spot if stray.s < 0 else coin.perpetual
    basket = _basket(universe, stray)
    if place is None or basket is None:
        return None
    hours = _TIME_STOP_HALF_LIVES * stray.half_life
    plan = Plan(
        deviation=stray.deviation,
        distance=abs(stray.s),
        leave=_CLOSE_BOUGHT if stray.s < 0 else _CLOSE_SHORTED,
        stop=_STOP,
        hours=hours,
        slip=_SLIPS * basket.slip_per_hour * float(np.sqrt(hours)),
    )
    trade = bet(investor, [Leg(place, 1.0 if stray.s < 0 else -1.0), *basket.legs], plan)
    if trade is None:
        return None
    return Opportunity(
        strategy_id=__name__.rpartition(".")[2],
        strategy_name=TITLE,
        opportunity_type=OPPORTUNITY_TYPES[0],
        symbol=place.symbol,
        exchange=place.exchange,
        profit_potential_usd=trade.profit_usd,
        confidence_score=inference.confidence(stray.adjusted),
        risk_level=sizing.risk_level(trade.loss_usd, trade.required_usd),
        required_capital_usd=trade.required_usd,
        estimated_timeframe=sizing.timeframe_for(hours * 3600),
        entry_price=trade.orders[0].entered.price,
        exit_price=None,
        asset_tier=AssetTier.of(coin.spot.liquidity.volume_24h_usd),
        metadata=instruments.shown(_metadata(market, stray, basket, trade, plan)),
        discovered_at=market.captured_at,
    )


def _metadata(market: MarketSnapshot, stray: _Stray, basket: _Basket, trade: Bet, plan: Plan) -> dict[str, Json]:
    return {
        "confidence": {"statistic": "Engle-Granger p on factors", "value": stray.adjusted, "n": _FORMATION},
        "residual": {
            "s": stray.s,
            "statistic": stray.statistic,
            "lags": stray.lags,
            "p": stray.p_value,
            "deviation": stray.deviation,
            "half_life_hours": stray.half_life,
        },
        "factors": {"count": len(stray.loadings), "hedge_r2": basket.r2},
        "size": trade.orders[0].entered.quantity,
        "notional_usd": trade.notional_usd,
        "stop": {"s": plan.stop, "hours": plan.hours},
        "close": {"s": plan.leave},
        "loss_at_stop_usd": trade.loss_usd,
        "fees_usd": trade.fees_usd,
        "slippage_usd": trade.slippage_usd,
        "costs_usd": trade.costs_usd,
        "funding_usd": trade.funding_usd,
        "expected_value_usd": trade.expected_usd,
        "probability": {"close_first": trade.chance},
        "quotes": instruments.quotes(market, *(order.leg.instrument.liquidity for order in trade.orders)),
        "legs": trade.legs(),
    }
