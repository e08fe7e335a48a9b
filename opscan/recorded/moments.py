"""Choice of the recorded order books and option chains that belong to a moment, with what was assumed of them.

A recording takes seconds: one that is stamped within the minute that begins at the moment belongs to it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import starmap
from math import inf, nan
from pathlib import Path

import numpy as np

from opportunities.errors import MarketDataError
from opportunities.market.option_chains import Contract, Quote, options_section, with_forwards
from opportunities.market.snapshot import Options
from opportunities.market.universe import unfit
from opscan.recorded import deribit
from opscan.recorded.catalogue import BookFile, Catalogue
from opscan.recorded.chains import read_export, read_snapshot
from opscan.recorded.depth import read_depth
from opscan.recorded.events import Key
from opscan.recorded.replay import MINUTE, QUOTES_LAST, Observed

_CHAINS_LAST = 24 * 60 * MINUTE
_QUOTED = ("mark", "forward", "index", "bid_size", "ask_size", "mark_iv", "open_interest_usd", "volume_24h_usd")


@dataclass(frozen=True)
class RecordedOptions:
    """`time` is None where only exports were found, which do not say theirs."""

    section: Options
    time: int | None
    assumptions: dict[str, str]


def books_of(files: Sequence[BookFile], as_of: int, exchange: str, excluded: Counter[str]) -> list[Observed]:
    """The newest book of each symbol that is at most 15 minutes old; others are counted.

    A book without a time of its own has the latest of those that were recorded with it.
    """
    read = [(file, read_depth(file.path)) for file in files]
    times: dict[object, float] = {}
    for file, book in read:
        if book.time is not None:
            times[file.recording] = max(book.time, times.get(file.recording, 0.0))
    found: dict[Key, Observed] = {}
    for file, book in read:
        key = Key(exchange, file.instrument.key.symbol)
        time = times.get(file.recording) if book.time is None else book.time
        if time is None:
            excluded["order book without a time"] += 1
        elif not as_of - QUOTES_LAST <= time < as_of + MINUTE:
            excluded["order book of another time"] += 1
        elif key in found and time <= found[key].booked:
            excluded["order book with a newer one"] += 1
        else:
            excluded["order book with a newer one"] += key in found
            found[key] = Observed(replace(file.instrument, key=key), replace(book, time=time), {}, -inf)
    return list(found.values())


def merged(observed: Iterable[Observed], as_of: int, excluded: Counter[str]) -> dict[Key, Observed]:
    """What is known of each market that belongs in a snapshot: recorded rules before assumed ones, the newest book, and
    the newest of each number. Markets that do not belong, that have expired, or of which neither book nor number is
    known, are counted.
    """
    found: dict[Key, Observed] = {}
    for each in sorted(observed, key=lambda each: each.quoted):
        if before := found.get(each.key):
            excluded["order book with a newer one"] += bool(before.book and each.book)
            instrument = before.instrument if each.instrument.assumed else each.instrument
            newest = max(before, each, key=lambda one: one.booked)
            found[each.key] = Observed(instrument, newest.book, {**before.values, **each.values}, each.quoted)
        else:
            found[each.key] = each
    for key, each in list(found.items()):
        reason = unfit(key.base, key.quote, key.settle) if each.book or each.values else "instrument without a quote"
        if not reason and key.terms and key.expiry <= as_of:
            reason = "expired"
        if reason:
            excluded[reason] += 1
            del found[key]
    return found


def options_of(
    files: Catalogue,
    as_of: int,
    observed: Iterable[Observed],
    prices: Mapping[str, float],
    excluded: Counter[str],
) -> RecordedOptions | None:
    """The newest chain of the last day, exports of expiries that it lacks, and recorded messages of options that none
    of these has; None where there are none at all.

    `prices` are the coins' prices in USD at the moment. Raises MarketDataError for two exports of one expiry.
    """
    until = as_of + MINUTE
    current = [file for file in files.chains if as_of - _CHAINS_LAST <= file.time < until]
    excluded["option chain of another time"] += len(files.chains) - len(current)
    newest = max(current, key=lambda file: file.time, default=None)
    excluded["option chain with a newer one"] += len(current) - bool(newest)
    chain = read_snapshot(newest.path, until, excluded) if newest else None
    live = [quote for quote in chain.quotes if quote.contract.expiry > as_of] if chain else []
    known = {(quote.contract.coin, quote.contract.expiry) for quote in live}
    exported: list[Quote] = []
    origin: dict[tuple[str, int], Path] = {}
    for path in files.exports:
        for quote in read_export(path, as_of, prices, excluded).quotes:
            expiry = quote.contract.coin, quote.contract.expiry
            if expiry not in known:
                if (first := origin.setdefault(expiry, path)) != path:
                    raise MarketDataError(f"{path}: it records the same as {first}; leave one of them out.")
                exported.append(quote)
    recorded = {quote.contract for quote in (*live, *exported)}
    quoted = {_contract(each): each for each in observed if _contract(each) not in recorded}
    quotes, derived = with_forwards([*live, *exported, *starmap(_quote, quoted.items())])
    if not quotes:
        return None
    section = options_section(quotes, deribit.EXCHANGE)
    assumptions = {}
    if derived:
        said = ", ".join(f"{coin} {datetime.fromtimestamp(expiry, UTC):%Y-%m-%d}" for coin, expiry in derived)
        assumptions["option forwards"] = f"by put-call parity, as no future was recorded, of {said}"
    if chain and chain.time is not None and live:
        late = chain.time - as_of
        assumptions["options"] = f"the chain was recorded {abs(late)} s {'after' if late > 0 else 'before'} the moment"
    if exported:
        said = ", ".join(
            _export(quotes, key) for key in sorted({(q.contract.coin, q.contract.expiry) for q in exported})
        )
        assumptions["exported options"] = (
            f"taken to be of this moment, as the exports say no time and their forwards fit its prices: {said}; "
            "volatilities are the middle of bid and ask"
        )
    times = [chain.time] if chain and chain.time is not None and live else []
    times += [int(each.time) for each in quoted.values()]
    return RecordedOptions(section, max(times, default=None), assumptions)


def _contract(option: Observed) -> Contract:
    _, strike, kind = option.key.terms
    return Contract(option.key.base, option.key.expiry, float(strike), kind == "C")


def _quote(contract: Contract, option: Observed) -> Quote:
    bid, ask = option.quotes
    values = {name: option.values.get(name, nan) for name in _QUOTED}
    known = {"tick": option.instrument.tick, "lot": option.instrument.lot}
    return Quote(contract, bid, ask, **values, **known)


def _export(quotes: Sequence[Quote], key: tuple[str, int]) -> str:
    """How far an exported expiry's forward lies from its coin's price."""
    own = [quote for quote in quotes if (quote.contract.coin, quote.contract.expiry) == key]
    premium = float(np.median([quote.forward / quote.index - 1 for quote in own]))
    return f"{key[0]} {datetime.fromtimestamp(key[1], UTC):%Y-%m-%d} ({premium:+.2%})"
