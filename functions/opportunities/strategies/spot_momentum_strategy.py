"""Buy what has risen steadily and still does, with a stop below and a target twice as far above.

Idea: trends persist over weeks (Moskowitz, Ooi and Pedersen, Time Series Momentum, 2012; for crypto, one to four
weeks: Liu and Tsyvinski, Risks and Returns of Cryptocurrency, 2021). A pair qualifies when, at its last closed bar,
EMA(20) > EMA(50), ADX(14) > 25, the MACD(12, 26, 9) histogram is above 0, RSI(14) lies in 50-70, and the mean log
return of the last 168 bars (four weeks of 4 h) is above zero with a one-sided p-value of at most 0.05. The indicators
alone let 7.5 % of driftless random walks through, all together 1 % (a test measures it).

Trade: buy at the ask; stop = ask - 2 ATR(14); target = ask + 4 ATR(14), both reached by the bid, with the lowest ask of
all exchanges. The size is the least of what risk, capital, liquidity and lots allow (`sizing`, `lots`). The profit is
what reaching the target nets. The expected value is the driftless one: the bid reaches the target before the stop
with probability (bid - stop) / (target - stop) (gambler's ruin: Feller, An Introduction to Probability Theory, volume
1, 1968, XIV.2), so it is about minus the costs; beside it stands the probability at which the trade would break even.
The horizon is that of the expected first exit, (bid - stop)(target - bid) / σ² bars (XIV.3).

Inputs: candles of 4 h, for pairs with fewer than 200 of them 1 h; bid, ask, 24 h volume; books and order rules where
there are any. A pair on several exchanges is judged by the candles of the largest and traded where it nets most.
Confidence: `inference.confidence` of the p-value of the t statistic (Newey-West) of the mean log return.
Refuses: no spot market, no pair in USD with 200 closed bars that are fresh, quotes, volume and volatility.
Long only: a spot market sells nothing short.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from opportunities.domain import Evidence, Investor, Json, Proposal, Proposals
from opportunities.market.snapshot import Candles, MarketSnapshot
from opportunities.maths import indicators, inference
from opportunities.trading import instruments
from opportunities.trading.bracket import best_bracket
from opportunities.trading.instruments import Listing

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
    drift: inference.Estimate
    atr: float
    readings: Mapping[str, Json]


def find(market: MarketSnapshot, investor: Investor) -> Proposals:
    """Long trades of spot pairs in a significant, orderly uptrend."""
    by_timeframe = instruments.spot_pairs_by_timeframe(market, investor, _TIMEFRAMES, indicators.MINIMUM_BARS)
    proposals = (
        _proposal(market, investor, signal, pairs[signal.row])
        for timeframe, candles, pairs in by_timeframe
        for signal in _signals(candles, timeframe, list(pairs))
    )
    return Proposals(
        tuple(proposal for proposal in proposals if proposal is not None),
        examined=sum(len(pairs) for _, _, pairs in by_timeframe),
    )


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
            yield _Signal(rows[i], timeframe, drift, float(atr[i]), readings)


def _proposal(market: MarketSnapshot, investor: Investor, signal: _Signal, listings: list[Listing]) -> Proposal | None:
    """The trade that the signal suggests; None where the stop is no price or the target doesn't pay the costs."""
    ask = min(listing.liquidity.ask for listing in listings)
    risk = _STOP_ATR * signal.atr
    trade = best_bracket(market, investor, listings, ask - risk, ask + _REWARD_TO_RISK * risk)
    if trade is None:
        return None
    z = signal.drift.z()
    metadata: dict[str, Json] = {"timeframe": signal.timeframe, "indicators": dict(signal.readings)}
    return trade.proposal(
        market,
        kind=OPPORTUNITY_TYPES[0],
        evidence=Evidence("t of mean log return", z, signal.drift.n, inference.p_value(z)),
        horizon_hours=trade.driftless_hours(),
        metadata=metadata | trade.driftless(),
    )
