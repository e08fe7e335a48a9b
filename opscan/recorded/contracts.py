"""Perpetuals and dated futures of a recorded snapshot, made of candles, funding and quotes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nan

import numpy as np

from opportunities.market.snapshot import Futures, Perpetuals
from opportunities.market.timeframes import BARS, DAY, GRACE, HOUR, timeframes
from opscan.recorded.catalogue import Market
from opscan.recorded.events import Key
from opscan.recorded.recordings import Bars, Payments, read_bars, read_payments
from opscan.recorded.sections import Markets, Moment, book_first, books, hourly, last_price, quotes, rules, volumes

_TIMEFRAMES = ("1h", "4h")
_USUAL_HOURS = 8

type Prices = Mapping[str, float]
"""What was recorded of spot prices or indices in USD, by pair ("BTC/USDT") and by base ("BTC")."""


@dataclass(frozen=True, eq=False)
class Contract:
    """A perpetual's recordings; `mark` is None where none was recorded for the hour of the last trade."""

    key: Key
    bars: Bars
    mark: float | None
    payments: Payments
    interval: int


def contracts(
    series: Sequence[tuple[Market, Bars]], exchange: str, as_of: int, excluded: Counter[str]
) -> dict[Key, Contract]:
    """The perpetuals whose last funding payment is no older than their interval; the others are counted."""
    found = {}
    for market, bars in series:
        payments = read_payments(market.funding, as_of) if market.funding else None
        if payments is None or len(payments.time) < 2:
            excluded["no funding history"] += 1
            continue
        interval = int(payments.time[-1] - payments.time[-2])
        if payments.time[-1] + interval + GRACE < as_of:
            excluded["stale"] += 1
            continue
        key = Key(exchange, market.symbol)
        found[key] = Contract(key, bars, _mark(market, bars, as_of), payments, interval)
    return dict(sorted(found.items(), key=lambda item: item[0].symbol))


def perpetuals_section(listed: Mapping[Key, Contract], observed: Markets, prices: Prices, moment: Moment) -> Perpetuals:
    """At least one contract's, those with a book first; the last `BARS` funding payments.

    A contract that was only quoted has no candles and no payments, and the funding rate that was observed, if any; it
    is taken to be for 8 hours, where that is not said.
    """
    keys = book_first(listed, observed)
    known = [listed.get(key) for key in keys]
    bars = [each.bars if each else None for each in known]
    said = [observed[key].values if key in observed else {} for key in keys]
    last = np.array([last_price(each, observed.get(key)) for key, each in zip(keys, bars, strict=True)])
    mark = np.array(
        [
            values.get("mark", each.mark if each and each.mark is not None else price)
            for each, values, price in zip(known, said, last.tolist(), strict=True)
        ]
    )
    periods = min(BARS, max((len(each.payments.time) for each in listed.values()), default=0))
    history, times = np.full((len(keys), periods), np.nan), np.zeros((len(keys), periods), dtype=np.int64)
    for i, each in enumerate(known):
        if each:
            payments = len(each.payments.time[-periods:])
            history[i, -payments:] = each.payments.rate[-payments:]
            times[i, -payments:] = each.payments.time[-payments:]
    interval = [
        each.interval if each else (_USUAL_HOURS if _unsaid(values) else values.get("funding_hours", nan)) * HOUR
        for each, values in zip(known, said, strict=True)
    ]
    bid, ask = quotes(keys, last, observed, moment)
    candles = hourly(bars)
    longer = timeframes(candles) if candles else {}
    return Perpetuals(
        symbols=tuple(key.symbol for key in keys),
        exchanges=tuple(key.exchange for key in keys),
        bid=bid,
        ask=ask,
        mark=mark,
        index=np.array(
            [
                values.get("index", _index(key, prices, own))
                for key, values, own in zip(keys, said, mark.tolist(), strict=True)
            ]
        ),
        funding_rate=np.array(
            [
                values.get("funding_rate", float(each.payments.rate[-1]) if each else nan)
                for each, values in zip(known, said, strict=True)
            ]
        ),
        funding_interval_hours=np.array(interval) / HOUR,
        next_funding_time=np.array(
            [
                _due(moment.as_of, seconds, int(each.payments.time[-1]) if each else 0, values.get("next_funding_time"))
                for each, values, seconds in zip(known, said, interval, strict=True)
            ],
            dtype=np.int64,
        ),
        inverse=np.array([key.inverse for key in keys], dtype=np.int64),
        open_interest_usd=np.array([values.get("open_interest_usd", nan) for values in said]),
        volume_24h_usd=volumes(keys, bars, observed),
        funding_history=history,
        funding_time=times,
        candles={name: longer[name] for name in _TIMEFRAMES if name in longer},
        books=books(keys, observed),
        rules=rules(keys, observed),
    )


def futures_section(observed: Markets, prices: Prices, moment: Moment) -> Futures:
    """At least one dated future's, all of which were only quoted."""
    keys = sorted(observed, key=lambda key: (key.symbol, key.exchange))
    said = [observed[key].values for key in keys]
    last = np.array([last_price(None, observed[key]) for key in keys])
    bid, ask = quotes(keys, last, observed, moment)
    mark = np.array([values.get("mark", price) for values, price in zip(said, last.tolist(), strict=True)])
    return Futures(
        symbols=tuple(key.symbol for key in keys),
        exchanges=tuple(key.exchange for key in keys),
        bid=bid,
        ask=ask,
        mark=mark,
        index=np.array([values.get("index", _index(key, prices, nan)) for key, values in zip(keys, said, strict=True)]),
        expiry=np.array([key.expiry for key in keys], dtype=np.int64),
        inverse=np.array([key.inverse for key in keys], dtype=np.int64),
        open_interest_usd=np.array([values.get("open_interest_usd", nan) for values in said]),
        volume_24h_usd=volumes(keys, [None] * len(keys), observed),
        rules=rules(keys, observed),
    )


def assumptions(
    listed: Mapping[Key, Contract], observed: Markets, prices: Prices, underlying: Prices
) -> dict[str, str]:
    """What `perpetuals_section` assumed of `prices`, and `futures_section` of the `underlying`."""
    said: dict[str, str] = {}
    quoted = {key: each.values for key, each in observed.items()}
    keys = list({**listed, **quoted})
    intervals = ["the time between the last two payments"] if listed else []
    if listed:
        said["funding rates"] = "the last rate paid is taken as the estimate of the next, where none was recorded"
    if usual := [key for key in keys if key not in listed and _unsaid(quoted[key])]:
        intervals.append(f"{_USUAL_HOURS} hours, as neither said nor shown, for {_names(usual)}")
    if intervals:
        said["funding intervals"] = "; ".join(intervals)
    unstated = [key for key in keys if "index" not in quoted.get(key, {})]
    unpriced = [key for key in unstated if not isfinite(_index(key, prices, nan))]
    indices = ["the spot market's last price, or the index beside the options"] if len(unpriced) < len(unstated) else []
    if own := [key for key in unpriced if key.section == "perpetuals"]:
        indices.append(f"the mark for {_names(own)}")
    if others := [key for key in unpriced if key not in own and isfinite(_index(key, underlying, nan))]:
        indices.append(f"the mark of their coin's perpetual for {_names(others)}")
    if indices:
        said["indices"] = "; ".join(indices)
    unmarked = [
        key for key in keys if "mark" not in quoted.get(key, {}) and (key not in listed or listed[key].mark is None)
    ]
    if unmarked:
        said["marks"] = f"the last trade or the middle of bid and ask, as no mark was recorded, for {_names(unmarked)}"
    listings = [each.instrument for each in observed.values() if each.instrument.assumed]
    if sized := [each.key for each in listings if each.key.inverse and isfinite(each.contract_size)]:
        said["contract sizes"] = f"100 USD of BTC and 10 USD of other coins, as Binance has them, for {_names(sized)}"
    return said


def _unsaid(values: Mapping[str, float]) -> bool:
    """Whether a funding rate was quoted without the hours that it is for."""
    return "funding_rate" in values and "funding_hours" not in values


def _names(keys: Sequence[Key]) -> str:
    return ", ".join(sorted({key.symbol for key in keys}))


def _index(key: Key, prices: Prices, otherwise: float) -> float:
    pair = key.symbol.partition(":")[0]
    return prices.get(pair, prices.get(key.base, otherwise) if key.inverse else otherwise)


def _due(as_of: int, interval: float, paid: int, stated: float | None) -> int:
    """When funding is paid next, 0 where unknown; nobody pays more seldom than once a day."""
    if stated is not None and as_of < stated <= as_of + DAY:
        return int(stated)
    return paid + int(interval) * (1 + (as_of - paid) // int(interval)) if interval > 0 else 0


def _mark(market: Market, bars: Bars, as_of: int) -> float | None:
    if not market.marks:
        return None
    path, seconds = market.marks
    marks = read_bars(path, seconds, as_of, volume=False)
    closed_together = len(marks.open_time) and marks.open_time[-1] + seconds == bars.open_time[-1] + HOUR
    return float(marks.close[-1]) if closed_together else None
