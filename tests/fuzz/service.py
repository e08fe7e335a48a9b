"""The whole API on 127.0.0.1 for a fuzzer to call: the real handlers over AWS's DynamoDB Local, and a workflow that
ends at once.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from opportunities import serialization
from opportunities.api import examples
from opportunities.aws import clients
from opportunities.aws.dynamodb import Table
from opportunities.aws.items import StoredResult, scan_key
from opportunities.aws.store import Store
from opportunities.domain import OutcomeStatus, Scan, ScanState
from opportunities.services import long_poll
from tests.race.local_http import server
from tests.support import builders, dynamodb_local
from tests.support.local_api import api
from tests.support.template import table

TABLE = "opportunity-scan"
TOKENS = {"one": "a-token-of-one", "another": "a-token-of-another"}
_wait = long_poll.wait
_ENDINGS = (ScanState.COMPLETE, ScanState.COMPLETE, ScanState.FAILED, None)


class Workflows:
    """Step Functions, of which every scan's id says how it ends: half complete, a quarter fail, a quarter run on."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def start_execution(self, **arguments: Any) -> dict[str, Any]:
        task = json.loads(arguments["input"])
        user_id, scan_id = task["user_id"], task["scan_id"]
        ending = _ENDINGS[int(scan_id[-1], 16) % len(_ENDINGS)]
        for strategy in task["strategies"]:
            self._judge(user_id, scan_id, strategy, task["expires_at"])
        if ending is ScanState.FAILED:
            self._store.fail_scan(user_id, scan_id, "every strategy failed", time.time())
        elif ending:
            self._complete(user_id, scan_id)
        return {}

    def stop_execution(self, **_: Any) -> dict[str, Any]:
        return {}

    def _judge(self, user_id: str, scan_id: str, strategy: str, expires_at: int) -> None:
        found = serialization.opportunity_to_json(builders.opportunity(strategy_id=strategy)) | {"score": 0.25}
        status = tuple(OutcomeStatus)[len(strategy) % len(OutcomeStatus)]
        outcome = builders.outcome(status=status)
        if status is not OutcomeStatus.COMPLETE:
            outcome = builders.outcome(status=status, opportunities=0, best=None, reason="the market has no books")
        result = StoredResult(strategy, [found] * outcome.opportunities, 0, 50, examples.MARKET, examples.INVESTOR)
        self._store.put_result(user_id, scan_id, result, expires_at, time.time())
        self._store.record_outcome(user_id, scan_id, strategy, outcome, time.time())

    def _complete(self, user_id: str, scan_id: str) -> None:
        """As the workflow's last step does."""
        self._store.table.client.update_item(
            TableName=self._store.table.name,
            Key=scan_key(user_id, scan_id),
            UpdateExpression="SET #state = :state",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={":state": {"S": ScanState.COMPLETE}},
        )


def _impatient(scan: Scan, read: Callable[[], Scan], news: Callable[[Scan], bool], seconds: float) -> Scan:
    """A quarter of the scans would keep every caller who waits for 20 s."""
    return _wait(scan, read, news, min(seconds, 0.5))


@contextmanager
def serving() -> Iterator[tuple[str, dict[str, str]]]:
    """The address of the API while the block runs, and its users' tokens."""
    with dynamodb_local.running() as dynamodb, Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        dynamodb.create_table(TableName=TABLE, **table())
        stand_ins = {"dynamodb": dynamodb, "stepfunctions": Workflows(Store(Table(dynamodb, TABLE)))}
        long_poll.wait = _impatient
        clients.client = stand_ins.__getitem__  # type: ignore[assignment]
        os.environ |= {
            "TABLE_NAME": TABLE,
            "STATE_MACHINE_ARN": "arn:aws:states:eu-central-1:123456789012:stateMachine:scan",
            "WORKFLOW_TYPE": "STANDARD",
            "SNAPSHOT_SECONDS": "300",
            "SCANS_PER_MINUTE": "1000000",
        }
        served = server(api({token: name for name, token in TOKENS.items()}.get))
        threading.Thread(target=served.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{served.server_port}", TOKENS
        finally:
            served.shutdown()
