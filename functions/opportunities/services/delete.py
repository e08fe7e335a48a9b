"""Deletes a scan that has ended: first the scan, so that nobody can read it, then its results."""

from opportunities import scans
from opportunities.aws.store import Store
from opportunities.errors import Conflict, ScanDeleted, ScanNotFound
from opportunities.services import lookup


def delete(store: Store, user_id: str, scan_id: str, now: float) -> None:
    """Deletes the caller's scan, or what is left of it. Raises `ScanNotFound`, and `Conflict` while it runs."""
    try:
        scan = lookup.find(store, user_id, scan_id, now)
    except ScanNotFound as unknown:
        # The request that deleted it may have died in between.
        if isinstance(unknown.__cause__, ScanDeleted) and store.delete_results(user_id, scan_id):
            return
        raise
    if not scans.state_at(scan, now).terminal or not store.delete_scan(scan, now):
        raise Conflict(f"The scan runs: POST /opportunities/cancel/{scan_id} ends it, then it can be deleted.")
    store.delete_results(user_id, scan_id)
