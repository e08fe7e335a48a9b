"""The simulated market: a whole snapshot out of a seed and a moment, without a network."""

from dataclasses import dataclass

import numpy as np

from opportunities.domain import Fees
from opportunities.errors import MarketUnavailable
from opportunities.market.assets import ASSETS, Asset
from opportunities.market.paths import Paths, simulate
from opportunities.market.snapshot import Books, Candles, Floats, Ints, MarketSnapshot, Perpetuals, Spot
from opportunities.market.timeframes import HOUR, timeframes

EXCHANGE = "simulated"
FEES = Fees(spot_taker=0.001, perpetual_taker=0.0005)

_LARGEST_DAILY_USD, _SMALLEST_DAILY_USD = 8e9, 5e4
_DIGITS = 6
_LEVELS = 20
# Perpetuals: how many of the largest markets have one, how many of those pay every 8 hours, and what the others do.
_LISTED, _MAJORS, _INTERVALS = 40, 12, (4, 8, 4, 1)
_PAYMENTS = 31 * 24
_INTEREST, _CLAMP = 0.0001, 0.0005
# Markets whose perpetuals stay dear or cheap for months, by mark over index, less 1: crowded longs and shorts.
_CROWDED = {"WIF": 0.0019, "TIA": 0.0014, "SUI": 0.0011, "NEAR": 0.0009, "SEI": 0.0016, "ATOM": -0.0011, "FIL": -0.0008}


@dataclass(frozen=True, eq=False)
class _Moment:
    """Where the simulated world stands: `hours` bars of the paths are closed, and `share` of the next has passed.

    `spread` (ask over bid, less 1) and `decimals` (of the price tick) have shape (assets,).
    """

    captured_at: int
    assets: tuple[Asset, ...]
    paths: Paths
    hours: int
    share: float
    spread: Floats
    decimals: Ints

    def now(self, path: Floats, closed: int) -> Floats:
        """What a path of shape (assets, hours) is at this moment, between column `closed` and the next."""
        return path[:, closed] + self.share * (path[:, closed + 1] - path[:, closed])


def simulated(seed: int, captured_at: int, assets: int = len(ASSETS)) -> MarketSnapshot:
    """The simulated market at `captured_at` (epoch seconds), its `assets` largest markets; the same for the same
    arguments. Captures within one period of 30 days show one market as it goes on.

    Raises MarketUnavailable where there are not so many assets.
    """
    if not 1 <= assets <= len(ASSETS):
        raise MarketUnavailable(f"The simulated market has 1 to {len(ASSETS)} assets, not {assets}.")
    chosen = ASSETS[:assets]
    daily_usd = np.geomspace(_LARGEST_DAILY_USD, _SMALLEST_DAILY_USD, len(ASSETS))[:assets]
    premium = np.array([_CROWDED.get(asset.name, _INTEREST) for asset in chosen])
    paths = simulate(seed, captured_at, chosen, daily_usd, premium)
    hours, elapsed = divmod(captured_at - paths.begins_at, HOUR)
    moment = _Moment(
        captured_at=captured_at,
        assets=chosen,
        paths=paths,
        hours=hours,
        share=elapsed / HOUR,
        spread=1e-5 * np.sqrt(_LARGEST_DAILY_USD / daily_usd),
        decimals=np.array([_DIGITS - 1 - int(np.floor(np.log10(asset.price))) for asset in chosen]),
    )
    spot = _spot(moment, np.random.default_rng([seed, captured_at]))
    return MarketSnapshot(
        captured_at=captured_at,
        source="simulated",
        fees={EXCHANGE: FEES},
        spot=spot,
        perpetuals=_perpetuals(moment, spot),
        freshness={"spot": captured_at, "perpetuals": captured_at},
        missing={
            "futures": "The simulated market has no dated futures.",
            "options": "The simulated market has no options.",
        },
        assumptions={"market": f"simulated from seed {seed}: no number in it was observed"},
    )


def _spot(moment: _Moment, rng: np.random.Generator) -> Spot:
    paths, hours, decimals = moment.paths, moment.hours, moment.decimals
    close = _round(paths.close[:, : hours + 1], decimals)
    hourly = Candles(
        seconds=HOUR,
        open_time=paths.begins_at + HOUR * np.arange(hours, dtype=np.int64),
        open=close[:, :-1],
        high=_round(paths.high[:, :hours], decimals),
        low=_round(paths.low[:, :hours], decimals),
        close=close[:, 1:],
        volume=paths.volume_usd[:, :hours] / close[:, 1:],
    )
    last = _round(np.exp(moment.now(np.log(paths.close), hours)), decimals)
    daily_usd = paths.volume_usd[:, hours - 24 : hours].sum(axis=1)
    books = _books(moment, rng, last, daily_usd)
    return Spot(
        symbols=tuple(f"{asset.name}/USDT" for asset in moment.assets),
        exchanges=(EXCHANGE,) * len(moment.assets),
        bid=books.bid_price[:, 0],
        ask=books.ask_price[:, 0],
        last=last,
        volume_24h_usd=daily_usd,
        candles=timeframes(hourly),
        books=books,
    )


def _books(moment: _Moment, rng: np.random.Generator, last: Floats, daily_usd: Floats) -> Books:
    """Books whose levels lie on ticks, about a spread apart, wider and thicker further out; a smaller market holds
    a larger share of its daily volume in the book.
    """
    tick = 10.0 ** -moment.decimals[:, None]
    middle, half = last[:, None] / tick, np.maximum(last * moment.spread / 2, tick[:, 0] / 2)[:, None] / tick
    shape = (2, len(last), _LEVELS)
    gaps = np.ceil(2 * half * rng.gamma(2.0, 0.5, shape) * 1.1 ** np.arange(_LEVELS))
    gaps[:, :, 0] = 0
    below, above = np.cumsum(gaps, axis=2)
    bid = _round(np.maximum(np.floor(middle - half) - below, 1) * tick, moment.decimals)
    ask = _round((np.ceil(middle + half) + above) * tick, moment.decimals)
    share = 1e-4 * (_LARGEST_DAILY_USD / daily_usd) ** 0.2
    usd = (daily_usd * share)[:, None] * rng.gamma(1.5, 1 / 1.5, shape) * 1.05 ** np.arange(_LEVELS)
    return Books(bid_price=bid, bid_size=usd[0] / bid, ask_price=ask, ask_size=usd[1] / ask)


def _perpetuals(moment: _Moment, spot: Spot) -> Perpetuals:
    n = min(_LISTED, len(moment.assets))
    hours, spread = moment.hours, moment.spread[:n]
    interval = np.array([8 if i < _MAJORS else _INTERVALS[i % len(_INTERVALS)] for i in range(n)])
    due = (moment.captured_at // (interval * HOUR) + 1) * interval * HOUR
    premium = moment.paths.premium[:n]
    payments = [_payments(row[:hours], int(each)) for row, each in zip(premium, interval, strict=True)]
    mark, volume = spot.last[:n] * (1 + moment.now(premium, hours - 1)), 2.5 * spot.volume_24h_usd[:n]
    return Perpetuals(
        symbols=tuple(f"{asset.name}/USDT:USDT" for asset in moment.assets[:n]),
        exchanges=(EXCHANGE,) * n,
        bid=mark * (1 - 0.4 * spread),
        ask=mark * (1 + 0.4 * spread),
        mark=mark,
        index=spot.last[:n],
        funding_rate=np.array([rates[-1] for rates in payments]),
        funding_interval_hours=interval.astype(np.float64),
        next_funding_time=due,
        open_interest_usd=0.4 * volume,
        volume_24h_usd=volume,
        funding_history=np.array([rates[:-1] for rates in payments]),
        funding_time=due[:, None] - (interval * HOUR)[:, None] * np.arange(_PAYMENTS, 0, -1),
    )


def _payments(premium: Floats, interval: int) -> Floats:
    """The last `_PAYMENTS` rates paid, then the one to be paid next, out of a contract's hourly premiums until now.

    The rate is the mean premium of the interval, drawn towards the interest by at most the clamp (Binance,
    "Introduction to Binance Futures Funding Rates": F = P + clamp(I - P, -0.05 %, 0.05 %) per 8 hours).
    """
    whole = len(premium) - len(premium) % interval
    running = premium[whole:].mean() if whole < len(premium) else premium[-1]
    mean = np.append(premium[:whole].reshape(-1, interval).mean(axis=1)[-_PAYMENTS:], running)
    rate: Floats = (mean + np.clip(_INTEREST - mean, -_CLAMP, _CLAMP)) * interval / 8
    return rate


def _round(prices: Floats, decimals: Ints) -> Floats:
    """Prices on their ticks, one number of decimals a row."""
    scale = 10.0 ** decimals.reshape(-1, *(1,) * (prices.ndim - 1))
    rounded: Floats = np.round(prices * scale) / scale
    return rounded
