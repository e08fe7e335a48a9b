"""Two identical requests at once, of which Step Functions refuses the first: its scan is the second's too."""

from collections.abc import Callable
from typing import Any

import pytest

from opportunities.aws.store import Store
from opportunities.domain import ScanState
from opportunities.handlers import cancel, delete, discover
from tests.support.api import call, client_error
from tests.support.builders import USER
from tests.support.template import event
from tests.support.workflow_steps import WorkflowSteps
from tests.unit.conftest import Workflows

pytestmark = pytest.mark.usefixtures("lambdas")


@pytest.fixture(params=[{}, {"idempotency-key": "a"}], ids=["by content", "by key"])
def ask(request: pytest.FixtureRequest) -> Callable[[], tuple[int, dict[str, Any], dict[str, str]]]:
    return lambda: call(discover.handler, "discover", body="{}", headers=request.param)


@pytest.fixture
def while_the_first_is_refused(workflows: Workflows, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes something happen while the first StartExecution is on its way; then it is refused."""
    accept = workflows.start_execution

    def refuse_after(happens: Callable[[], Any]) -> None:
        def start_execution(**_: Any) -> Any:
            monkeypatch.setattr(workflows, "start_execution", accept)
            happens()
            raise client_error("ThrottlingException", 400)

        monkeypatch.setattr(workflows, "start_execution", start_execution)

    return refuse_after


def only_scan(store: Store) -> Any:
    (found,), _ = store.list_scans(USER, 0, 1e10, limit=9, after=None)
    return found


def test_the_first_does_not_fail_what_the_second_has_started(
    ask: Any, while_the_first_is_refused: Any, workflows: Workflows, store: Store
) -> None:
    twins = []
    while_the_first_is_refused(lambda: twins.append(ask()))
    code, content, headers = ask()
    assert (code, headers["Retry-After"]) == (503, "2")
    assert "send the same request again" in content["detail"]
    ((twin_code, twin, _),) = twins
    assert (twin_code, len(workflows.started)) == (202, 1)
    assert (only_scan(store).scan_id, only_scan(store).state) == (twin["scan_id"], ScanState.INITIATED)
    # and it is told the truth: the same request again finds the scan
    assert ask()[1]["scan_id"] == twin["scan_id"]


def test_nobody_fails_a_scan_that_neither_could_start_before_its_deadline(
    ask: Any, while_the_first_is_refused: Any, workflows: Workflows, store: Store
) -> None:
    def twin() -> None:
        workflows.error = client_error("ThrottlingException", 400)
        assert ask()[0] == 503

    while_the_first_is_refused(twin)
    assert ask()[0] == 503
    assert only_scan(store).state is ScanState.INITIATED
    workflows.error = None
    assert (ask()[0], len(workflows.started)) == (202, 1)


def test_begun_scan_is_not_started_once_more(
    ask: Any, workflows: Workflows, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan_id = ask()[1]["scan_id"]
    take_over = Store.take_over

    def begin_first(self: Store, *arguments: Any) -> bool:
        assert WorkflowSteps(store.table).begin(USER, scan_id, "windows/any/0", "any")
        return take_over(self, *arguments)

    monkeypatch.setattr(Store, "take_over", begin_first)
    assert (ask()[0], len(workflows.started)) == (202, 1)


def test_a_scan_that_was_deleted_meanwhile_stays_deleted(
    ask: Any, while_the_first_is_refused: Any, store: Store
) -> None:
    def end_it() -> None:
        scan_id = only_scan(store).scan_id
        assert call(cancel.handler, "cancel", pathParameters={"scan_id": scan_id})[0] == 200
        delete.handler({**event("delete"), "pathParameters": {"scan_id": scan_id}}, None)

    while_the_first_is_refused(end_it)
    assert ask()[0] == 409
    assert store.list_scans(USER, 0, 1e10, limit=9, after=None)[0] == []
