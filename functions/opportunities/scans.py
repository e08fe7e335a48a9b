"""The rules of a scan: its id, its state at a moment, how far it has come. Pure functions of a scan and a time."""

import hashlib
import json
import secrets
from dataclasses import dataclass

from opportunities import serialization
from opportunities.domain import Filters, OutcomeStatus, Scan, ScanState

# Until the deadline. The same number stands as TimeoutSeconds in infra/scan.asl.json; a test compares them.
TIMEOUT_SECONDS = 120
# How long a scan and its results can be read. Far longer than a window, so that no id is ever made twice.
LIFETIME_SECONDS = 7 * 86_400
DEADLINE_EXCEEDED = "deadline_exceeded"


def deadline_of(created_at: float) -> int:
    """When a scan that was made then has failed, unless it has ended before (epoch seconds)."""
    return int(created_at) + TIMEOUT_SECONDS


def content_id(user_id: str, filters: Filters, strategies: tuple[str, ...], investor_version: int, window: int) -> str:
    """The id that one user's identical requests of one window share: placeholder, lookup and de-duplication in one."""
    content = [user_id, serialization.filters_to_json(filters), list(strategies), investor_version, window]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())
    return f"scan_{digest.hexdigest()[:32]}"


def keyed_id(user_id: str, idempotency_key: str) -> str:
    """The id that all requests of one user with one `Idempotency-Key` share, whichever worker they reach."""
    content = ["Idempotency-Key", user_id, idempotency_key]
    digest = hashlib.sha256(json.dumps(content, separators=(",", ":")).encode())
    return f"scan_{digest.hexdigest()[:32]}"


def fingerprint(filters: Filters, *, force_refresh: bool) -> str:
    """Of a request's meaning, to tell whether a key comes with the same request again; 16 hex digits."""
    content = [serialization.filters_to_json(filters), force_refresh]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())
    return digest.hexdigest()[:16]


def execution_name(scan: Scan) -> str:
    """The workflow's name for this scan: the same for every start of one placeholder, and of no other.

    Step Functions refuses a name for 90 days. A key may come again when its scan has expired; without the time of
    creation its second scan would then never start.
    """
    return f"{scan.scan_id}-{round(1000 * scan.created_at)}"


def random_id() -> str:
    return f"scan_{secrets.token_hex(16)}"


def is_scan_id(text: str) -> bool:
    """Whether `text` has the form of an id that this service hands out."""
    prefix, _, digits = text.partition("_")
    return prefix == "scan" and len(digits) == 32 and all(digit in "0123456789abcdef" for digit in digits)


def state_at(scan: Scan, now: float) -> ScanState:
    """What the scan is at `now`: past its deadline, a scan that is not terminal has failed."""
    if not scan.state.terminal and now >= scan.deadline:
        return ScanState.FAILED
    return scan.state


def reason_at(scan: Scan, now: float) -> str | None:
    """Why the scan failed, if it has."""
    if not scan.state.terminal and now >= scan.deadline:
        return DEADLINE_EXCEEDED
    return scan.reason


def expired(scan: Scan, now: float) -> bool:
    """TTL deletes late, so whoever reads must ask."""
    return now >= scan.expires_at


@dataclass(frozen=True)
class Progress:
    """`completed` counts outcomes that are complete or skipped, `failed` the failed ones."""

    completed: int
    failed: int
    total: int
    opportunities: int

    @property
    def percentage(self) -> float:
        return round(100 * (self.completed + self.failed) / self.total, 1)


def progress(scan: Scan) -> Progress:
    outcomes = scan.outcomes.values()
    failed = sum(outcome.status is OutcomeStatus.FAILED for outcome in outcomes)
    return Progress(
        completed=len(scan.outcomes) - failed,
        failed=failed,
        total=len(scan.strategies),
        opportunities=sum(outcome.opportunities for outcome in outcomes),
    )
