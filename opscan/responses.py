"""The API's answers as typed values, read leniently: whatever a body lacks or gets wrong, it can still be shown.

Text from the network loses its control characters here, once, so that no answer can drive the terminal.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from opportunities.domain import Json
from opscan.view.numbers import confidence, money

RUNNING = "scanning"
TERMINAL = ("complete", "failed", "cancelled")


def text(value: Json) -> str:
    """One printable line; empty for anything that is not text or a number."""
    if not isinstance(value, str):
        amount = number(value)
        return "" if amount is None else f"{amount:g}"
    return " ".join(printable(value).split())


def printable(line: str) -> str:
    """Without control characters; what stands under each other still does."""
    return "".join(char if char.isprintable() else " " for char in line.expandtabs())


def number(value: Json) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        converted = float(value)
    except OverflowError:
        return None
    return converted if math.isfinite(converted) else None


def count(value: Json) -> int:
    """A whole number of things, 0 where there is none."""
    return max(0, int(number(value) or 0))


def moment(value: Json) -> datetime | None:
    """A point in time, written in ISO 8601 with its zone, or None."""
    try:
        parsed = datetime.fromisoformat(text(value))
        return parsed.astimezone(UTC) if parsed.tzinfo else None
    except (ValueError, OverflowError):
        return None


def mapping(value: Json) -> Mapping[str, Json]:
    """An object, empty where there is none."""
    return value if isinstance(value, dict) else {}


def items(value: Json) -> list[Json]:
    """A list, empty where there is none."""
    return value if isinstance(value, list) else []


@dataclass(frozen=True)
class Receipt:
    """What discover answered: the scan exists from now on."""

    scan_id: str
    reused: bool
    polling_seconds: float

    @classmethod
    def of(cls, body: Mapping[str, Json]) -> "Receipt":
        pause = number(body.get("polling_interval_seconds"))
        return cls(text(body.get("scan_id")), body.get("reused") is True, 1.0 if pause is None else pause)


@dataclass(frozen=True)
class StrategyState:
    """One strategy of one scan. `best` is the best find in words, `truncated` how many finds were cut."""

    name: str
    status: str
    opportunities: int
    seconds: float | None
    reason: str
    best: str
    truncated: str

    @classmethod
    def of(cls, name: str, value: Json) -> "StrategyState":
        body = mapping(value)
        duration = number(body.get("duration_ms"))
        return cls(
            text(name) or "?",
            text(body.get("status")) or "waiting",
            count(body.get("opportunities", body.get("count"))),
            None if duration is None else duration / 1000,
            text(body.get("reason")),
            _best(mapping(body.get("best"))),
            _truncated(body.get("truncated")),
        )


@dataclass(frozen=True)
class Progress:
    """How many of a scan's strategies have ended, the failed ones among them, and what was found."""

    ended: int
    failed: int
    total: int
    found: int

    @classmethod
    def of(cls, value: Json) -> "Progress":
        body = mapping(value)
        failed, total = count(body.get("strategies_failed")), count(body.get("total_strategies"))
        ended = min(count(body.get("strategies_completed")) + failed, total)
        return cls(ended, failed, total, count(body.get("opportunities_found_so_far")))


@dataclass(frozen=True)
class Status:
    """How far a scan is. `strategies` keeps the order in which the API names them."""

    scan_id: str
    state: str
    message: str
    completed: int
    total: int
    found: int
    strategies: tuple[StrategyState, ...]
    remaining_seconds: float | None
    retry_after: float | None = None

    @property
    def terminal(self) -> bool:
        return self.state in TERMINAL

    @classmethod
    def of(cls, body: Mapping[str, Json], retry_after: float | None = None) -> "Status":
        progress = Progress.of(body.get("progress"))
        strategies = tuple(StrategyState.of(name, value) for name, value in mapping(body.get("strategies")).items())
        return cls(
            text(body.get("scan_id")),
            text(body.get("status")) or RUNNING,
            text(body.get("message")),
            progress.ended,
            progress.total,
            progress.found,
            strategies,
            number(body.get("estimated_time_remaining_seconds")),
            retry_after,
        )


@dataclass(frozen=True)
class ListedScan:
    """One of the caller's scans, as the list of them tells it. `filters` are the request's fields that were given."""

    scan_id: str
    state: str
    reason: str
    created_at: datetime | None
    progress: Progress
    filters: Mapping[str, Json]

    @classmethod
    def of(cls, value: Json) -> "ListedScan":
        body = mapping(value)
        return cls(
            text(body.get("scan_id")),
            text(body.get("status")),
            text(body.get("reason")),
            moment(body.get("created_at")),
            Progress.of(body.get("progress")),
            mapping(body.get("filters")),
        )


def explained(strategy: StrategyState, *, local: bool) -> str:
    """Why a strategy found nothing; one that failed on the local stack has left a log that tells more."""
    if strategy.status != "failed" or not local:
        return strategy.reason
    return f"{strategy.reason or 'no reason given'}; its log: `opscan logs --strategy {strategy.name}`"


def _best(body: Mapping[str, Json]) -> str:
    if not body:
        return ""
    profit, sure = number(body.get("profit_potential_usd")), number(body.get("confidence_score"))
    name = f"{text(body.get('symbol'))} {text(body.get('opportunity_type'))}".strip()
    return f"{name} ${money(profit)}, confidence {confidence(sure)}"


def _truncated(value: Json) -> str:
    if value is True:
        return "some"
    cut = count(value)
    return f"{cut}" if cut else ""
