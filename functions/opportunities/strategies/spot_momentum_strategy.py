"""Buy what has risen steadily and still does, with a stop below and a target twice as far above.

Idea: trends persist over weeks (Moskowitz, Ooi and Pedersen, Time Series Momentum, 2012; for crypto, one to four
weeks: Liu and Tsyvinski, Risks and Returns of Cryptocurrency, 2021). A symbol qualifies when, at its last closed bar,
EMA(20) > EMA(50), ADX(14) > 25, the MACD(12, 26, 9) histogram is above 0, RSI(14) lies in 50-70, and the mean log
return of the last 168 bars (four weeks of 4 h) is above zero with a one-sided p-value of at most 0.05. The indicators
alone let 7.5 % of driftless random walks through, all together 1 % (a test measures it).

Trade: buy at the ask; stop = entry - 2 ATR(14); target = entry + 2 (entry - stop), both reached by the bid. The size
is the least of what risk, capital and liquidity allow (`sizing`). `profit_potential_usd` is what reaching the target
nets. The expected value is the driftless one: the bid reaches the target before the stop with probability
(bid - stop) / (target - stop) (gambler's ruin: Feller, An Introduction to Probability Theory, volume 1, 1968, XIV.2),
so it is about minus the costs; beside it stands the probability at which the trade would break even. The timeframe is
that of the expected first exit, (bid - stop)(target - bid) / σ² bars (XIV.3).

Inputs: candles of 4 h, for symbols with fewer than 200 of them 1 h; bid, ask, 24 h volume; books where there are any.
Confidence: `inference.confidence` of the p-value of the t statistic (Newey-West) of the mean log return.
Refuses: no spot market, no symbol in USD with 200 closed bars that are fresh, quotes, volume and volatility.
Long only: a spot market sells nothing short.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from opportunities.domain import AssetTier, Findings, Investor, Json, Opportunity
from opportunities.errors import Unsuitable
from opportunities.market.snapshot import Candles, MarketSnapshot
from opportunities.maths import indicators, inference, sizing
from opportunities.maths.costs import Liquidity
from opportunities.trading import instruments

TITLE = "Spot momentum"
OPPORTUNITY_TYPES = ("spot_momentum",)
NEEDS = ("spot candles: 200 closed bars of 4h or 1h",)

_TIMEFRAMES = ("4h", "1h")
_LOOKBACK = 168
_SIGNIFICANCE = 0.05
_STOP_ATR = 2.0
_REWARD_TO_RISK = 2.0


@dataclass(frozen=True)
class _Signal:
    row: int
    timeframe: str
    bar_seconds: int
    drift: inference.Estimate
    atr: float
    readings: Mapping[str, Json]


def find(market: MarketSnapshot, investor: Investor) -> Findings:
    """Long trades of spot symbols in a significant, orderly uptrend, the most profitable first."""
    spot = instruments.spot_of(market)
    opportunities: list[Opportunity] = []
    judged: set[int] = set()
    for timeframe in _TIMEFRAMES:
        candles = spot.candles.get(timeframe)
        if candles is None or not instruments.fresh(candles, market.captured_at):
            continue
        enough = indicators.bars(candles.close) >= indicators.MINIMUM_BARS
        liquid: dict[int, Liquidity] = {}
        for row in np.flatnonzero(enough).tolist():
            if row not in judged and instruments.base_in_usd(spot.symbols[row]):
                liquidity = instruments.spot_liquidity(market, investor, row)
                if liquidity.tradable:
                    liquid[row] = liquidity
        judged |= liquid.keys()
        for signal in _signals(candles, timeframe, list(liquid)):
            opportunity = _opportunity(market, investor, signal, liquid[signal.row])
            if opportunity is not None:
                opportunities.append(opportunity)
    if not judged:
        raise Unsuitable(
            f"no spot symbol in USD has quotes, volume and {indicators.MINIMUM_BARS} closed, fresh candles of"
            f" {' or '.join(_TIMEFRAMES)}"
        )
    opportunities.sort(key=lambda found: (-found.profit_potential_usd, found.symbol, found.exchange))
    return Findings(tuple(opportunities), examined=len(judged))


def _signals(candles: Candles, timeframe: str, rows: list[int]) -> Iterator[_Signal]:
    """The rows whose last closed bar meets every condition."""
    high, low, close = candles.high[rows], candles.low[rows], candles.close[rows]
    fast, slow = indicators.ema(close, 20)[:, -1], indicators.ema(close, 50)[:, -1]
    adx = indicators.adx(high, low, close)[:, -1]
    rsi = indicators.rsi(close)[:, -1]
    macd = indicators.macd_histogram(close)[:, -1]
    atr = indicators.atr(high, low, close)[:, -1]
    rising = (fast > slow) & (adx > 25) & (macd > 0) & (rsi >= 50) & (rsi <= 70) & (atr > 0)
    for i in np.flatnonzero(rising).tolist():
        returns = np.diff(np.log(close[i, -_LOOKBACK - 1 :]))
        drift = inference.mean(returns, inference.lags_for(_LOOKBACK))
        if inference.p_value(drift.z()) <= _SIGNIFICANCE:
            readings: dict[str, Json] = {
                "ema20": float(fast[i]),
                "ema50": float(slow[i]),
                "adx": float(adx[i]),
                "macd_histogram": float(macd[i]),
                "rsi": float(rsi[i]),
                "atr": float(atr[i]),
            }
            yield _Signal(rows[i], timeframe, candles.seconds, drift, float(atr[i]), readings)


def _opportunity(
    market: MarketSnapshot, investor: Investor, signal: _Signal, liquidity: Liquidity
) -> Opportunity | None:
    """The trade that the signal suggests; None where the stop is no price or the target doesn't pay the costs."""
    spot = instruments.spot_of(market)
    risk = _STOP_ATR * signal.atr
    fee = liquidity.fee
    if risk >= liquidity.bid:
        return None
    loss_rate = (risk + liquidity.ask - liquidity.bid) / liquidity.ask + 2 * fee
    notional = sizing.notional_usd(investor, loss_rate, 1 + fee, liquidity.capacity_usd)
    if notional < sizing.MINIMUM_NOTIONAL_USD:
        return None
    size = notional / liquidity.ask
    entry, exit_now = liquidity.buy(size), liquidity.sell(size)
    stop, target = entry.price - risk, entry.price + _REWARD_TO_RISK * risk
    kept = exit_now.price / liquidity.bid * (1 - fee)
    paid = entry.notional_usd + entry.fee_usd
    profit, loss = size * target * kept - paid, paid - size * stop * kept
    if profit <= 0 or stop >= liquidity.bid:
        return None
    target_first = (liquidity.bid - stop) / (target - stop)
    bar_variance = (liquidity.bid * _per_bar(liquidity.daily_volatility, signal.bar_seconds)) ** 2
    bars = (liquidity.bid - stop) * (target - liquidity.bid) / bar_variance
    symbol, exchange = spot.symbols[signal.row], spot.exchanges[signal.row]
    metadata: dict[str, Json] = {
        "confidence": {
            "statistic": "t of mean log return",
            "value": signal.drift.z(),
            "n": signal.drift.n,
        },
        "timeframe": signal.timeframe,
        "indicators": dict(signal.readings),
        "size": size,
        "notional_usd": entry.notional_usd,
        "stop": stop,
        "loss_at_stop_usd": loss,
        "fees_usd": entry.fee_usd + size * target * exit_now.price / liquidity.bid * fee,
        "slippage_usd": entry.slippage_usd + exit_now.slippage_usd,
        "expected_value_usd": target_first * profit - (1 - target_first) * loss,
        "probability": {"target_first_driftless": target_first, "break_even": loss / (profit + loss)},
        "quotes": instruments.quotes(market, liquidity),
        "legs": [instruments.leg("buy", symbol, exchange, entry)],
    }
    return Opportunity(
        strategy_id=__name__.rpartition(".")[2],
        strategy_name=TITLE,
        opportunity_type=OPPORTUNITY_TYPES[0],
        symbol=symbol,
        exchange=exchange,
        profit_potential_usd=profit,
        confidence_score=inference.confidence(inference.p_value(signal.drift.z())),
        risk_level=sizing.risk_level(loss, paid),
        required_capital_usd=paid,
        estimated_timeframe=sizing.timeframe_for(bars * signal.bar_seconds),
        entry_price=entry.price,
        exit_price=target,
        asset_tier=AssetTier.of(liquidity.volume_24h_usd),
        metadata=metadata,
        discovered_at=market.captured_at,
    )


def _per_bar(daily_volatility: float, bar_seconds: int) -> float:
    return daily_volatility * float(np.sqrt(bar_seconds / 86_400))
