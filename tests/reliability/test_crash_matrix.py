"""The crash matrix, with STANDARD workflows and one sequel to each fault; `make verify` tries all of it."""

import pytest

from tests.reliability.crash_matrix import check, points, used
from tests.reliability.faults import Fault
from tests.reliability.scenarios import SCENARIOS, Scenario
from tests.reliability.world import HANDLERS


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_no_fault_in_any_call_shows_a_caller_what_is_not_so(scenario: Scenario) -> None:
    wrong = []
    # retries and polls take turns, another way round for each kind of fault and each call
    for point in list(points(scenario, "STANDARD")):
        turn = point.number + list(Fault).index(point.fault) + list(type(point.then)).index(point.then)
        if turn % 2 == 0:
            try:
                check(point)
            except AssertionError as error:
                wrong.append(f"{point}:\n    {error}")
    assert not wrong, "\n".join(wrong)


def test_every_handler_is_in_a_scenario() -> None:
    missing = set(HANDLERS) - set().union(*map(used, SCENARIOS))
    assert not missing, f"add scenarios with {missing} to tests/reliability/scenarios.py"
