"""Buy what leaves a narrow channel upwards, on volume and with an unusual bar, for a move as high as the channel was.

Idea: quiet precedes movement, and the first close beyond a channel begins it (Donchian's rule, as Faith tells it in Way
of the Turtle, 2007; the squeeze is Bollinger's, Bollinger on Bollinger Bands, 2001). A pair qualifies when, at its last
closed bar,
- the close is above the highest high of the 20 bars before it (that bar itself is not in its channel), and the ask
  still is, below the target;
- the bar's volume exceeds 1.5 times the mean of the 20 bars before;
- the width of the Bollinger bands (20, 2), 4 sd / mean, was at the bar before within the lowest quarter of its last
  120 values: a squeeze;
- the bar's rise, in average true ranges of the bar before it, has a rank p-value of at most 0.05 among the last 180
  bars: (1 + how many rose as much) / (1 + 180), exact if bars are exchangeable, whatever their distribution.

Trade: buy at the ask; stop = ask - 2 N with N = ATR(20) (Faith); target = the measured move, channel top + channel
height (Edwards and Magee, Technical Analysis of Stock Trends, 1948). `trail` is the lowest low of 10 bars, where the
Turtles left. The size is the least of what risk, capital and liquidity allow. `profit_potential_usd` is what reaching
the target nets. The expected value is the driftless one (gambler's ruin), about minus the costs; beside it stands the
probability at which the trade breaks even. The horizon is that of the expected first exit,
(bid - stop)(target - bid) / σ² bars (Feller, An Introduction to Probability Theory, volume 1, 1968, XIV.3).

Inputs: candles of 4 h, for pairs with fewer than 200 of them 1 h; bid, ask, 24 h volume; books and order rules where
there are any. A pair on several exchanges is judged by the candles of the largest and traded where it nets most.
Confidence: `inference.confidence` of the rank p-value.
Refuses: no spot market, no pair in USD with 200 closed bars that are fresh, quotes, volume and volatility.
Long only: a spot market sells nothing short.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from opportunities.domain import Evidence, Investor, Json, Proposal, Proposals
from opportunities.market.snapshot import Candles, MarketSnapshot
from opportunities.maths import indicators
from opportunities.maths.arrays import Floats
from opportunities.trading import instruments
from opportunities.trading.bracket import best_bracket
from opportunities.trading.instruments import Listing

TITLE = "Spot breakout"
OPPORTUNITY_TYPES = ("spot_breakout",)
NEEDS = ("spot candles: 200 closed bars of 4h or 1h",)

_TIMEFRAMES = ("4h", "1h")
_CHANNEL = 20
_TRAIL = 10
_VOLUME_RATIO = 1.5
_SQUEEZE_BARS, _SQUEEZE_SHARE = 120, 0.25
_RANK_BARS, _SIGNIFICANCE = 180, 0.05
_STOP_ATR = 2.0


@dataclass(frozen=True)
class _Signal:
    """One break: prices of the channel, N, and the readings behind it. `p` is the rank p-value of the bar's rise."""

    row: int
    timeframe: str
    top: float
    bottom: float
    trail: float
    n: float
    p: float
    volume_ratio: float
    squeeze: float


def find(market: MarketSnapshot, investor: Investor) -> Proposals:
    """Long trades of spot pairs that break out of a squeeze."""
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
    """The rows whose last closed bar meets every condition on candles."""
    before = slice(-_CHANNEL - 1, -1)
    top = candles.high[rows, before].max(axis=1)
    usual = candles.volume[rows, before].mean(axis=1)
    volume = candles.volume[rows, -1]
    for i in np.flatnonzero((candles.close[rows, -1] > top) & (volume > _VOLUME_RATIO * usual) & (usual > 0)).tolist():
        row = rows[i]
        high, low, close = (series[row : row + 1] for series in (candles.high, candles.low, candles.close))
        atr = indicators.atr(high, low, close, _CHANNEL)[0]
        squeeze, p = _squeeze(close[0]), _rank(close[0], atr)
        if squeeze <= _SQUEEZE_SHARE and p <= _SIGNIFICANCE:
            yield _Signal(
                row=row,
                timeframe=timeframe,
                top=float(top[i]),
                bottom=float(low[0, before].min()),
                trail=float(low[0, -_TRAIL:].min()),
                n=float(atr[-1]),
                p=p,
                volume_ratio=float(volume[i] / usual[i]),
                squeeze=squeeze,
            )


def _squeeze(close: Floats) -> float:
    """Which share of the last 120 widths of the bands was no wider than that of the bar before the last."""
    windows = np.lib.stride_tricks.sliding_window_view(close[-_SQUEEZE_BARS - _CHANNEL : -1], _CHANNEL)
    width = windows.std(axis=1) / windows.mean(axis=1)
    return float(np.mean(width <= width[-1]))


def _rank(close: Floats, atr: Floats) -> float:
    """The rank p-value of the last bar's rise, each rise in units of the average true range before it."""
    rises = np.diff(close[-_RANK_BARS - 2 :]) / atr[-_RANK_BARS - 2 : -1]
    usual = rises[:-1]
    return (1 + int(np.count_nonzero(usual >= rises[-1]))) / (1 + len(usual))


def _proposal(market: MarketSnapshot, investor: Investor, signal: _Signal, listings: list[Listing]) -> Proposal | None:
    """The trade that the break suggests; None where the price is back in the channel, or it doesn't pay the costs."""
    target = signal.top + (signal.top - signal.bottom)
    ask = min(listing.liquidity.ask for listing in listings)
    stop = ask - _STOP_ATR * signal.n
    if not signal.top < ask < target:
        return None
    trade = best_bracket(market, investor, listings, stop, target)
    if trade is None:
        return None
    metadata: dict[str, Json] = {
        "timeframe": signal.timeframe,
        "channel": {"top": signal.top, "bottom": signal.bottom, "bars": _CHANNEL},
        "atr": signal.n,
        "trail": signal.trail,
        "volume_ratio": signal.volume_ratio,
        "squeeze_percentile": signal.squeeze,
    }
    return trade.proposal(
        market,
        kind=OPPORTUNITY_TYPES[0],
        evidence=Evidence("rank p of the bar's rise", signal.p, _RANK_BARS, signal.p),
        horizon_hours=trade.driftless_hours(),
        metadata=metadata | trade.driftless(),
    )
