"""Spot section of a recorded snapshot, and what all sections share: series on one grid of hours, quotes, rules."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from opportunities.market.archive.columns import CANDLES, RULES
from opportunities.market.snapshot import Books, Candles, Rules, Spot
from opportunities.market.timeframes import CANDLES_LAST, HOUR, timeframes
from opportunities.maths.arrays import Floats
from opscan.recorded.catalogue import Market
from opscan.recorded.depth import stacked
from opscan.recorded.events import Key
from opscan.recorded.recordings import Bars, read_bars
from opscan.recorded.replay import Observed

type Markets = Mapping[Key, Observed]


@dataclass(frozen=True)
class Moment:
    """What was asked for; `exchange` is that of the candles, `half_spread` a fraction of the price."""

    as_of: int
    exchange: str
    half_spread: float


def fresh(markets: Sequence[Market], as_of: int, excluded: Counter[str]) -> list[tuple[Market, Bars]]:
    """The markets with the newest bar that any of them has, and that is no older than candles last; the others are
    counted in `excluded`.
    """
    series = [(market, read_bars(market.candles, HOUR, as_of)) for market in markets]
    listed = [(market, bars) for market, bars in series if len(bars.open_time)]
    newest = max((int(bars.open_time[-1]) for _, bars in listed), default=0)
    end = max(newest, as_of - CANDLES_LAST)
    kept = [(market, bars) for market, bars in listed if bars.open_time[-1] >= end]
    excluded["not listed yet"] += len(series) - len(listed)
    excluded["stale"] += len(listed) - len(kept)
    return kept


def spot_section(series: Sequence[tuple[Market, Bars]], observed: Markets, moment: Moment) -> Spot:
    """At least one market's, those with a book first; bars on the hours from the first bar of any to the last of all.

    A market without bars has NaN bars, and the volume and last price that were observed, or the middle of its quotes.
    """
    bars = {Key(moment.exchange, market.symbol): each for market, each in series}
    keys = book_first(bars, observed)
    known = [bars.get(key) for key in keys]
    last = np.array([last_price(each, observed.get(key)) for key, each in zip(keys, known, strict=True)])
    candles = hourly(known)
    bid, ask = quotes(keys, last, observed, moment)
    return Spot(
        symbols=tuple(key.symbol for key in keys),
        exchanges=tuple(key.exchange for key in keys),
        bid=bid,
        ask=ask,
        last=last,
        volume_24h_usd=volumes(keys, known, observed),
        candles=timeframes(candles) if candles else {},
        books=books(keys, observed),
        rules=rules(keys, observed),
    )


def book_first(with_bars: Mapping[Key, object], observed: Markets) -> list[Key]:
    """All markets: those with a book by symbol, then those with bars in their order, then what is only quoted."""
    booked = sorted((key for key, each in observed.items() if each.book), key=lambda key: (key.symbol, key.exchange))
    quoted = sorted((key for key in observed if key not in with_bars), key=lambda key: (key.symbol, key.exchange))
    return list(dict.fromkeys([*booked, *with_bars, *quoted]))


def last_price(bars: Bars | None, observed: Observed | None) -> float:
    """The last close, or the last price that was observed, or the middle of bid and ask; NaN without any."""
    if bars is not None:
        return float(bars.close[-1])
    return observed.values.get("last", observed.middle) if observed else float("nan")


def quotes(keys: Sequence[Key], last: Floats, observed: Markets, moment: Moment) -> tuple[Floats, Floats]:
    """Best bids and asks: those observed, or half the assumed spread around the last price."""
    bid, ask = last * (1 - moment.half_spread), last * (1 + moment.half_spread)
    for i, key in enumerate(keys):
        if key in observed and np.isfinite(observed[key].quotes).all():
            bid[i], ask[i] = observed[key].quotes
    return bid, ask


def volumes(keys: Sequence[Key], bars: Sequence[Bars | None], observed: Markets) -> Floats:
    """USD traded in the last 24 hours, NaN where unknown."""
    own = (observed[key].values.get("volume_24h_usd", np.nan) if key in observed else np.nan for key in keys)
    return np.array(
        [
            stated if each is None else float((each.close * each.volume)[-24:].sum())
            for each, stated in zip(bars, own, strict=True)
        ]
    )


def books(keys: Sequence[Key], observed: Markets) -> Books | None:
    """The books of the first markets, which are those that have one."""
    found = [observed[key].depth for key in keys if key in observed]
    return stacked([depth for depth in found if depth]) if any(found) else None


def rules(keys: Sequence[Key], observed: Markets) -> Rules | None:
    """What was recorded of the markets' orders, NaN where nothing was; None where that is so of all."""
    instruments = [observed[key].instrument if key in observed else None for key in keys]
    if not any(each and (np.isfinite(each.tick) or each.key.inverse) for each in instruments):
        return None
    return Rules(*(np.array([getattr(each, name) if each else np.nan for each in instruments]) for name in RULES))


def hourly(series: Sequence[Bars | None]) -> Candles | None:
    """One grid for all series, which end together, NaN where one has not begun; None where there is none at all."""
    known = [bars for bars in series if bars is not None]
    if not known:
        return None
    begin = min(int(bars.open_time[0]) for bars in known)
    end = int(known[0].open_time[-1]) + HOUR
    columns = {name: np.full((len(series), (end - begin) // HOUR), np.nan) for name in CANDLES}
    for i, bars in enumerate(series):
        for name, column in columns.items():
            if bars is not None:
                column[i, -len(bars.open_time) :] = getattr(bars, name)
    return Candles(seconds=HOUR, open_time=np.arange(begin, end, HOUR, dtype=np.int64), **columns)
