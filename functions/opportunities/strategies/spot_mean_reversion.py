"""Buy what has fallen far below the mean that its price keeps coming back to, and sell it there.

Idea: some prices range. On 480 closed hours the log price x has a mean and a standard deviation, so z = (x - mean) / sd
(the Bollinger bands of 480 bars are z = -2 and 2: Bollinger on Bollinger Bands, 2001). A symbol qualifies when, at its
last closed bar, z < -2 and ADX(14) < 25 (no trend), and over the window a unit root is rejected (augmented
Dickey-Fuller test, p at most 0.05) with a half-life of at most 48 bars (Ornstein-Uhlenbeck, from a first order
autoregression: Chan, Algorithmic Trading, 2013; corrected for its bias): ten half-lives make the window, fewer would
show no mean. The four together let about 1 in 1,000 random walks through (a test bounds it).

Trade: buy at the ask; target = the mean; stop = z of -3.5; time stop = 3 half-lives, where 7/8 of the gap should be
gone. The size is the least of what risk, capital and liquidity allow. `profit_potential_usd` is what reaching the mean
nets. The expected value takes the chance that an Ornstein-Uhlenbeck process at the present bid reaches its mean before
the stop, in closed form (`reversion.mean_first`); it leaves out the time stop, and holds as far as the mean does. Only
trades of positive expected value are shown.

Inputs: candles of 1 h; bid, ask, 24 h volume; books and order rules where there are any. A pair on several exchanges
is judged by the candles of the largest and traded where it nets most.
Confidence: `inference.confidence` of the p-value of the unit root.
Refuses: no spot market, no pair in USD with 480 closed bars of 1 h that are fresh, quotes, volume and volatility.
Long only: a spot market sells nothing short.
"""

from math import exp, log

import numpy as np

from opportunities.domain import Evidence, Investor, Json, Proposal, Proposals
from opportunities.errors import Unsuitable
from opportunities.market.snapshot import MarketSnapshot
from opportunities.maths import indicators, inference, reversion
from opportunities.maths.arrays import Floats
from opportunities.maths.inference import UnitRoot
from opportunities.trading import instruments
from opportunities.trading.bracket import best_bracket
from opportunities.trading.instruments import Listing

TITLE = "Spot mean reversion"
OPPORTUNITY_TYPES = ("spot_mean_reversion",)
NEEDS = ("spot candles: 480 closed bars of 1h",)

_TIMEFRAME = "1h"
_WINDOW = 480
_ENTRY_Z = -2.0
_STOP_Z = -3.5
_TREND_ADX = 25.0
_SIGNIFICANCE = 0.05
_LONGEST_HALF_LIFE = _WINDOW / 10
_TIME_STOP_HALF_LIVES = 3


def find(market: MarketSnapshot, investor: Investor) -> Proposals:
    """Long trades of stationary spot pairs far below their mean."""
    spot = instruments.spot_of(market)
    candles = spot.candles.get(_TIMEFRAME)
    if candles is None or not instruments.fresh(candles, market.captured_at):
        raise Unsuitable(f"no fresh {_TIMEFRAME} candles of the spot market")
    pairs = dict(instruments.spot_pairs(market, investor, candles, _WINDOW))
    if not pairs:
        raise Unsuitable(
            f"no spot pair in USD has quotes, volume, volatility and {_WINDOW} closed candles of {_TIMEFRAME}"
        )
    rows = list(pairs)
    logs = np.log(candles.close[rows, -_WINDOW:])
    deviation = logs.std(axis=1)
    low = np.flatnonzero((logs[:, -1] - logs.mean(axis=1) < _ENTRY_Z * deviation) & (deviation > 0)).tolist()
    chosen = [rows[i] for i in low]
    adx = indicators.adx(candles.high[chosen], candles.low[chosen], candles.close[chosen])[:, -1]
    found = [
        proposal
        for i, trend in zip(low, adx.tolist(), strict=True)
        if trend < _TREND_ADX and (proposal := _proposal(market, investor, pairs[rows[i]], logs[i], trend)) is not None
    ]
    return Proposals(tuple(found), examined=len(pairs))


def _proposal(
    market: MarketSnapshot, investor: Investor, listings: list[Listing], logs: Floats, adx: float
) -> Proposal | None:
    """The trade back to the mean; None where there is none to come back to, or the way doesn't pay the costs."""
    half_life = reversion.half_life(logs)
    if half_life > _LONGEST_HALF_LIFE:
        return None
    unit_root: UnitRoot = inference.augmented_dickey_fuller(logs)
    if unit_root.p > _SIGNIFICANCE:
        return None
    mean, deviation = float(logs.mean()), float(logs.std())
    trade = best_bracket(market, investor, listings, exp(mean + _STOP_Z * deviation), exp(mean))
    if trade is None:
        return None
    z_now = (log(trade.listing.liquidity.bid) - mean) / deviation
    mean_first = reversion.mean_first(z_now, _STOP_Z)
    expected = trade.expected_usd(mean_first)
    if expected <= 0:
        return None
    horizon = max(_TIME_STOP_HALF_LIVES * half_life, 1.0) * 3600
    metadata: dict[str, Json] = {
        "timeframe": _TIMEFRAME,
        "adf": {"t": unit_root.statistic, "lags": unit_root.lags},
        "z": (float(logs[-1]) - mean) / deviation,
        "z_now": z_now,
        "deviation": deviation,
        "adx": adx,
        "half_life_bars": half_life,
        "time_stop_seconds": horizon,
        "expected_value_usd": expected,
        "probability": {
            "mean_first": mean_first,
            "break_even": trade.loss_usd / (trade.profit_usd + trade.loss_usd),
        },
    }
    return trade.proposal(
        market,
        kind=OPPORTUNITY_TYPES[0],
        evidence=Evidence("ADF p of a unit root", unit_root.p, unit_root.n, unit_root.p),
        horizon_hours=horizon / 3600,
        metadata=metadata,
    )
