"""The whole API on 127.0.0.1 for a fuzzer: the real handlers, AWS's DynamoDB Local, and workflows that end at once."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from opportunities.aws import clients
from opportunities.aws.dynamodb import Table
from opportunities.aws.store import Store
from opportunities.domain import Outcome, OutcomeStatus, Scan, ScanState
from opportunities.services import long_poll
from tests.support import builders, dynamodb_local
from tests.support.local_api import api
from tests.support.local_http import server
from tests.support.template import table
from tests.support.workflow_steps import WorkflowSteps, deliver

TABLE = "opportunity-scan"
TOKENS = {"one": "a-token-of-one", "another": "a-token-of-another"}
_wait = long_poll.wait
_ENDINGS = (ScanState.COMPLETE, ScanState.COMPLETE, ScanState.FAILED, None)


class Workflows:
    """Step Functions for a fuzzer: a scan has run when its start returns, so that any next request may meet its end.

    The scan's id says which: half complete, a quarter fail, a quarter run on.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._steps = WorkflowSteps(store.table)

    def start_execution(self, **arguments: Any) -> dict[str, Any]:
        task = json.loads(arguments["input"])
        user_id, scan_id = task["user_id"], task["scan_id"]
        ending = _ENDINGS[int(scan_id[-1], 16) % len(_ENDINGS)]
        for strategy in task["strategies"]:
            deliver(self._store, user_id, scan_id, strategy, _outcome(strategy), expires_at=task["expires_at"])
        if ending:
            reason = "every strategy failed" if ending is ScanState.FAILED else ""
            self._steps.end(user_id, scan_id, ending, reason)
        return {}

    def stop_execution(self, **_: Any) -> dict[str, Any]:
        return {}


def _outcome(strategy: str) -> Outcome:
    status = tuple(OutcomeStatus)[len(strategy) % len(OutcomeStatus)]
    if status is OutcomeStatus.COMPLETE:
        return builders.outcome()
    return builders.outcome(status=status, opportunities=0, best=None, reason="the market has no books")


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
