"""The interpreter of tests/reliability does with the shipped definition what MiniStack does."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from moto import mock_aws

from opportunities.aws import clients
from opportunities.aws.dynamodb import Table
from opportunities.aws.store import Store
from tests.reliability.step_functions import StepFunctions
from tests.support.moto_direct import DirectDynamoDB
from tests.support.template import definition, table
from tests.workflow import stand_in
from tests.workflow.conftest import STRATEGIES, Finished, Rig

CASES: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({}, {}),
    ({"risk_management": "boom"}, {}),
    ({"risk_management": "dies-after"}, {}),
    ({"capture": "boom"}, {}),
    (dict.fromkeys(STRATEGIES, "boom"), {}),
    ({**dict.fromkeys(STRATEGIES, "boom"), "risk_management": "dies-after"}, {}),
    ({}, {"state": "cancelled"}),
    ({}, {"state": "complete"}),
    ({}, {"deadline": 1}),
]


@pytest.mark.parametrize(("behaviour", "changes"), CASES, ids=[json.dumps(case) for case in CASES])
def test_interpreter_ends_scans_as_the_emulator_does(
    rig: Rig, behaviour: dict[str, str], changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    emulated = rig.run(behaviour, **changes)
    with mock_aws():
        dynamodb = DirectDynamoDB()
        dynamodb.create_table(TableName="t", **table())
        monkeypatch.setenv("TABLE_NAME", "t")
        monkeypatch.setattr(clients, "client", {"dynamodb": dynamodb}.__getitem__)
        machine = definition({"TableName": "t", "CaptureFunction": "capture", "StrategyFunctionPrefix": "strategy-"})
        states = StepFunctions(
            machine,
            kind="STANDARD",
            invoke=lambda _name, payload: stand_in.handler(payload, None),
            dynamodb=dynamodb,
            now=time.time,
            wait=lambda _seconds: None,
            ended=lambda _execution: None,
        )
        interpreted = replace(rig, store=Store(Table(dynamodb, "t")), states=states).run(behaviour, **changes)
    assert _told(interpreted) == _told(emulated)


def _told(finished: Finished) -> Any:
    """All that does not differ from run to run; AWS and the interpreter name an exception as the emulator does not."""
    scan = finished.scan
    assert scan is not None
    outcomes = {
        name: (one.status, one.opportunities, (one.reason or "").partition(": ")[2][:40])
        for name, one in scan.outcomes.items()
    }
    return finished.execution, scan.state, scan.reason, scan.snapshot_key, outcomes
