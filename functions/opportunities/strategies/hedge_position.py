"""Short a perpetual against a coin held, in the ratio that leaves the least variance.

Idea: of all hedges with one future, h = ρ σ(coin) / σ(future), the least-squares slope of the coin's returns on the
future's, leaves the least variance, and the share of variance that goes is R² (Ederington, The Hedging Performance of
the New Futures Markets, Journal of Finance, 1979). Returns are those of the last 720 hours, or of as many as there
are, at least 480. Candidates are the ten most traded perpetuals and the coin's own; the one with the largest R² in the
first half of the hours is taken, if the slope is positive. A perpetual without candles of its own is taken to move as
its coin does on spot, and metadata says so.

Trade: sell h USD of the perpetual per USD of the coin, in whole lots; keep it 7 days. `risk_reduction_usd` is
the loss avoided: the fall of the expected shortfall of one day at 95 %, 2.063 x value x fall of the
volatility of a day (`risk.normal_expected_shortfall`: fat tails are left out), less the costs: fees, spread and
slippage of entering and leaving, and 7 days of funding where the short is expected to pay it (it is not credited).
The required capital is the margin, at least a third. The short alone has no bound to its loss: the coin that it hedges
is no order of it, so its risk is very high.

Confidence: `inference.confidence` of the p-value of "the hedge lowers the variance by no more than its costs are worth"
on the second half of the hours, with the slope of the first half (Newey-West t of the squared returns saved). Above
0.01 there is no proposal: the best of eleven was chosen.

Inputs: a coin held, with quotes, volume and 481 closed, fresh candles of 1 h; linear perpetuals with quotes and
funding. Holdings are hedged one by one, each as if it were the only one. Refuses: no holdings, only cash, no spot
market, no linear perpetuals, no holding with enough candles or none to hedge it with.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from opportunities.domain import AssetTier, Evidence, Investor, Json, Proposal, Proposals, Purpose
from opportunities.errors import Unsuitable
from opportunities.market.snapshot import Candles, MarketSnapshot
from opportunities.maths import inference, risk
from opportunities.maths.arrays import Floats
from opportunities.trading import instruments, lots
from opportunities.trading.portfolio import Position, positions_of
from opportunities.trading.spread import Coin, Instrument, coins

TITLE = "Hedge position"
OPPORTUNITY_TYPES = ("hedge_position",)
NEEDS = ("holdings", "spot candles of a holding: 481 closed bars of 1h", "linear perpetuals with quotes and funding")

_SHORTEST, _LONGEST = 480, 720
_LIQUID = 10
_DAYS = 7
_SIGNIFICANCE = 0.01


@dataclass(frozen=True, eq=False)
class _Hedge:
    """A perpetual and its hourly returns (bars,); `own` is whether they are the perpetual's or its coin's on spot."""

    base: str
    place: Instrument
    returns: Floats
    own: bool


def find(market: MarketSnapshot, investor: Investor) -> Proposals:
    """Hedges that avoid more loss than they cost."""
    owned = positions_of(market, investor)
    instruments.linear_perpetuals_of(market)
    candles = instruments.spot_of(market).candles.get("1h")
    if candles is None or not instruments.fresh(candles, market.captured_at):
        raise Unsuitable("no fresh 1h candles of the spot market")
    hours = max(_SHORTEST, min(_LONGEST, len(candles.open_time) - 1))
    traded = coins(market, investor, candles, hours + 1)
    hedges = list(_hedges(market, candles, traded, hours))
    found: list[Proposal] = []
    judged = 0
    for position in owned:
        returns = _returns(candles, position.row, hours)
        possible = [hedge for i, hedge in enumerate(hedges) if i < _LIQUID or hedge.base == position.asset]
        if returns is None or not possible:
            continue
        judged += 1
        best = max(possible, key=lambda hedge: (_fit(*_halves(returns, hedge.returns)[0])[1], hedge.base))
        proposal = _proposal(market, position, returns, best)
        if proposal is not None:
            found.append(proposal)
    if not judged:
        raise Unsuitable(f"no holding has {hours + 1} closed candles of 1h and a perpetual to hedge it with")
    return Proposals(tuple(found), examined=judged)


def _hedges(market: MarketSnapshot, candles: Candles, traded: list[Coin], hours: int) -> Iterator[_Hedge]:
    """The perpetuals with enough past, those of the most traded coins first."""
    contracts = instruments.perpetuals_of(market)
    recorded = contracts.candles.get("1h")
    if recorded is not None and not np.array_equal(recorded.open_time[-hours - 1 :], candles.open_time[-hours - 1 :]):
        recorded = None
    for coin in traded:
        if coin.perpetual is None:
            continue
        own = _returns(recorded, coin.perpetual.row, hours) if recorded is not None else None
        returns = _returns(candles, coin.history, hours) if own is None else own
        if returns is not None:
            yield _Hedge(coin.base, coin.perpetual, returns, own is not None)


def _returns(candles: Candles, row: int, hours: int) -> Floats | None:
    """The last hourly returns of a row, shape (hours,); None where there are too few, or the price doesn't move."""
    close = candles.close[row, -hours - 1 :] if row < len(candles.close) else candles.close[:0, 0]
    returns: Floats = np.diff(close) / close[:-1]
    return returns if len(returns) == hours and np.isfinite(returns).all() and returns.any() else None


def _halves(coin: Floats, future: Floats) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """The first half of both series, which hedges are chosen by, and the second, which they are judged by."""
    half = len(coin) // 2
    return (coin[:half], future[:half]), (coin[half:], future[half:])


def _fit(coin: Floats, future: Floats) -> tuple[float, float]:
    """The slope of one on the other, and the share of variance that it explains, 0 unless the slope is positive."""
    together, alone = np.cov(coin, future)[0, 1], np.var(future, ddof=1)
    if not alone > 0 or not together > 0:
        return 0.0, 0.0
    return float(together / alone), float(together**2 / alone / np.var(coin, ddof=1))


def _proposal(market: MarketSnapshot, position: Position, returns: Floats, hedge: _Hedge) -> Proposal | None:
    """The hedge; None where it is too small for an order, or avoids no more than it costs."""
    ratio, _ = _fit(returns, hedge.returns)
    place, value = hedge.place, position.value_usd
    quantity = lots.orderable(place.rules, place.row, ratio * value / place.middle, place.liquidity.bid)
    if not quantity:
        return None
    sold, bought_back = place.liquidity.sell(quantity), place.liquidity.buy(quantity)
    fees = sold.fee_usd + bought_back.fee_usd
    funding = max(0.0, -place.funding_per_hour * 24 * _DAYS * sold.notional_usd)
    costs = bought_back.notional_usd - sold.notional_usd + fees + funding
    achieved = quantity * place.middle / value
    before, after = (_volatility_of_day(returns - part * hedge.returns) for part in (0.0, achieved))
    shortfall = [value * risk.normal_expected_shortfall(each) for each in (before, after)]
    saved = shortfall[0] - shortfall[1] - costs
    estimate = _out_of_sample(returns, hedge.returns)
    if saved <= 0 or estimate.standard_error == 0:
        return None
    worth = before**2 - max(before - costs / shortfall[0] * before, 0.0) ** 2
    p = inference.p_value(estimate.z(worth))
    if p > _SIGNIFICANCE:
        return None
    required = sold.notional_usd * place.capital_rate(24 * _DAYS)
    metadata: dict[str, Json] = {
        "holding": {"asset": position.asset, "quantity": position.quantity, "value_usd": value},
        "hedge_ratio": ratio,
        "effectiveness_r2": 1 - (after / before) ** 2,
        "series": "perpetual" if hedge.own else "the perpetual's coin on spot",
        "volatility_day": {"before": before, "after": after},
        "cvar_usd": {"before": shortfall[0], "after": shortfall[1]},
        "size": quantity,
        "notional_usd": sold.notional_usd,
        "expected_value_usd": saved,
        "costs_usd": costs,
        "fees_usd": fees,
        "slippage_usd": sold.slippage_usd + bought_back.slippage_usd,
        "funding_usd": funding,
        "days": _DAYS,
        "quotes": instruments.quotes(market, place.liquidity),
    }
    return Proposal(
        opportunity_type=OPPORTUNITY_TYPES[0],
        symbol=place.symbol,
        exchange=place.exchange,
        purpose=Purpose.RISK_REDUCTION,
        benefit_usd=saved,
        evidence=Evidence("t of variance saved above cost, held out", estimate.z(worth), estimate.n, p),
        max_loss_usd=None,
        required_capital_usd=required,
        horizon_hours=24.0 * _DAYS,
        entry_price=sold.price,
        exit_price=bought_back.price,
        asset_tier=AssetTier.of(position.liquidity.volume_24h_usd),
        legs=(instruments.leg("sell", place.symbol, place.exchange, sold),),
        stop=None,
        metadata=metadata,
    )


def _volatility_of_day(hourly: Floats) -> float:
    """The volatility of a day, from hourly returns."""
    return float(np.std(hourly, ddof=1)) * 24**0.5


def _out_of_sample(coin: Floats, future: Floats) -> inference.Estimate:
    """By how much the hedge of the first half lowers the variance of a day in the second; exactly 0 without a hedge."""
    fitted, (alone, sold) = _halves(coin, future)
    slope, _ = _fit(*fitted)
    hedged = alone - slope * sold
    saved = 24 * ((alone - alone.mean()) ** 2 - (hedged - hedged.mean()) ** 2)
    return inference.mean(saved, inference.lags_for(len(saved)))
