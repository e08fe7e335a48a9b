"""The shipped definition, really executed as STANDARD and as EXPRESS."""

import re

import pytest

from opportunities.aws.items import REASON_LENGTH
from opportunities.domain import OutcomeStatus, Scan, ScanState
from tests.workflow.conftest import STRATEGIES, Finished, Rig


def outcomes(finished: Finished) -> dict[str, OutcomeStatus]:
    assert finished.scan is not None
    return {name: outcome.status for name, outcome in finished.scan.outcomes.items()}


def test_a_scan_without_trouble_is_complete(rig: Rig) -> None:
    finished = rig.run({})
    assert finished.scan is not None
    assert (finished.scan.state, finished.execution) == (ScanState.COMPLETE, "SUCCEEDED")
    assert finished.scan.snapshot_key == "windows/stand-in/0"
    assert finished.scan.reason is None
    assert outcomes(finished) == dict.fromkeys(STRATEGIES, OutcomeStatus.COMPLETE)


def test_a_strategy_that_fails_is_an_outcome_and_does_not_end_the_scan(rig: Rig) -> None:
    finished = rig.run({"risk_management": "boom"})
    assert finished.scan is not None
    assert finished.scan.state is ScanState.COMPLETE
    assert outcomes(finished) == dict.fromkeys(STRATEGIES, OutcomeStatus.COMPLETE) | {
        "risk_management": OutcomeStatus.FAILED
    }
    reason = finished.scan.outcomes["risk_management"].reason
    assert reason is not None
    # AWS names the exception's class here, the emulator its own "Runtime.HandlerError".
    assert re.match(r"[\w.]+: risk_management broke down: very", reason)
    assert len(reason) == REASON_LENGTH


def test_a_strategy_that_dies_after_it_has_written_keeps_its_outcome(rig: Rig) -> None:
    finished = rig.run({"risk_management": "dies-after"})
    assert outcomes(finished)["risk_management"] is OutcomeStatus.COMPLETE


def test_scan_without_a_market_fails_and_says_why(rig: Rig) -> None:
    finished = rig.run({"capture": "boom"})
    assert finished.scan is not None
    assert (finished.scan.state, finished.execution) == (ScanState.FAILED, "FAILED")
    assert finished.scan.reason == "no market: the exchange is closed"
    assert finished.scan.outcomes == {}


def test_scan_fails_when_every_strategy_fails(rig: Rig) -> None:
    finished = rig.run(dict.fromkeys(STRATEGIES, "boom"))
    assert finished.scan is not None
    assert (finished.scan.state, finished.scan.reason) == (ScanState.FAILED, "every strategy failed")
    assert outcomes(finished) == dict.fromkeys(STRATEGIES, OutcomeStatus.FAILED)


def test_one_that_had_written_before_all_died_keeps_the_scan_complete(rig: Rig) -> None:
    finished = rig.run({**dict.fromkeys(STRATEGIES, "boom"), "risk_management": "dies-after"})
    assert finished.scan is not None
    assert finished.scan.state is ScanState.COMPLETE


@pytest.mark.parametrize("state", [ScanState.CANCELLED, ScanState.FAILED, ScanState.COMPLETE])
def test_a_scan_that_has_ended_is_left_as_it_is(rig: Rig, state: ScanState) -> None:
    kept: list[Scan] = []
    finished = rig.run({}, before=kept.append, state=state)
    assert finished.scan == kept[0]
    assert finished.execution == "SUCCEEDED"


def test_a_scan_past_its_deadline_is_left_as_it_is(rig: Rig) -> None:
    kept: list[Scan] = []
    finished = rig.run({}, before=kept.append, deadline=1)
    assert finished.scan == kept[0]


def test_a_scan_that_is_gone_does_not_come_back(rig: Rig) -> None:
    def expire(scan: Scan) -> None:
        key = {"pk": {"S": f"USER#{scan.user_id}"}, "sk": {"S": f"SCAN#{scan.scan_id}"}}
        rig.store.table.client.delete_item(TableName=rig.store.table.name, Key=key)

    assert rig.run({}, before=expire).scan is None
