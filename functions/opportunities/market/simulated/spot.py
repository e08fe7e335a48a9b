"""The simulated spot markets: USDT pairs with candles, pairs against BTC and ETH, and a second exchange's."""

import numpy as np

from opportunities.market import draws
from opportunities.market.simulated.moment import (
    ELSEWHERE,
    EXCHANGE,
    MINIMUM_NOTIONAL_USD,
    Moment,
    Quotes,
    decimals_of,
    joined,
    quoted,
    rounded,
    rules,
    spread_of,
    step_worth,
)
from opportunities.market.simulated.paths import Paths
from opportunities.market.snapshot import Candles, Spot
from opportunities.market.timeframes import HOUR, timeframes
from opportunities.maths import elementary
from opportunities.maths.arrays import Floats, Ints

_CROSSES = (
    *(("ETH", "BTC"), ("SOL", "BTC"), ("XRP", "BTC"), ("BNB", "BTC"), ("ADA", "BTC"), ("LINK", "BTC")),
    *(("SOL", "ETH"), ("BNB", "ETH")),
)
_CROSS_VOLUME, _CROSS_NOISE = 0.02, 5e-5
# The second exchange: how many of the largest markets it has, of which share of the volume, and how far its prices
# are off at most; in a lively market now and then one of them is off by more than it costs to trade.
_LISTED_ELSEWHERE, _VOLUME_ELSEWHERE, _NOISE_ELSEWHERE = 20, 0.4, 2e-4
_DISLOCATED_SHARE, _DISLOCATION = 0.3, (0.006, 0.012)


def spot_of(moment: Moment) -> Spot:
    """All spot markets. Pairs that have candles come first."""
    names = [asset.name for asset in moment.assets]
    crosses = [pair for pair in _CROSSES if set(pair) <= set(names)]
    elsewhere = names[:_LISTED_ELSEWHERE]
    decimals = decimals_of(np.array([asset.price for asset in moment.assets]))
    daily_usd = moment.daily_usd()
    own = quoted(moment, moment.last, decimals, spread_of(moment, daily_usd), daily_usd)
    parts = [own, *([_crosses(moment, names, crosses, daily_usd)] if crosses else []), _elsewhere(moment, decimals)]
    quotes = joined(*parts)
    bases = [*names, *(base for base, _ in crosses), *elsewhere]
    usd = moment.last[[names.index(base) for base in bases]]
    lot = step_worth(usd, 1.0)
    return Spot(
        symbols=(
            *(f"{name}/USDT" for name in names),
            *(f"{base}/{quote}" for base, quote in crosses),
            *(f"{name}/USDT" for name in elsewhere),
        ),
        exchanges=(EXCHANGE,) * (len(names) + len(crosses)) + (ELSEWHERE,) * len(elsewhere),
        bid=quotes.books.bid_price[:, 0],
        ask=quotes.books.ask_price[:, 0],
        last=quotes.middle,
        volume_24h_usd=quotes.volume_usd,
        candles=timeframes(_hourly(moment.paths, moment.hours, decimals)),
        books=quotes.books,
        rules=rules(np.ones_like(usd), quotes.decimals, lot, MINIMUM_NOTIONAL_USD),
    )


def _hourly(paths: Paths, hours: int, decimals: Ints) -> Candles:
    close = rounded(paths.close[:, : hours + 1], decimals)
    return Candles(
        seconds=HOUR,
        open_time=paths.begins_at + HOUR * np.arange(hours, dtype=np.int64),
        open=close[:, :-1],
        high=rounded(paths.high[:, :hours], decimals),
        low=rounded(paths.low[:, :hours], decimals),
        close=close[:, 1:],
        volume=paths.volume_usd[:, :hours] / close[:, 1:],
    )


def _crosses(moment: Moment, names: list[str], crosses: list[tuple[str, str]], daily_usd: Floats) -> Quotes:
    """Pairs between coins: the ratio of their prices, but for noise far within what a triangle costs."""
    bases, coins = ([names.index(pair[side]) for pair in crosses] for side in (0, 1))
    noise = _CROSS_NOISE * draws.normal(moment.rng, len(crosses)).clip(-3, 3)
    ratio = moment.last[bases] / moment.last[coins] * elementary.exp(noise)
    price = np.array([asset.price for asset in moment.assets])
    decimals = decimals_of(price[bases] / price[coins])
    volume = _CROSS_VOLUME * daily_usd[bases]
    return quoted(
        moment, rounded(ratio, decimals), decimals, spread_of(moment, volume), volume, unit_usd=moment.last[coins]
    )


def _elsewhere(moment: Moment, decimals: Ints) -> Quotes:
    """The second exchange's pairs: the first one's prices within noise, and now and then one that is off."""
    n = min(_LISTED_ELSEWHERE, len(moment.assets))
    gap = _NOISE_ELSEWHERE * draws.uniform(moment.rng, -1, 1, n)
    dislocated, row, size, side = moment.rng.random(4)
    if not moment.fair and dislocated < _DISLOCATED_SHARE:
        least, most = _DISLOCATION
        gap[int(row * n)] += (least + size * (most - least)) * (1 if side < 0.5 else -1)
    volume = _VOLUME_ELSEWHERE * moment.daily_usd()[:n]
    middle = rounded(moment.last[:n] * elementary.exp(gap), decimals[:n])
    return quoted(moment, middle, decimals[:n], spread_of(moment, volume), volume)
