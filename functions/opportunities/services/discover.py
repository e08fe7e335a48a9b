"""Starts a scan: the placeholder first, then the workflow. An equal scan is returned instead, and healed if need be."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from opportunities import scans, serialization
from opportunities.aws.store import Store
from opportunities.aws.workflow import NotStarted
from opportunities.domain import Filters, Investor, Scan, ScanState
from opportunities.errors import Conflict, InvalidRequest, ScanDeleted, TooManyRequests, Unavailable
from opportunities.services.status import POLLING_SECONDS, TYPICAL_SECONDS

if TYPE_CHECKING:
    from opportunities import responses

type StartWorkflow = Callable[[Scan, Investor, int], None]


@dataclass(frozen=True)
class Discovered:
    scan: Scan
    reused: bool


@dataclass(frozen=True)
class Discovery:
    """`catalogue` names all strategies; `start` starts the workflow; a window is `window_seconds` long.

    A caller may ask `most_per_minute` times in each minute of the clock.
    """

    store: Store
    start: StartWorkflow
    catalogue: tuple[str, ...]
    window_seconds: int
    most_per_minute: int

    def discover(
        self, user_id: str, filters: Filters, *, force_refresh: bool, idempotency_key: str | None, now: float
    ) -> Discovered:
        """The caller's scan of this key, or of these filters in this window, started.

        Raises `TooManyRequests`, `InvalidRequest` for a key that came with another request, `Conflict` for the key of
        a scan that was deleted, and `Unavailable`.
        """
        self._count(user_id, now)
        investor = self.store.investor(user_id) or Investor()
        strategies = filters.strategy_ids or self.catalogue
        window = int(now // self.window_seconds)
        if idempotency_key:
            scan_id = scans.keyed_id(user_id, idempotency_key)
        elif force_refresh:
            scan_id = scans.random_id()
        else:
            scan_id = scans.content_id(user_id, filters, strategies, investor.version, window)
        scan = Scan(
            user_id=user_id,
            scan_id=scan_id,
            state=ScanState.INITIATED,
            strategies=strategies,
            created_at=now,
            updated_at=now,
            deadline=scans.deadline_of(now),
            expires_at=int(now) + scans.LIFETIME_SECONDS,
            investor_version=investor.version,
            filters=filters,
            request=scans.fingerprint(filters, force_refresh=force_refresh) if idempotency_key else None,
        )
        scan, reused = self._claim(scan, now)
        if not reused:
            self._start(scan, investor, now)
        elif scans.state_at(scan, now) is ScanState.INITIATED and self.store.take_over(user_id, scan.scan_id, now):
            # Whoever made it may have died before it started the workflow. Starting by name makes this safe.
            self._ask_for_start(scan, investor)
        return Discovered(scan, reused)

    def _count(self, user_id: str, now: float) -> None:
        minute, second = divmod(int(now), 60)
        if not self.store.count_request(user_id, minute, self.most_per_minute):
            raise TooManyRequests(
                f"At most {self.most_per_minute} requests for scans in a minute of the clock; wait {60 - second} s.",
                retry_after_seconds=60 - second,
            )

    def _claim(self, scan: Scan, now: float) -> tuple[Scan, bool]:
        """Writes the placeholder, or finds the scan that this one would repeat: the scan, and whether it was there."""
        try:
            existing = self.store.put_scan(scan)
        except ScanDeleted as deleted:
            if scan.request:
                raise Conflict("The scan of this Idempotency-Key was deleted; use a new key.") from deleted
            return self._put_anew(scan), False
        if existing is None or existing == scan:  # botocore sends again what it got no answer to
            return scan, False
        if existing.request != scan.request:
            raise InvalidRequest(
                {"Idempotency-Key": "has come with another request before; use a new key for this one"}
            )
        ended_badly = scans.state_at(existing, now) in (ScanState.FAILED, ScanState.CANCELLED)
        if ended_badly and not existing.request:
            return self._put_anew(scan), False
        return existing, True

    def _put_anew(self, scan: Scan) -> Scan:
        fresh = replace(scan, scan_id=scans.random_id())
        self.store.put_scan(fresh)
        return fresh

    def _start(self, scan: Scan, investor: Investor, now: float) -> None:
        try:
            self._ask_for_start(scan, investor)
        except NotStarted as error:
            failed = self.store.fail_unstarted(scan.user_id, scan.scan_id, "the workflow could not be started", now)
            if failed and scan.request:
                raise Unavailable("The scan could not be started; send it again with a new Idempotency-Key.") from error
            raise

    def _ask_for_start(self, scan: Scan, investor: Investor) -> None:
        self.start(scan, investor, int(scan.created_at // self.window_seconds))


def describe(scan: Scan, now: float, *, reused: bool) -> "responses.Discovered":
    """The body of POST /opportunities/discover."""
    state = scans.state_at(scan, now)
    message = f"The scan is {state}." if state.terminal else "The scan has started."
    if reused:
        message = "The same request has made this scan before."
    if reused and state in (ScanState.FAILED, ScanState.CANCELLED):
        again = "a new Idempotency-Key" if scan.request else "sent again, it"
        message += f" It is {state}; {again} makes a new scan."
    return {
        "success": True,
        "scan_id": scan.scan_id,
        "status": state,
        "message": message,
        "poll_url": f"/opportunities/status/{scan.scan_id}",
        "results_url": f"/opportunities/results/{scan.scan_id}",
        "polling_interval_seconds": POLLING_SECONDS,
        "estimated_completion_seconds": 0 if state.terminal else TYPICAL_SECONDS,
        "filters": serialization.filters_to_json(scan.filters),
        "reused": reused,
    }
