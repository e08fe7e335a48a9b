"""The smallest steps that together use every permission of the service; each raises `Noticed` when it goes wrong."""

import json
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from infra.local.stack.api import Answer, Caller
from infra.local.stack.state import Stack
from opportunities import strategies
from opportunities.market.archive.file import save
from opportunities.market.simulated import simulated

_STRATEGY = "risk_management"
_SECONDS = 60
_TRIES = 8


class Noticed(Exception):
    """What a caller saw."""


class EndedFirst(Exception):
    """Every scan was over before the step could do what it is for: it shows nothing, whatever is taken away."""


class Probe:
    """The demo user of a local stack whose bucket holds one pinned snapshot; `names` are physical by logical ids."""

    def __init__(self, stack: Stack, names: dict[str, str]) -> None:
        self.stack, self.names, self.caller = stack, names, Caller(stack.api_url, stack.token)
        body = save(simulated(7, 1_795_291_200))
        stack.client("s3").put_object(Bucket=stack.bucket_name, Key="pinned/probe", Body=body)

    def call(self, expected: HTTPStatus, method: str, path: str, body: Any = None) -> Answer:
        answer = self.caller.call(method, path, body)
        if answer.status != expected:
            raise Noticed(f"{method} {path.rpartition('scan_')[0] or path} answers {answer.status}")
        return answer

    def discover(self, **body: Any) -> str:
        request = {"force_refresh": True, "strategy_ids": _STRATEGY, **body}
        return str(self.call(HTTPStatus.ACCEPTED, "POST", "/opportunities/discover", request).field("scan_id"))

    def executions(self, scan_id: str) -> Any:
        states = self.stack.client("stepfunctions")
        listed = states.list_executions(stateMachineArn=self.stack.state_machine_arn, maxResults=10)["executions"]
        return [one for one in listed if one["name"].startswith(scan_id)]

    def ended(self, scan_id: str) -> Any:
        """The status of a scan once it has ended."""
        until = time.monotonic() + _SECONDS
        while time.monotonic() < until:
            answer = self.call(HTTPStatus.OK, "GET", f"/opportunities/status/{scan_id}")
            if answer.field("status") != "scanning":
                return json.loads(answer.text)
            time.sleep(0.1)
        raise Noticed(f"no end within {_SECONDS} s")

    def complete(self, scan_id: str) -> None:
        status = self.ended(scan_id)
        outcome = status["strategies"].get(_STRATEGY, {})
        if status["status"] != "complete" or outcome.get("status") != "complete":
            why = f"{status['message']} {outcome.get('reason') or ''}".replace(scan_id, "scan_…")
            raise Noticed(why.partition("arn:")[0].strip())


def profile(probe: Probe) -> None:
    """Storing and reading the investor."""
    probe.call(HTTPStatus.OK, "PUT", "/opportunities/profile", {"capital_usd": 50_000, "holdings": {"BTC": 1}})
    probe.call(HTTPStatus.OK, "GET", "/opportunities/profile")


def pinned(probe: Probe) -> None:
    """Scanning a pinned market."""
    probe.complete(probe.discover(snapshot="probe"))


def window(probe: Probe) -> None:
    """Scanning the market of now, which nobody has captured yet, and reading the results."""
    s3, bucket = probe.stack.client("s3"), probe.stack.bucket_name
    for item in s3.list_objects_v2(Bucket=bucket, Prefix="windows/").get("Contents", []):
        s3.delete_object(Bucket=bucket, Key=item["Key"])
    scan_id = probe.discover()
    probe.complete(scan_id)
    probe.call(HTTPStatus.OK, "GET", f"/opportunities/results/{scan_id}")


def stopped(probe: Probe) -> None:
    """Failing a scan whose execution was stopped."""
    states = probe.stack.client("stepfunctions")

    def stop(scan_id: str) -> bool:
        (execution,) = probe.executions(scan_id)
        try:
            states.stop_execution(executionArn=execution["executionArn"])
        except states.exceptions.ValidationException:
            return False
        return True

    if (state := probe.ended(_while_it_runs(probe, stop))["status"]) != "failed":
        raise Noticed(f"the scan is {state}")


def cancelled(probe: Probe) -> None:
    """Cancelling a scan."""

    def cancel(scan_id: str) -> bool:
        answer = probe.caller.call("POST", f"/opportunities/cancel/{scan_id}")
        if answer.status not in (HTTPStatus.OK, HTTPStatus.CONFLICT):
            raise Noticed(f"POST /opportunities/cancel/ answers {answer.status}")
        return answer.status == HTTPStatus.OK

    scan_id = _while_it_runs(probe, cancel)
    if probe.executions(scan_id)[0]["status"] == "RUNNING":
        raise Noticed("its execution goes on")


def listed_and_deleted(probe: Probe) -> None:
    """Listing the scans, and deleting one."""
    scan_id = probe.discover()
    probe.complete(scan_id)
    probe.call(HTTPStatus.OK, "GET", "/opportunities/scans")
    probe.call(HTTPStatus.NO_CONTENT, "DELETE", f"/opportunities/scans/{scan_id}")
    probe.call(HTTPStatus.NOT_FOUND, "GET", f"/opportunities/status/{scan_id}")


def unstartable(probe: Probe) -> None:
    """Failing a scan whose workflow cannot be started."""
    role, iam = probe.names["DiscoverRole"], probe.stack.client("iam")
    before = iam.get_role_policy(RoleName=role, PolicyName="discover")["PolicyDocument"]
    unstarting = [one for one in before["Statement"] if "states:StartExecution" not in json.dumps(one["Action"])]
    cut = json.dumps({**before, "Statement": unstarting})
    request = {"strategy_ids": _STRATEGY, "min_profit_potential": time.time()}  # never asked for before
    try:
        iam.put_role_policy(RoleName=role, PolicyName="discover", PolicyDocument=cut)
        probe.call(HTTPStatus.SERVICE_UNAVAILABLE, "POST", "/opportunities/discover", request)
    finally:
        iam.put_role_policy(RoleName=role, PolicyName="discover", PolicyDocument=json.dumps(before))


def _while_it_runs(probe: Probe, do: Callable[[str], bool]) -> str:
    """The scan to which it could be done: it is False where the scan had ended first. Every strategy has a part in it,
    so that it takes its time."""
    for _ in range(_TRIES):
        scan_id = probe.discover(strategy_ids=strategies.names())
        if do(scan_id):
            return scan_id
    raise EndedFirst(f"{_TRIES} scans had ended before anything could be done to them: run it on a quieter machine")


type Step = Callable[[Probe], None]
STEPS: list[Step] = [
    profile,
    pinned,
    window,
    listed_and_deleted,
    unstartable,
    cancelled,
    stopped,
]
