"""The whole service in one process: its handlers and its state machine over moto, on a clock that stands still."""

import importlib
import io
import json
import pkgutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from opportunities import handlers, strategies
from opportunities.aws import clients, metrics
from opportunities.aws.dynamodb import Table
from opportunities.aws.store import Store
from opportunities.domain import Findings, Investor
from opportunities.errors import MarketUnavailable, Unsuitable
from opportunities.handlers import capture, strategy
from opportunities.market.snapshot import MarketSnapshot
from opportunities.services import long_poll
from opportunities.services.strategy import StrategyRunner
from tests.reliability.faults import Faults, Killed
from tests.reliability.step_functions import Execution, StepFunctions
from tests.support.builders import NOW, opportunity
from tests.support.moto_direct import DirectDynamoDB
from tests.support.template import definition, event, table

TABLE = "opportunity-scan"
STRATEGIES = ("funding_arbitrage", "risk_management", "spot_momentum_strategy")
HANDLERS = {
    name: importlib.import_module(f"opportunities.handlers.{name}")
    for _, name, _ in pkgutil.iter_modules(handlers.__path__)
}
_MACHINE = definition({"TableName": TABLE, "CaptureFunction": "capture", "StrategyFunctionPrefix": "strategy-"})
# What takes an event of EventBridge is tried thrice by Lambda before it goes to the dead-letter queue.
_DELIVERIES = 3


@contextmanager
def in_process(kind: str = "STANDARD") -> Iterator["World"]:
    """A fresh world over moto."""
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        dynamodb = DirectDynamoDB()
        dynamodb.create_table(TableName=TABLE, **table())
        yield World(patch, dynamodb, kind)


class World:
    """`behaviour` says by strategy ("capture" for the market) what it does: fine (unsaid), boom or skip."""

    def __init__(self, patch: pytest.MonkeyPatch, dynamodb: Any, kind: str = "STANDARD") -> None:
        self.now = NOW
        self.behaviour: dict[str, str] = {}
        self.used: set[str] = set()
        self.faults = Faults(partial(self.pass_time, 0.005))
        self.store = Store(Table(dynamodb, TABLE))  # for looking on, without faults
        self.workflows = StepFunctions(
            _MACHINE,
            kind=kind,
            invoke=self.invoke,
            dynamodb=self.faults.client("workflow.dynamodb", dynamodb),
            now=self.clock,
            wait=self.pass_time,
            ended=self._tell_ended,
        )
        stand_ins = {
            "dynamodb": self.faults.client("dynamodb", dynamodb),
            "s3": self.faults.client("s3", Bucket()),
            "stepfunctions": self.faults.client("stepfunctions", self.workflows),
        }
        self._patch = patch
        for name, value in {
            "TABLE_NAME": TABLE,
            "STATE_MACHINE_ARN": "arn:aws:states:eu-central-1:123456789012:stateMachine:scan",
            "WORKFLOW_TYPE": kind,
            "SNAPSHOT_SECONDS": "300",
            "SCANS_PER_MINUTE": "1000000",
            "SNAPSHOT_BUCKET": "snapshots",
            "MARKET_SOURCE": "simulated",
            "SIMULATION_SEED": "7",
        }.items():
            patch.setenv(name, value)
        patch.setattr(clients, "client", stand_ins.__getitem__)
        patch.setattr(time, "time", self.clock)
        patch.setattr(metrics, "count", lambda *_, **__: None)
        patch.setattr(long_poll, "wait", partial(long_poll.wait, clock=self.clock, sleep=self._sleep))
        patch.setattr(strategies, "load", self._find)
        patch.setattr(strategy, "StrategyRunner", partial(StrategyRunner, clock=self.clock))
        patch.setattr(capture, "simulated", self._market)

    # -------------------------------------------------------------------------------------------------- the clock
    def clock(self) -> float:
        return self.now

    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    def _sleep(self, seconds: float) -> None:
        """While a handler sleeps, the workflows go on."""
        self.pass_time(seconds)
        for execution in self.workflows.running():
            self.workflows.advance(execution)

    def settle(self) -> None:
        """Runs all workflows to their ends, and the clock past every deadline."""
        self.workflows.run()
        self.pass_time(1000)
        for execution in list(self.workflows.executions.values()):
            self.workflows.time_out(execution)

    # ------------------------------------------------------------------------------------------------ the callers
    def call(self, name: str, user: str, *, event_name: str = "", **changes: Any) -> dict[str, Any] | None:
        """The API's answer to `user`, its body parsed; None if the process was killed."""
        self.used.add(name)
        request: Any = {**event(event_name or name), **changes}
        if "authorizer" in request["requestContext"]:
            request["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] = user
        try:
            answer: dict[str, Any] = HANDLERS[name].handler(request, None)
        except Killed:
            return None
        return {**answer, "body": json.loads(answer["body"]) if answer.get("body") else None}

    def on(self, name: str, user: str, scan_id: str, **changes: Any) -> dict[str, Any] | None:
        return self.call(name, user, pathParameters={"scan_id": scan_id}, **changes)

    def discover(self, user: str, *, key: str | None = None, wait: int = 0, **body: Any) -> dict[str, Any] | None:
        headers = {**({"idempotency-key": key} if key else {}), **({"prefer": f"wait={wait}"} if wait else {})}
        body = {"strategy_ids": list(STRATEGIES), **body}
        return self.call("discover", user, headers=headers, body=json.dumps(body))

    def started(self, user: str, **arguments: Any) -> str:
        """The id of a scan that was asked for without any fault."""
        answer = self.discover(user, **arguments)
        assert answer is not None
        assert answer["statusCode"] == 202, answer
        scan_id: str = answer["body"]["scan_id"]
        return scan_id

    # ------------------------------------------------------------------------------------------------- the Lambdas
    def invoke(self, function: str, payload: Any) -> Any:
        name, _, which = function.partition("-")
        self.used.add(name)
        self._patch.setenv("STRATEGY", which)
        return HANDLERS[name].handler(payload, None)

    def _tell_ended(self, execution: Execution) -> None:
        detail = {
            "executionArn": execution.arn,
            "name": execution.name,
            "status": execution.status,
            "input": execution.input,
        }
        tries = (self._delivered({"source": "aws.states", "detail": detail}) for _ in range(_DELIVERIES))
        any(tries)  # until one succeeds

    def _delivered(self, message: Any) -> bool:
        try:
            self.invoke("ended", message)
        except (Killed, Exception):  # noqa: BLE001 - whatever it was, Lambda delivers again
            return False
        return True

    def _find(self, name: str) -> Callable[[MarketSnapshot, Investor], Findings]:
        def find(_market: MarketSnapshot, _investor: Investor) -> Findings:
            match self.behaviour.get(name):
                case "boom":
                    raise ZeroDivisionError(f"{name} broke down")
                case "skip":
                    raise Unsuitable("the market lacks what it needs")
            found = (opportunity(strategy_id=name), opportunity(strategy_id=name, symbol="ETH/USDT"))
            return Findings(found, examined=50)

        strategy._market.cache_clear()  # every invocation may be the first of a fresh environment
        return find

    def _market(self, _seed: int, captured_at: int) -> MarketSnapshot:
        if self.behaviour.get("capture") == "boom":
            raise MarketUnavailable("the exchanges do not answer")
        return MarketSnapshot(captured_at=captured_at, source="simulated", fees={})


class Bucket:
    """An S3 client of one bucket that keeps objects in a dictionary; moto's own is used in tests/unit."""

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}

    def head_object(self, **arguments: Any) -> dict[str, Any]:
        if arguments["Key"] not in self._objects:
            raise _refused("404", 404)
        return {}

    def put_object(self, **arguments: Any) -> dict[str, Any]:
        assert arguments["IfNoneMatch"] == "*"
        if arguments["Key"] in self._objects:
            raise _refused("PreconditionFailed", 412)
        self._objects[arguments["Key"]] = arguments["Body"]
        return {}

    def get_object(self, **arguments: Any) -> dict[str, Any]:
        return {"Body": io.BytesIO(self._objects[arguments["Key"]])}


def _refused(code: str, status: int) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "S3")
