"""Implied against realised volatility: the straddle at the money of each expiry, hedged daily until it expires."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, log, pi, sqrt
from typing import Literal

import numpy as np

from opportunities.domain import AssetTier, Evidence, Investor, Json, Leg, Proposal, Purpose
from opportunities.market.snapshot import MarketSnapshot
from opportunities.maths import black76, indicators, inference, sizing
from opportunities.maths.arrays import Floats
from opportunities.trading import instruments, option_chains
from opportunities.trading.margin import LEAST_MARGIN, SHORT_OPTION_MARGIN
from opportunities.trading.option_chains import Expiry

_SIGNIFICANCE = 0.001
_LEAST_BARS, _MOST_BARS, _LAGS = 336, 2160, 48
_LEAST_DAYS, _MOST_DAYS = 7, 60
_WORSE_BY, _JUMP = 3.0, 5.0
_HOUR = 3600


@dataclass(frozen=True)
class _Straddle:
    """One call and one put of a strike, sold at the bid or bought at the ask; `premium` per unit of base, in USD.

    `realised` is the annual variance, `error` the standard error of its logarithm as a forecast.
    """

    expiry: Expiry
    strike: int
    sold: bool
    premium: float
    implied: float
    realised: inference.Estimate
    error: float

    @property
    def z(self) -> float:
        """By how many standard errors the log of the quote's variance lies on the profitable side of the realised."""
        return log(self.implied**2 / self.realised.value) / self.error * (1 if self.sold else -1)

    @property
    def legs(self) -> tuple[tuple[bool, float], ...]:
        """Call or put, and its premium per unit in the premium's currency."""
        chain = self.expiry.chain
        call, put = (chain.call_bid, chain.put_bid) if self.sold else (chain.call_ask, chain.put_ask)
        return (True, float(call[self.strike])), (False, float(put[self.strike]))

    def worth(self, variance: float) -> float:
        """The straddle's Black-76 price in USD per unit at an annual variance."""
        expiry, strike = self.expiry, float(self.expiry.chain.strike[self.strike])
        both = black76.price(expiry.forward, strike, sqrt(variance), expiry.years, np.array([True, False]))
        return float(both.sum())


def proposals(market: MarketSnapshot, investor: Investor, expiries: list[Expiry]) -> Iterator[Proposal]:
    """The most profitable straddle of each base whose variance is significantly mispriced at its quotes."""
    returns = {base: _returns(market, base) for base in sorted({expiry.base for expiry in expiries})}
    for base, sample in returns.items():
        straddles = [
            straddle
            for expiry in expiries
            if expiry.base == base and sample is not None and _LEAST_DAYS <= expiry.seconds / 86_400 <= _MOST_DAYS
            for straddle in _straddles(expiry, sample)
            if inference.p_value(straddle.z) <= _SIGNIFICANCE
        ]
        found = [each for s in straddles if (each := _proposal(market, investor, s)) is not None]
        if found:
            yield min(found, key=lambda each: (-each.benefit_usd, each.symbol, each.exchange))


def _returns(market: MarketSnapshot, base: str) -> Floats | None:
    """Hourly log returns of the base in USD, of its listing with the largest volume, spot before perpetuals."""
    for section in (market.spot, market.perpetuals):
        if section is None or (candles := section.candles.get("1h")) is None:
            continue
        if not instruments.fresh(candles, market.captured_at):
            continue
        bars = indicators.bars(candles.close)
        rows = [
            row
            for row in range(len(candles.close))
            if instruments.base_in_usd(section.symbols[row]) == base and bars[row] > _LEAST_BARS
        ]
        if rows:
            volume = np.nan_to_num(section.volume_24h_usd)
            row = min(rows, key=lambda row: (-float(volume[row]), section.exchanges[row], section.symbols[row]))
            close = candles.close[row][np.isfinite(candles.close[row])][-_MOST_BARS - 1 :]
            returns: Floats = np.diff(np.log(close))
            return returns if np.ptp(returns) > 0 else None
    return None


def _straddles(expiry: Expiry, returns: Floats) -> Iterator[_Straddle]:
    """The straddle nearest to the forward that is quoted: sold and bought."""
    bars_a_year = black76.YEAR / _HOUR
    hourly = inference.mean(returns**2, _LAGS)
    realised = inference.Estimate(hourly.value * bars_a_year, hourly.standard_error * bars_a_year, hourly.n)
    error = realised.standard_error / realised.value * sqrt(1 + realised.n / (expiry.seconds / _HOUR))
    chain, unit = expiry.chain, expiry.forward if expiry.chain.inverse else 1.0
    for sold, both in ((True, chain.call_bid + chain.put_bid), (False, chain.call_ask + chain.put_ask)):
        quoted = np.flatnonzero(np.isfinite(both))
        if not len(quoted):
            continue
        strike = int(quoted[np.argmin(np.abs(chain.strike[quoted] - expiry.forward))])
        premium, away = float(both[strike]) * unit, expiry.forward - float(chain.strike[strike])
        implied = black76.implied_volatility(
            (premium + away) / 2, expiry.forward, chain.strike[strike], expiry.years, call=True
        )
        if np.isfinite(implied):
            yield _Straddle(expiry, strike, sold, premium, float(implied), realised, error)


def _proposal(market: MarketSnapshot, investor: Investor, straddle: _Straddle) -> Proposal | None:
    """The trade; None where the edge doesn't pay its costs, or no lot is within the investor's limits."""
    options, expiry, sign = option_chains.options_of(market), straddle.expiry, 1 if straddle.sold else -1
    forward, realised = expiry.forward, straddle.realised
    in_usd = forward if expiry.chain.inverse else 1.0
    fees = sum(expiry.fee(premium, forward / in_usd) for _, premium in straddle.legs) * in_usd
    days = np.arange(1, int(expiry.seconds / 86_400) + 1)
    hedge_rate = expiry.future.fee + (expiry.future.ask / expiry.future.bid - 1) / 2
    hedging = 2 / pi * float((1 / np.sqrt(days)).sum()) * forward * hedge_rate
    edge = sign * (straddle.premium - straddle.worth(realised.value)) - fees - hedging
    worse = straddle.worth(realised.value * exp(sign * _WORSE_BY * straddle.error))
    jump = _JUMP * sqrt(realised.value / 365) * forward - straddle.premium
    most = straddle.premium if not straddle.sold else np.inf
    loss = min(max(sign * (worse - straddle.premium), jump if straddle.sold else 0.0, 0.0), most) + fees + hedging
    margin = 2 * SHORT_OPTION_MARGIN * forward if straddle.sold else straddle.premium
    capital_rate = (margin + fees + LEAST_MARGIN * forward / 2) / forward
    rows = tuple(int(expiry.rows[call][straddle.strike]) for call, _ in straddle.legs)
    units = min(option_chains.available(market, row, bought=not straddle.sold) for row in rows)
    units = sizing.notional_usd(investor, loss / forward, capital_rate, units * forward) / forward
    units = option_chains.in_lots(market, units, [(row, 1.0) for row in rows], expiry)
    if edge <= 0 or not units:
        return None
    profit = units * edge
    side: Literal["buy", "sell"] = "sell" if straddle.sold else "buy"
    strike = float(expiry.chain.strike[straddle.strike])
    deltas = black76.delta(forward, strike, sqrt(realised.value), expiry.years, np.array([True, False]))
    metadata: dict[str, Json] = {
        "size": units,
        "notional_usd": units * forward,
        "expected_value_usd": profit,
        "fees_usd": units * fees,
        "hedging_usd": units * hedging,
        "slippage_usd": 0.0,
        "planned_loss_usd": units * loss,
        "implied_volatility": straddle.implied,
        "realised_volatility": sqrt(realised.value),
        "log_variance_standard_error": straddle.error,
        "days": expiry.seconds / 86_400,
        "forward": forward,
        "hedge_units": sign * units * float(deltas.sum()),
    }
    return Proposal(
        opportunity_type=f"{side}_volatility",
        symbol=expiry.name,
        exchange=expiry.exchange,
        purpose=Purpose.PROFIT,
        benefit_usd=profit,
        evidence=Evidence(
            "z of log implied over realised variance", straddle.z, realised.n, inference.p_value(straddle.z)
        ),
        # The daily hedge is no leg: what is sold has no bound, and what is bought can expire worthless.
        max_loss_usd=None if straddle.sold else units * (straddle.premium + fees + hedging),
        required_capital_usd=units * capital_rate * forward,
        horizon_hours=expiry.seconds / 3600,
        entry_price=straddle.premium / in_usd,
        exit_price=straddle.worth(realised.value) / in_usd,
        asset_tier=AssetTier.of(float(np.nansum(options.volume_24h_usd[list(rows)]))),
        legs=tuple(
            Leg(side, options.symbols[row], expiry.exchange, units, premium)
            for row, (_, premium) in zip(rows, straddle.legs, strict=True)
        ),
        stop=None,
        metadata=metadata,
    )
