"""Trades of linear perpetuals in the direction of a significant trend, levered no further than their stops."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np

from opportunities.domain import AssetTier, Evidence, Investor, Json, Proposal, Purpose, RiskTolerance
from opportunities.market.snapshot import Candles, MarketSnapshot
from opportunities.maths import indicators, inference, sizing
from opportunities.maths.costs import Liquidity
from opportunities.trading import instruments, lots
from opportunities.trading.margin import LIQUIDATION_BUFFER, MAINTENANCE_MARGIN, liquidation_price

_TIMEFRAMES = ("4h", "1h")
_LOOKBACK = 168
_SIGNIFICANCE = 0.0025
_STOP_ATR, _REWARD_TO_RISK = 2.0, 2.0
_LIQUIDATION_OVER_STOP = 1.5
_LEVERAGE: Mapping[RiskTolerance, float] = {RiskTolerance.LOW: 2.0, RiskTolerance.MEDIUM: 3.0, RiskTolerance.HIGH: 5.0}
_LEAST_PAYMENTS = 90


@dataclass(frozen=True)
class _Trend:
    """A contract's series (row `history` of the candles) that rises (`side` 1) or falls (-1) significantly."""

    history: int
    side: int
    timeframe: str
    bar_seconds: int
    drift: inference.Estimate
    atr: float

    @property
    def z(self) -> float:
        return self.side * self.drift.z()


def proposals(market: MarketSnapshot, investor: Investor) -> tuple[list[Proposal], int]:
    """The trades, and how many contracts were looked at."""
    perpetuals = market.perpetuals
    if perpetuals is None:
        return [], 0
    found: list[Proposal] = []
    judged: set[str] = set()
    for timeframe in _TIMEFRAMES:
        candles = perpetuals.candles.get(timeframe)
        if candles is None or not instruments.fresh(candles, market.captured_at):
            continue
        rows = {symbol: row for symbol, row in _series(market, candles).items() if symbol not in judged}
        traded = {symbol: _listings(market, investor, candles, row) for symbol, row in rows.items()}
        judged |= {symbol for symbol, listings in traded.items() if listings}
        for trend in _trends(candles, timeframe, [rows[symbol] for symbol, listings in traded.items() if listings]):
            trades = (
                _proposal(market, investor, trend, listing) for listing in traded[perpetuals.symbols[trend.history]]
            )
            best = sorted((each for each in trades if each), key=lambda each: (-each.benefit_usd, each.exchange))
            found += best[:1]
    return found, len(judged)


def _series(market: MarketSnapshot, candles: Candles) -> dict[str, int]:
    """The row whose candles speak for each linear contract: of those with enough bars the largest by volume."""
    perpetuals = instruments.perpetuals_of(market)
    volume = np.nan_to_num(perpetuals.volume_24h_usd)
    enough = np.flatnonzero(indicators.bars(candles.close) >= indicators.MINIMUM_BARS).tolist()
    series: dict[str, int] = {}
    for row in sorted(enough, key=lambda row: (-float(volume[row]), perpetuals.exchanges[row])):
        if instruments.base_in_usd(perpetuals.symbols[row]) and not perpetuals.inverse[row]:
            series.setdefault(perpetuals.symbols[row], row)
    return series


def _listings(market: MarketSnapshot, investor: Investor, candles: Candles, row: int) -> list[tuple[int, Liquidity]]:
    """The listings of the contract that trade, with the volatility of its candles."""
    perpetuals = instruments.perpetuals_of(market)
    per_bar = float(indicators.volatility(candles.close[row : row + 1], _LOOKBACK)[0])
    volatility = per_bar * sqrt(86_400 / candles.seconds)
    last = float(candles.close[row, -1])
    listings = []
    for listing, symbol in enumerate(perpetuals.symbols):
        if symbol == perpetuals.symbols[row]:
            liquidity = instruments.perpetual_liquidity(market, investor, listing, volatility)
            near = instruments.same_coin(liquidity.bid, last, max(instruments.SAME_COIN_WITHIN, 5 * volatility))
            if liquidity.tradable and near and np.isfinite(perpetuals.funding_rate[listing]):
                listings.append((listing, liquidity))
    return listings


def _trends(candles: Candles, timeframe: str, rows: list[int]) -> Iterator[_Trend]:
    high, low, close = candles.high[rows], candles.low[rows], candles.close[rows]
    gap = indicators.ema(close, 20)[:, -1] - indicators.ema(close, 50)[:, -1]
    atr = indicators.atr(high, low, close)[:, -1]
    for i, row in enumerate(rows):
        drift = inference.mean(np.diff(np.log(close[i, -_LOOKBACK - 1 :])), inference.lags_for(_LOOKBACK))
        side = 1 if drift.value > 0 else -1
        trend = _Trend(row, side, timeframe, candles.seconds, drift, float(atr[i]))
        if atr[i] > 0 and side * gap[i] > 0 and inference.p_value(trend.z) <= _SIGNIFICANCE:
            yield trend


def _funding(market: MarketSnapshot, row: int, seconds: float) -> tuple[float, int]:
    """The sum of the rates expected until `seconds` from now, and how many payments that is."""
    perpetuals = instruments.perpetuals_of(market)
    rate, interval = float(perpetuals.funding_rate[row]), float(perpetuals.funding_interval_hours[row]) * 3600
    first = float(perpetuals.next_funding_time[row] - market.captured_at)
    periods = 1 + int((seconds - first) / interval) if seconds >= first else 0
    history = perpetuals.funding_history[row]
    paid = history[np.isfinite(history)][-_LEAST_PAYMENTS:]
    if periods and len(paid) == _LEAST_PAYMENTS and np.ptp(paid) > 0:
        return inference.Ar1.fit(paid).sum_of_next(rate, periods).value, periods
    return rate * periods, periods


def _proposal(
    market: MarketSnapshot,
    investor: Investor,
    trend: _Trend,
    listing: tuple[int, Liquidity],
) -> Proposal | None:
    """The trade; None where stop or target is no price, the target doesn't pay the costs, or no lot fits."""
    perpetuals, (row, liquidity), side = instruments.perpetuals_of(market), listing, trend.side
    quote_in, quote_out = (liquidity.ask, liquidity.bid) if side > 0 else (liquidity.bid, liquidity.ask)
    risk, fee = _STOP_ATR * trend.atr, liquidity.fee
    away = _LIQUIDATION_OVER_STOP * risk / quote_in
    needed = side * (1 - (1 - side * away) * (1 - side * (MAINTENANCE_MARGIN + fee)))
    margin_rate = max(1 / _LEVERAGE[investor.risk_tolerance], needed)
    if margin_rate > 1 or _REWARD_TO_RISK * risk >= quote_out:
        return None
    loss_rate = (risk + liquidity.ask - liquidity.bid) / quote_in + 2 * fee
    notional = sizing.notional_usd(investor, loss_rate, margin_rate + fee, liquidity.capacity_usd)
    size = lots.orderable(perpetuals.rules, row, notional / quote_in, quote_in)
    if size <= 0:
        return None
    entry, leave = (
        (liquidity.buy(size), liquidity.sell(size)) if side > 0 else (liquidity.sell(size), liquidity.buy(size))
    )
    stop, target = entry.price - side * risk, entry.price + side * _REWARD_TO_RISK * risk
    liquidation = liquidation_price(entry.price, margin_rate, fee, side)
    buffered = liquidation + LIQUIDATION_BUFFER * (entry.price - liquidation)
    if side * (stop - buffered) <= 0 or side * (quote_out - stop) <= 0:
        return None
    per_bar = liquidity.daily_volatility * sqrt(trend.bar_seconds / 86_400)
    bars = (quote_out - stop) * (target - quote_out) / (quote_out * per_bar) ** 2
    seconds = bars * trend.bar_seconds
    rate, payments = _funding(market, row, seconds)
    funding = side * rate * entry.notional_usd
    slip = leave.price / quote_out
    fees = entry.fee_usd + size * target * slip * fee
    profit = side * size * (target * slip - entry.price) - fees - funding
    loss = side * size * (entry.price - stop * slip) + entry.fee_usd + size * stop * slip * fee + max(funding, 0.0)
    if profit <= 0:
        return None
    target_first = (quote_out - stop) / (target - stop)
    margin = margin_rate * entry.notional_usd
    symbol, exchange = perpetuals.symbols[row], perpetuals.exchanges[row]
    metadata: dict[str, Json] = {
        "side": "long" if side > 0 else "short",
        "timeframe": trend.timeframe,
        "atr": trend.atr,
        "size": size,
        "notional_usd": entry.notional_usd,
        "loss_at_stop_usd": loss,
        "leverage": 1 / margin_rate,
        "margin_usd": margin,
        "liquidation_price": liquidation,
        "fees_usd": fees,
        "slippage_usd": entry.slippage_usd + leave.slippage_usd,
        "funding": {"expected_usd": -funding, "payments": payments, "sum_of_rates": rate},
        "expected_value_usd": target_first * profit - (1 - target_first) * loss,
        "probability": {"target_first_driftless": target_first, "break_even": loss / (profit + loss)},
        "quotes": instruments.quotes(market, liquidity),
    }
    return Proposal(
        opportunity_type="futures_direction",
        symbol=symbol,
        exchange=exchange,
        purpose=Purpose.PROFIT,
        benefit_usd=profit,
        evidence=Evidence("t of mean log return", trend.z, trend.drift.n, inference.p_value(trend.z)),
        max_loss_usd=loss,
        required_capital_usd=margin + entry.fee_usd,
        horizon_hours=seconds / 3600,
        entry_price=entry.price,
        exit_price=target,
        asset_tier=AssetTier.of(liquidity.volume_24h_usd),
        legs=(instruments.leg("buy" if side > 0 else "sell", symbol, exchange, entry),),
        stop=stop,
        metadata=metadata,
    )
