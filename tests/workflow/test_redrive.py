"""What an operator or a lost answer repeats: a state is entered once more, and the scan is what it was."""

import pytest

from opportunities import scans
from opportunities.domain import Scan, ScanState
from tests.support.template import definition
from tests.support.workflow_steps import WorkflowSteps
from tests.workflow.conftest import Rig

STATES = [name for name, state in definition()["States"].items() if state["Type"] in ("Task", "Map")]


@pytest.mark.parametrize("start_at", STATES)
@pytest.mark.parametrize("state", [ScanState.FAILED, ScanState.CANCELLED])
def test_an_execution_redriven_from_any_state_does_not_bring_its_scan_back(
    rig: Rig, start_at: str, state: ScanState
) -> None:
    """The emulator cannot redrive; an execution that starts where the other stopped does the same."""
    kept: list[Scan] = []
    finished = rig.starting_at(start_at).run({}, before=kept.append, state=state)
    assert finished.scan == kept[0]
    assert finished.execution == "SUCCEEDED"


def test_a_scan_that_somebody_else_runs_is_left_to_them(rig: Rig) -> None:
    def begin(scan: Scan) -> None:
        _begun_by(rig, scan, "somebody-else")

    finished = rig.run({}, before=begin)
    assert finished.scan is not None
    assert (finished.scan.state, finished.scan.outcomes) == (ScanState.SCANNING, {})
    assert finished.execution == "SUCCEEDED"


@pytest.mark.parametrize("rig", ["STANDARD"], indirect=True)
def test_a_beginning_whose_answer_was_lost_is_known_again(rig: Rig) -> None:
    """An execution's id ends with its name; on EXPRESS with something that nobody can foretell."""
    finished = rig.run({}, before=lambda scan: _begun_by(rig, scan, scans.execution_name(scan)))
    assert finished.scan is not None
    assert finished.scan.state is ScanState.COMPLETE


def _begun_by(rig: Rig, scan: Scan, execution: str) -> None:
    assert WorkflowSteps(rig.store.table).begin(scan.user_id, scan.scan_id, "windows/stand-in/0", execution)
