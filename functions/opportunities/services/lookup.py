"""Finds the caller's scan. No other module says which ids have none."""

from opportunities import scans
from opportunities.aws.store import Store
from opportunities.domain import Scan
from opportunities.errors import ScanDeleted, ScanNotFound


def find(store: Store, user_id: str, scan_id: str, now: float) -> Scan:
    """The caller's scan as it was last written, in one consistent GetItem. Raises `ScanNotFound`."""
    if not scans.is_scan_id(scan_id):
        raise ScanNotFound
    try:
        scan = store.scan(user_id, scan_id)
    except ScanDeleted as deleted:
        raise ScanNotFound from deleted
    if scan is None or scans.expired(scan, now):
        raise ScanNotFound
    return scan
