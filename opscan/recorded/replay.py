"""Recorded messages played back until a moment: what each instrument's book, quotes and rules then were.

What is first heard of an instrument within the minute that begins at the moment belongs to it, since a recording takes
seconds; nothing else that came in after the moment is looked at.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

from opportunities.errors import MarketDataError
from opscan.recorded import binance, deribit, hyperliquid
from opscan.recorded.depth import Depth
from opscan.recorded.events import Book, Change, Event, Ignored, Key, Listed, Numbers, best_first
from opscan.recorded.messages import Message, read_messages

MINUTE = 60
QUOTES_LAST = 15 * MINUTE
_RULES_LAST = 24 * 60 * MINUTE
_EXCHANGES = (binance, deribit, hyperliquid)
_USUAL: Mapping[str, Callable[[Key], Listed]] = {each.EXCHANGE: each.usual for each in _EXCHANGES}


@dataclass(frozen=True, eq=False)
class Observed:
    """One instrument at the moment: its rules, its book in the exchange's own unit, and its `NUMBERS`, the last of
    which was heard at `quoted` (epoch seconds; -inf where there is none).
    """

    listed: Listed
    book: Depth | None
    values: Mapping[str, float]
    quoted: float

    @property
    def key(self) -> Key:
        return self.listed.key

    @property
    def booked(self) -> float:
        """When the book was recorded; -inf where there is none."""
        return self.book.time if self.book and self.book.time is not None else -inf

    @property
    def time(self) -> float:
        """When it was last heard of."""
        return max(self.booked, self.quoted)

    @property
    def depth(self) -> Depth | None:
        """The book in units of base."""
        in_usd = self.key.inverse and self.key.section != "options"
        return self.book.in_base(self.listed.unit, inverse=in_usd) if self.book else None

    @property
    def middle(self) -> float:
        return sum(self.quotes) / 2

    @property
    def quotes(self) -> tuple[float, float]:
        """Bid and ask, NaN where there is none."""
        if self.book:
            return float(self.book.bids[0, 0]), float(self.book.asks[0, 0])
        return self.values.get("bid", float("nan")), self.values.get("ask", float("nan"))


@dataclass
class _BookState:
    """What was heard of one instrument so far; times are -inf before anything was."""

    bids: dict[float, float] = field(default_factory=dict)
    asks: dict[float, float] = field(default_factory=dict)
    update: int | None = None
    booked: float = -inf
    early: list[Change] = field(default_factory=list)
    values: dict[str, float] = field(default_factory=dict)
    quoted: float = -inf
    listed: Listed | None = None


def replay(paths: Iterable[Path], as_of: int, excluded: Counter[str]) -> list[Observed]:
    """What was heard in the last 15 minutes (of rules: in the last day) of each instrument; all else is counted. Of
    some nothing but rules was heard, or that they exist.

    Raises MarketDataError, with file and line, for what is no message, or not what its exchange sends.
    """
    heard: dict[Key, _BookState] = {}
    events = [each for path in paths for each in _named(list(_events(path, as_of, excluded)))]
    for time, event in sorted(events, key=lambda each: each[0]):  # the files of one recorder overlap in time
        if isinstance(event, Ignored):
            excluded[event.reason] += 1
        else:
            _hear(heard.setdefault(event.key, _BookState()), event, time, as_of, excluded)
    found = []
    for key, each in heard.items():
        old = each.booked < as_of - QUOTES_LAST
        if old and each.booked > -inf:
            excluded["order book of another time"] += 1
        stale = each.quoted < as_of - QUOTES_LAST
        if stale and each.quoted > -inf:
            excluded["quote of another time"] += 1
        book = None if old else _depth(key, each, excluded)
        silent = each.booked == each.quoted == -inf
        if book or not stale or each.listed or silent:
            known, quoted = ({}, -inf) if stale else (each.values, each.quoted)
            found.append(Observed(each.listed or _USUAL[key.exchange](key), book, known, quoted))
    return found


def _events(path: Path, as_of: int, excluded: Counter[str]) -> Iterator[tuple[float, Event]]:
    """What the messages until the moment's minute is over say, in the order of the file."""
    for message in read_messages(path, as_of + MINUTE, excluded):
        yield from ((message.time, event) for event in _read(message))


def _read(message: Message) -> Sequence[Event]:
    try:
        said = [event for exchange in _EXCHANGES for event in exchange.events(message)]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise MarketDataError(f"{message.where}: it is not what its exchange sends ({error!r:.120}).") from error
    if said:
        return said
    asked = message.url.netloc + message.url.path
    return [Ignored(f"answer of {asked}, which is not read" if asked else "message that is not read")]


def _named(events: list[tuple[float, Event]]) -> Iterator[tuple[float, Event]]:
    """The events; a book that does not say what it is of is of the only instrument whose changes stand beside it."""
    changing = {event.key for _, event in events if isinstance(event, Change)}
    for time, event in events:
        if not isinstance(event, Book) or event.key.symbol:
            yield time, event
        elif len(changing) == 1:
            yield time, Book(next(iter(changing)), event.bids, event.asks, event.update)
        else:
            yield time, Ignored("order book that does not say of what")


def _hear(
    heard: _BookState, event: Book | Change | Numbers | Listed, time: float, as_of: int, excluded: Counter[str]
) -> None:
    late = time > as_of
    if isinstance(event, Listed):
        if time < as_of - _RULES_LAST:
            excluded["instrument listed at another time"] += 1
        elif not late or heard.listed is None:
            heard.listed = event
    elif isinstance(event, Numbers):
        new = event.values if not late else {k: v for k, v in event.values.items() if k not in heard.values}
        if new:
            heard.values |= new
            heard.quoted = time
    elif isinstance(event, Book):
        if late and heard.booked >= as_of - QUOTES_LAST:
            return
        if heard.update is not None and event.update is not None and event.update < heard.update:
            excluded["order book with a newer one"] += 1  # an answer can be slower than the stream
            return
        heard.bids, heard.asks = dict(event.bids), dict(event.asks)
        heard.update, heard.booked = event.update, time
        waiting, heard.early = heard.early, []
        for change in waiting:
            _change(heard, change, time, excluded)
    elif heard.booked == -inf:
        heard.early.append(event)
    elif not late:
        _change(heard, event, time, excluded)


def _change(heard: _BookState, change: Change, time: float, excluded: Counter[str]) -> None:
    if heard.update is None or change.last <= heard.update:
        return
    if change.first > heard.update + 1 and change.previous != heard.update:
        excluded["order book whose changes have a gap"] += 1
        heard.update, heard.booked = None, -inf
        heard.early = [change]
        return
    heard.bids |= change.bids
    heard.asks |= change.asks
    heard.update, heard.booked = change.last, time


def _depth(key: Key, heard: _BookState, excluded: Counter[str]) -> Depth | None:
    """The book; None, and counted, where it has no two sides, or they cross."""
    if heard.booked == -inf:
        return None
    bids, asks = best_first(heard.bids, descending=True), best_first(heard.asks, descending=False)
    if not len(bids) or not len(asks):
        excluded["order book of one side"] += key.section != "options" or not heard.values
        return None
    if bids[0, 0] >= asks[0, 0]:
        excluded["crossed order book"] += 1
        return None
    return Depth(bids, asks, heard.booked)
