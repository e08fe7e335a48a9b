import io
import json
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from infra.local.stack.emulator import Emulator
from opportunities import scans, serialization
from opportunities.aws.dynamodb import Table
from opportunities.aws.store import Store
from opportunities.domain import Filters, Investor, Scan, ScanState
from tests.support.template import ROOT, definition, logical_id, table

ACCOUNT = "arn:aws:{service}:us-east-1:000000000000:{name}"
STRATEGIES = ("funding_arbitrage", "risk_management", "spot_momentum_strategy")
ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


@dataclass(frozen=True)
class Finished:
    """A scan after its workflow has ended."""

    scan: Scan | None
    execution: str


@dataclass(frozen=True)
class Rig:
    """The shipped definition over a real table, with Lambdas that do as their event tells them."""

    store: Store
    states: Any
    machine: dict[str, Any]  # CreateStateMachine's arguments
    state_machine_arn: str
    carried: dict[str, str] = field(default_factory=dict)  # what states before the first would have added to the input

    def starting_at(self, state: str) -> "Rig":
        """The same workflow from `state` on, as after a redrive."""
        definition = {**json.loads(self.machine["definition"]), "StartAt": state}
        name = f"{self.machine['name']}-{uuid4().hex[:8]}"
        machine = {**self.machine, "name": name, "definition": json.dumps(definition)}
        arn = self.states.create_state_machine(**machine)["stateMachineArn"]
        carried = {"snapshot_key": "windows/stand-in/0", "state": "complete", "reason": ""}
        return replace(self, machine=machine, state_machine_arn=arn, carried=carried)

    def run(self, behaviour: dict[str, str], before: Callable[[Scan], None] | None = None, **changes: Any) -> Finished:
        """Runs one scan. `behaviour` by strategy ("capture" for the market): fine, boom or dies-after."""
        now = time.time()
        scan = Scan(
            user_id="user-" + uuid4().hex,
            scan_id=scans.random_id(),
            state=ScanState.INITIATED,
            strategies=STRATEGIES,
            created_at=now,
            updated_at=now,
            deadline=int(now) + scans.TIMEOUT_SECONDS,
            expires_at=int(now) + scans.LIFETIME_SECONDS,
            investor_version=0,
            filters=Filters(snapshot=json.dumps(behaviour)),
        )
        scan = replace(scan, **changes)
        self.store.put_scan(scan)
        if before:
            before(scan)
        arn = self.states.start_execution(
            stateMachineArn=self.state_machine_arn,
            name=scans.execution_name(scan),
            input=json.dumps(serialization.execution_input(scan, Investor(), 0) | self.carried),
        )["executionArn"]
        until = time.monotonic() + 60
        while (status := self.states.describe_execution(executionArn=arn)["status"]) not in ENDED:
            assert time.monotonic() < until, "the workflow did not end"
            time.sleep(0.1)
        return Finished(self.store.scan(scan.user_id, scan.scan_id), status)


@pytest.fixture(scope="session", params=["STANDARD", "EXPRESS"])
def rig(request: pytest.FixtureRequest, ministack: Emulator) -> Rig:
    stack = f"workflow-{request.param.lower()}"
    dynamodb = ministack.client("dynamodb")
    dynamodb.create_table(TableName=stack, **table())
    role = _role(ministack, stack)
    code = _code()
    for name in ("capture", *(f"strategy-{logical_id(one)}" for one in STRATEGIES)):
        ministack.client("lambda").create_function(
            FunctionName=f"{stack}-{name}",
            Runtime="python3.13",
            Role=role,
            Handler="stand_in.handler",
            Code={"ZipFile": code},
            Timeout=20,
            Environment={"Variables": {"TABLE_NAME": stack}},
        )
    machine = definition(
        {
            "TableName": stack,
            "CaptureFunction": ACCOUNT.format(service="lambda", name=f"function:{stack}-capture"),
            "StrategyFunctionPrefix": f"{stack}-strategy-",
        }
    )
    states = ministack.client("stepfunctions")
    arguments = {"name": stack, "definition": json.dumps(machine), "roleArn": role, "type": request.param}
    arn = states.create_state_machine(**arguments)["stateMachineArn"]
    return Rig(Store(Table(dynamodb, stack)), states, arguments, arn)


def _role(ministack: Emulator, name: str) -> str:
    """May do everything: what the real roles may do is tried end to end."""
    iam = ministack.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": ["lambda.amazonaws.com", "states.amazonaws.com"]}}
    arn: str = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [{**trust, "Action": "sts:AssumeRole"}]})
    )["Role"]["Arn"]
    everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_role_policy(RoleName=name, PolicyName="everything", PolicyDocument=json.dumps(everything))
    return arn


def _code() -> bytes:
    """The stand-in beside our own package, whose store it writes its outcome with."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.write(Path(__file__).with_name("stand_in.py"), "stand_in.py")
        for path in sorted((ROOT / "functions").rglob("*.py")):
            zipped.write(path, path.relative_to(ROOT / "functions").as_posix())
    return archive.getvalue()
