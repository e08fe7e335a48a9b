"""Cancels a scan: the item first, so that it is true at once, then the workflow, to save its cost."""

import logging
from collections.abc import Callable

from opportunities import scans
from opportunities.aws.store import Store
from opportunities.domain import Scan, ScanState
from opportunities.errors import Conflict, ScanDeleted, ScanNotFound, Unavailable

_logger = logging.getLogger("opportunities")

type StopWorkflow = Callable[[Scan], None]


def cancel(store: Store, stop: StopWorkflow, user_id: str, scan_id: str, now: float) -> Scan:
    """The scan, cancelled; `stop` stops its workflow, if it runs.

    Raises `ScanNotFound`, and `Conflict` if the scan has ended already.
    """
    if not scans.is_scan_id(scan_id):
        raise ScanNotFound
    try:
        scan = store.cancel_scan(user_id, scan_id, now)
    except ScanDeleted as deleted:
        raise ScanNotFound from deleted
    if scan is None or scans.expired(scan, now):
        raise ScanNotFound
    if scan.state is ScanState.CANCELLED:
        # Also when an earlier request has cancelled it: that one may have died before it got here.
        _stop(stop, scan)
    # By the time, since botocore sends again what it got no answer to, and is then refused by its own effect.
    if scan.state is not ScanState.CANCELLED or scan.updated_at != now:
        raise Conflict(
            f"The scan has ended already: it is {scans.state_at(scan, now)}. Nothing was changed; "
            f"GET /opportunities/results/{scan_id} reads it, DELETE /opportunities/scans/{scan_id} forgets it."
        )
    return scan


def _stop(stop: StopWorkflow, scan: Scan) -> None:
    try:
        stop(scan)
    except Unavailable:
        # It costs a few more invocations, and none of them can change a cancelled scan.
        _logger.warning("the workflow of %s could not be stopped", scan.scan_id, exc_info=True)
