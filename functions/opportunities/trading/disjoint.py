"""Trades that need the same quotes exclude one another: which of them to keep."""

from collections.abc import Iterable
from typing import Protocol


class _Trade(Protocol):
    @property
    def kind(self) -> str: ...
    @property
    def profit_usd(self) -> float: ...
    @property
    def quotes(self) -> set[tuple[str, str]]:
        """What it trades: exchanges and symbols."""


def disjoint[T: _Trade](found: Iterable[T]) -> list[T]:
    """The most profitable first, without those that need a quote which a better one has already taken."""
    taken: set[tuple[str, str]] = set()
    kept = []
    for each in sorted(found, key=lambda each: (-each.profit_usd, each.kind, sorted(each.quotes))):
        if taken.isdisjoint(each.quotes):
            taken |= each.quotes
            kept.append(each)
    return kept
