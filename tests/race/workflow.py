"""Step Functions for a race: over HTTP, each scan's writes in the order and as often as its plan says.

No machine repeats, reorders and loses steps at will; here that is what is tried.
"""

import json
import random
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from opportunities.aws import clients
from opportunities.aws.dynamodb import Table
from opportunities.aws.store import Store
from opportunities.domain import ScanState
from tests.race.plans import FAILURE, Course, delivered, plan
from tests.race.processes import TABLE, Site
from tests.support.local_http import Reply, Request
from tests.support.workflow_steps import WorkflowSteps, deliver

_BEGIN_SECONDS, _STRATEGY_SECONDS, _LATE_SECONDS = 0.01, 0.04, 0.03


def step_functions(_site: Site) -> Callable[[Request], Reply]:
    """Starts by name, as AWS does: the same start again is the same execution, another one of that name is refused."""
    started: dict[str, str] = {}
    starting = threading.Lock()

    def respond(request: Request) -> Reply:
        asked = json.loads(request.body)
        if request.headers["x-amz-target"].endswith(".StopExecution"):
            return _answered(200, {"stopDate": time.time()})  # the strategies that run already come late
        with starting:
            before = started.setdefault(asked["name"], asked["input"])
            is_new = before is asked["input"]
        if is_new:
            threading.Thread(target=_run, args=(json.loads(asked["input"]),)).start()
        elif before != asked["input"]:
            return _answered(400, {"__type": "ExecutionAlreadyExists", "message": "another input"})
        return _answered(200, {"executionArn": f"arn:of:{asked['name']}", "startDate": time.time()})

    return respond


def _answered(status: int, content: dict[str, Any]) -> Reply:
    return Reply(status, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(content).encode())


def _run(execution: dict[str, Any]) -> None:
    user_id, scan_id = execution["user_id"], execution["scan_id"]
    planned = plan(scan_id)
    if not planned.runs:
        return
    table = Table(clients.client("dynamodb"), TABLE)
    steps = WorkflowSteps(table)
    writers = _Writers(Store(table), steps, user_id, scan_id, execution["expires_at"])
    _pause(_BEGIN_SECONDS)
    if not planned.courses:
        steps.end(user_id, scan_id, ScanState.FAILED, "no market: the exchange is closed")
        return
    steps.begin(user_id, scan_id, "windows/race/0", scan_id)
    writes: list[Callable[[], None]] = []
    late: list[Callable[[], object]] = []
    for name, course in planned.courses.items():
        match course:
            case Course.ONCE:
                writes.append(partial(writers.deliver, name, 1))
            case Course.TWICE:
                writes += [partial(writers.deliver, name, 1), partial(writers.deliver, name, 2)]
            case Course.DIES:
                writes.append(partial(writers.fail, name))
                late.append(partial(writers.deliver, name, 1))
            case Course.DIES_AFTER:
                writes.append(partial(writers.deliver_and_fail, name))
    _at_once(writes, _STRATEGY_SECONDS)
    steps.end(user_id, scan_id, planned.ending, "every strategy failed" if planned.ending is ScanState.FAILED else "")
    # a state that is retried after its effect was done, with another ending to make it show
    late.append(partial(steps.end, user_id, scan_id, ScanState.FAILED, "repeated"))
    _at_once(late, _LATE_SECONDS)


def _at_once(writes: Iterable[Callable[[], object]], within_seconds: float) -> None:
    """Each on a thread of its own, begun at a random moment, and all waited for."""
    threads = [threading.Thread(target=_some_time, args=(write, within_seconds)) for write in writes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _some_time(write: Callable[[], object], within_seconds: float) -> None:
    _pause(within_seconds)
    write()


def _pause(at_most_seconds: float) -> None:
    time.sleep(random.uniform(0, at_most_seconds))  # noqa: S311


@dataclass(frozen=True)
class _Writers:
    """Who writes to one scan: its strategies' Lambdas, and the workflow for those that fail."""

    store: Store
    steps: WorkflowSteps
    user_id: str
    scan_id: str
    expires_at: int

    def deliver(self, strategy: str, number: int) -> None:
        """The n-th delivery of one strategy: the result first, the outcome last."""
        outcome = delivered(strategy, number)
        deliver(self.store, self.user_id, self.scan_id, strategy, outcome, expires_at=self.expires_at)

    def fail(self, strategy: str) -> None:
        self.steps.record_failure(self.user_id, self.scan_id, strategy, FAILURE)

    def deliver_and_fail(self, strategy: str) -> None:
        self.deliver(strategy, 1)
        self.fail(strategy)
