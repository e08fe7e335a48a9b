"""Lambda entry point for executions that ended badly: EventBridge tells of one, and its scan fails if it still runs."""

import json
import logging
import time
from collections.abc import Mapping
from typing import Any

from opportunities import settings
from opportunities.aws import clients
from opportunities.aws.dynamodb import Table
from opportunities.aws.store import Store
from opportunities.errors import ScanDeleted

_logger = logging.getLogger("opportunities")

_REASONS = {
    "FAILED": "the workflow failed",
    "TIMED_OUT": "the workflow timed out",
    "ABORTED": "the workflow was stopped",
}


def handler(event: Mapping[str, Any], _context: object) -> dict[str, bool]:
    """Answers whether the scan was still running. What cannot be done crashes: Lambda retries, then keeps the event."""
    execution = event["detail"]
    if execution["input"] is None:
        # An execution's input is a few KB, and only one beyond 248 KB is left out.
        raise LookupError(f"the event does not carry the input of {execution['executionArn']}: look it up, see runbook")
    scan = json.loads(execution["input"])
    reason = _REASONS[execution["status"]]
    store = Store(Table(clients.client("dynamodb"), settings.table_name()))
    try:
        failed = store.fail_scan(scan["user_id"], scan["scan_id"], reason, time.time())
    except ScanDeleted:  # cancelled, then deleted, before this event came
        failed = False
    if failed:
        _logger.error("a scan has failed", extra={"scan_id": scan["scan_id"], "reason": reason})
    return {"failed": failed}
