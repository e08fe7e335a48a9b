"""Which recorded order books and option chains belong to a moment, and what of them was assumed.

A recording takes seconds: one that is stamped within the minute that begins at the moment belongs to it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from opportunities.market.chains import Quote, options_section, with_forwards
from opportunities.market.recorded.catalogue import BookFile, Catalogue
from opportunities.market.recorded.chains import read_export, read_snapshot
from opportunities.market.recorded.depth import Depth, read_depth
from opportunities.market.snapshot import Options

_MINUTE = 60
_BOOKS_LAST = 15 * _MINUTE
_CHAINS_LAST = 24 * 60 * _MINUTE
_EXCHANGE = "deribit"


@dataclass(frozen=True)
class RecordedOptions:
    """`time` is None where only exports were found, which do not say theirs."""

    section: Options
    time: int | None
    assumptions: dict[str, str]


def books_of(files: Sequence[BookFile], as_of: int, excluded: Counter[str]) -> dict[str, Depth]:
    """The newest book of each symbol that is at most 15 minutes old; others are counted.

    A book without a time of its own has the latest of those that were recorded with it.
    """
    read = [(file, read_depth(file.path)) for file in files]
    times: dict[object, float] = {}
    for file, book in read:
        if book.time is not None:
            times[file.recording] = max(book.time, times.get(file.recording, 0.0))
    found: dict[str, Depth] = {}
    for file, book in read:
        time = times.get(file.recording) if book.time is None else book.time
        if time is None:
            excluded["order book without a time"] += 1
        elif not as_of - _BOOKS_LAST <= time < as_of + _MINUTE:
            excluded["order book of another time"] += 1
        elif file.symbol not in found or time > (found[file.symbol].time or 0.0):
            found[file.symbol] = replace(book, time=time)
    return found


def options_of(
    files: Catalogue, as_of: int, prices: Mapping[str, float], excluded: Counter[str]
) -> RecordedOptions | None:
    """The newest chain of the last day, and exports of expiries that it lacks; None where there is neither.

    `prices` are the coins' prices in USD at the moment.
    """
    until = as_of + _MINUTE
    current = [file for file in files.chains if as_of - _CHAINS_LAST <= file.time < until]
    excluded["option chain of another time"] += len(files.chains) - len(current)
    newest = max(current, key=lambda file: file.time, default=None)
    excluded["option chain with a newer one"] += len(current) - bool(newest)
    chain = read_snapshot(newest.path, until, excluded) if newest else None
    live = [quote for quote in chain.quotes if quote.contract.expiry > as_of] if chain else []
    known = {(quote.contract.coin, quote.contract.expiry) for quote in live}
    exported = [
        quote
        for path in files.exports
        for quote in read_export(path, as_of, prices, excluded).quotes
        if (quote.contract.coin, quote.contract.expiry) not in known
    ]
    quotes, derived = with_forwards([*live, *exported])
    if not quotes:
        return None
    section = options_section(quotes, _EXCHANGE)
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
    return RecordedOptions(section, chain.time if chain and live else None, assumptions)


def _export(quotes: Sequence[Quote], key: tuple[str, int]) -> str:
    """How far an exported expiry's forward lies from its coin's price."""
    own = [quote for quote in quotes if (quote.contract.coin, quote.contract.expiry) == key]
    premium = float(np.median([quote.forward / quote.index - 1 for quote in own]))
    return f"{key[0]} {datetime.fromtimestamp(key[1], UTC):%Y-%m-%d} ({premium:+.2%})"
