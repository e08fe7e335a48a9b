"""Plants a trend of a perpetual, a dated future too dear for its coin, or a nearer future too cheap for a farther one.

Unit of size: a trend of six standard errors of the mean return of four weeks, up or down; a basis, or a distance of two
futures, of three times its fees, spreads and financing. Which one, and where, the seed says. `symbol` is the perpetual,
or the future that is sold. `profit_usd` is for `INVESTOR`, of the best carry among all with a contract that was moved;
None for a trend, which promises nothing.
"""

from dataclasses import replace

import numpy as np

from opportunities.domain import Investor
from opportunities.market.planted import Planted
from opportunities.market.planted.oracles.carry import LEAST_DAYS, Carried, base_of, days_left, requoted, spot_of
from opportunities.market.planted.oracles.options import futures_of
from opportunities.market.snapshot import Candles, MarketSnapshot
from opportunities.maths import elementary
from opportunities.maths.arrays import Floats

INVESTOR = Investor()

_KINDS = ("direction", "basis", "calendar")
_WEEKS_4, _BARS, _ERRORS = 28 * 86_400, 168, 6.0


def plant(market: MarketSnapshot, seed: int, size: float) -> tuple[MarketSnapshot, Planted]:
    """The market with that in it; all other contracts stay as they are."""
    rng = np.random.default_rng(seed)
    kind = _KINDS[seed % len(_KINDS)]
    return _trend(market, rng, size) if kind == "direction" else _mispriced(market, rng, kind, size)


def _mispriced(
    market: MarketSnapshot, rng: np.random.Generator, kind: str, size: float
) -> tuple[MarketSnapshot, Planted]:
    pairs = _near_and_far(market) if kind == "calendar" else [each for each in _carries(market) if each.near is None]
    chosen = pairs[int(rng.integers(len(pairs)))]
    gain = 3 * size * chosen.cost_rate()
    moved, factor = (chosen.sold, 1 + gain) if chosen.near is None else (chosen.near, 1 / (1 + gain))
    bid, ask, mark = requoted(market, moved, factor)
    planted = replace(market, futures=replace(futures_of(market), bid=bid, ask=ask, mark=mark))
    touched = [each for each in _carries(planted) if moved in (each.sold, each.near)]
    profits = [each.profit_usd(INVESTOR) for each in touched]
    best = int(np.argmax(profits))
    return planted, Planted(futures_of(market).symbols[touched[best].sold], profits[best])


def _near_and_far(market: MarketSnapshot) -> list[Carried]:
    """Pairs whose nearer future is its curve's first to be judged, so that nothing before it can be sold short."""
    pairs = [each for each in _carries(market) if each.near is not None]
    return [each for each in pairs if days_left(market, each.near or 0) >= LEAST_DAYS]


def _carries(market: MarketSnapshot) -> list[Carried]:
    """Every basis and calendar within an exchange that is long enough and has the coin."""
    futures, spot = futures_of(market), spot_of(market)
    long = [row for row in range(len(futures.symbols)) if days_left(market, row) >= LEAST_DAYS]
    found = []
    for sold in long:
        base, exchange = base_of(futures.symbols[sold]), futures.exchanges[sold]
        pairs = zip(spot.symbols, spot.exchanges, strict=True)
        coin = next((row for row, pair in enumerate(pairs) if pair == (f"{base}/USDT", exchange)), None)
        if coin is None:
            continue
        found.append(Carried(market, sold, coin))
        for near in long:
            alike = base_of(futures.symbols[near]) == base and futures.exchanges[near] == exchange
            apart = days_left(market, sold) - days_left(market, near) >= LEAST_DAYS
            if alike and apart and futures.inverse[near] == futures.inverse[sold]:
                found.append(Carried(market, sold, coin, near))
    return found


def _trend(market: MarketSnapshot, rng: np.random.Generator, size: float) -> tuple[MarketSnapshot, Planted]:
    perpetuals = market.perpetuals
    if perpetuals is None:
        raise ValueError("no trend can be planted: the market has no perpetuals")
    candles = perpetuals.candles["4h"]
    row = int(rng.integers(len(candles.close)))
    returns = np.diff(elementary.log(candles.close[row, -_BARS - 1 :]))
    side = float(rng.choice([-1.0, 1.0]))
    drift = side * size * _ERRORS * float(returns.std(ddof=1)) / np.sqrt(_BARS) - float(returns.mean())
    bent = {
        name: _bent(each, row, drift / candles.seconds, market.captured_at) for name, each in perpetuals.candles.items()
    }
    return replace(market, perpetuals=replace(perpetuals, candles=bent)), Planted(perpetuals.symbols[row], None)


def _bent(candles: Candles, row: int, drift: float, now: int) -> Candles:
    """The row's past moved so that the last four weeks drift by so much a second, and the present stays."""
    opened = candles.open_time.astype(np.float64)

    def factor(time: Floats) -> Floats:
        return elementary.exp(-drift * np.clip(now - time, 0, _WEEKS_4))

    begin, end = factor(opened), factor(opened + candles.seconds)
    columns = {name: getattr(candles, name).copy() for name in ("open", "high", "low", "close")}
    columns["open"][row] *= begin
    columns["close"][row] *= end
    columns["high"][row] *= np.maximum(begin, end)
    columns["low"][row] *= np.minimum(begin, end)
    return replace(candles, **columns)
