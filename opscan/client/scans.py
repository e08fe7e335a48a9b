"""What the API says of scans: the receipt of a new one, how far one is, and the list of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from opportunities.domain import Json
from opscan.client.values import count, items, mapping, moment, number, text

RUNNING = "scanning"
TERMINAL = ("complete", "failed", "cancelled")


@dataclass(frozen=True)
class Receipt:
    """What discover answers: the scan exists from now on. `reused` says that an earlier request has made it."""

    scan_id: str
    reused: bool
    polling_seconds: float

    @classmethod
    def of(cls, body: Mapping[str, Json]) -> "Receipt":
        pause = number(body.get("polling_interval_seconds"))
        return cls(text(body.get("scan_id")), body.get("reused") is True, 1.0 if pause is None else pause)


@dataclass(frozen=True)
class Best:
    """The best opportunity of one strategy, in short. The profit is None for what only reduces a risk."""

    symbol: str
    opportunity_type: str
    profit_potential_usd: float | None
    confidence_score: float | None

    @classmethod
    def of(cls, value: Json) -> "Best | None":
        body = mapping(value)
        if not body:
            return None
        return cls(
            text(body.get("symbol")),
            text(body.get("opportunity_type")),
            number(body.get("profit_potential_usd")),
            number(body.get("confidence_score")),
        )


@dataclass(frozen=True)
class StrategyState:
    """One strategy of one scan. `truncated` is how many of its finds were not kept."""

    strategy_id: str
    status: str
    opportunities: int
    examined: int
    seconds: float | None
    reason: str
    best: Best | None
    truncated: int

    @classmethod
    def of(cls, name: str, value: Json) -> "StrategyState":
        body = mapping(value)
        duration = number(body.get("duration_ms"))
        return cls(
            strategy_id=text(name) or "?",
            status=text(body.get("status")) or "waiting",
            opportunities=count(body.get("opportunities", body.get("count"))),
            examined=count(body.get("examined")),
            seconds=None if duration is None else duration / 1000,
            reason=text(body.get("reason")),
            best=Best.of(body.get("best")),
            truncated=count(body.get("truncated")),
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
    """How far a scan is. `state` is "scanning", "complete", "failed" or "cancelled"; strategies as the API orders them.

    `document` is the whole answer.
    """

    scan_id: str
    state: str
    message: str
    progress: Progress
    strategies: tuple[StrategyState, ...]
    remaining_seconds: float | None
    document: Mapping[str, Json] = field(repr=False, default_factory=dict)

    @property
    def terminal(self) -> bool:
        return self.state in TERMINAL

    @classmethod
    def of(cls, body: Mapping[str, Json]) -> "Status":
        return cls(
            scan_id=text(body.get("scan_id")),
            state=text(body.get("status")) or RUNNING,
            message=text(body.get("message")),
            progress=Progress.of(body.get("progress")),
            strategies=tuple(StrategyState.of(name, each) for name, each in mapping(body.get("strategies")).items()),
            remaining_seconds=number(body.get("estimated_time_remaining_seconds")),
            document=body,
        )


@dataclass(frozen=True)
class ScanSummary:
    """One of the caller's scans, as the list of them tells it. `filters` are the request's fields that were given."""

    scan_id: str
    state: str
    reason: str
    created_at: datetime | None
    progress: Progress
    filters: Mapping[str, Json]

    @classmethod
    def of(cls, value: Json) -> "ScanSummary":
        body = mapping(value)
        return cls(
            text(body.get("scan_id")),
            text(body.get("status")),
            text(body.get("reason")),
            moment(body.get("created_at")),
            Progress.of(body.get("progress")),
            mapping(body.get("filters")),
        )


@dataclass(frozen=True)
class ScanList:
    """The caller's scans, newest first. `more` says whether there are older ones; `document` is the whole answer."""

    scans: tuple[ScanSummary, ...]
    more: bool
    document: Mapping[str, Json] = field(repr=False)

    def __iter__(self) -> Iterator[ScanSummary]:
        return iter(self.scans)

    def __len__(self) -> int:
        return len(self.scans)

    @classmethod
    def of(cls, document: Mapping[str, Json]) -> "ScanList":
        scans = tuple(map(ScanSummary.of, items(document.get("scans"))))
        return cls(scans, bool(text(document.get("next_cursor"))), document)
