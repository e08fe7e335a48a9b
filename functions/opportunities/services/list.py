"""Lists a caller's scans, newest first, each as it is now."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from opportunities import scans, serialization
from opportunities.aws.store import Position, Store
from opportunities.domain import Scan
from opportunities.serialization import timestamp
from opportunities.services import pagination
from opportunities.services.status import progress_of, shown

if TYPE_CHECKING:
    from opportunities import responses

# Clocks differ a little; a scan that another worker has just made must not be missing.
_CLOCK_SKEW_SECONDS = 60
# A page that filters out nearly everything ends early instead of reading all there is.
_MOST_READS = 5


def list_scans(
    store: Store,
    user_id: str,
    now: float,
    *,
    limit: int,
    cursor: str | None,
    states: Collection[str],
    since: float | None,
    until: float | None,
) -> "responses.ScanList":
    """The body of GET /opportunities/scans. `since` and `until` are inclusive; no `states` means any."""
    earliest = max(since or 0.0, now - scans.LIFETIME_SECONDS)
    latest = now + _CLOCK_SKEW_SECONDS
    if until is not None:
        latest = min(until, latest)
    position = pagination.position(cursor) if cursor else None
    if position and position.created_at > latest:
        position = None  # of a list that went on to a later moment: this one begins below it
    chosen: list[Scan] = []
    # A cursor's scan may have expired since; DynamoDB refuses to go on from outside of the range.
    reads = _MOST_READS if earliest <= (position.created_at if position else latest) else 0
    for _ in range(reads):
        found, position = store.list_scans(user_id, earliest, latest, limit=limit, after=position)
        chosen += [scan for scan in found if _matches(scan, states, now)]
        if position is None or len(chosen) >= limit:
            break
    if len(chosen) > limit:
        chosen = chosen[:limit]
        position = Position(chosen[-1].created_at, chosen[-1].scan_id)
    return {
        "success": True,
        "scans": [summary(scan, now) for scan in chosen],
        "next_cursor": pagination.after_scan(position) if reads and position else None,
    }


def _matches(scan: Scan, states: Collection[str], now: float) -> bool:
    return not scans.expired(scan, now) and (not states or shown(scans.state_at(scan, now)) in states)


def summary(scan: Scan, now: float) -> "responses.ScanSummary":
    state = scans.state_at(scan, now)
    return {
        "scan_id": scan.scan_id,
        "status": shown(state),
        "reason": scans.reason_at(scan, now),
        "progress": progress_of(scan),
        "filters": serialization.filters_to_json(scan.filters),
        "created_at": timestamp(scan.created_at),
        "last_updated": timestamp(scan.updated_at),
        "expires_at": timestamp(scan.expires_at),
        "poll_url": f"/opportunities/status/{scan.scan_id}",
        "results_url": f"/opportunities/results/{scan.scan_id}",
    }
