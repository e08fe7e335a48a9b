"""The capture and strategy Lambdas for tests of the workflow alone: the `snapshot` filter tells them what to do."""

import json
import time
from typing import Any

from opportunities import settings
from opportunities.aws import clients
from opportunities.aws.dynamodb import Table
from opportunities.aws.store import Store
from opportunities.domain import Outcome, OutcomeStatus


def handler(event: dict[str, Any], _context: object) -> dict[str, str]:
    if "strategy" not in event:
        if json.loads(event["snapshot"]).get("capture") == "boom":
            raise RuntimeError("the exchange is closed")
        return {"snapshot_key": "windows/stand-in/0"}
    name = event["strategy"]
    behaviour = json.loads(event["filters"]["snapshot"]).get(name, "fine")
    if behaviour == "boom":
        raise RuntimeError(f"{name} broke down: " + "very " * 40 + "badly")
    store = Store(Table(clients.client("dynamodb"), settings.table_name()))
    outcome = Outcome(OutcomeStatus.COMPLETE, opportunities=2, duration_ms=5)
    standing = store.record_outcome(event["user_id"], event["scan_id"], name, outcome, time.time())
    if behaviour == "dies-after":
        raise RuntimeError("out of memory")
    return {"status": standing.status if standing else "late"}
