"""A call whose answer is lost is sent again by botocore, beneath our code; what it meets then is its own effect."""

from typing import Any

import pytest

from opportunities.aws import clients
from opportunities.aws.store import Store
from opportunities.domain import ScanState
from opportunities.handlers import cancel, delete, discover
from tests.support.api import call, client_error, end, poll, start
from tests.support.builders import USER
from tests.support.doubles import Recorder
from tests.support.template import event
from tests.unit.conftest import Workflows

pytestmark = pytest.mark.usefixtures("lambdas")


class Twice:
    """A client that sends every write twice and passes on the second answer."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, operation: str) -> Any:
        def call_twice(**arguments: Any) -> Any:
            if operation in ("put_item", "update_item"):
                getattr(self._client, operation)(**arguments)
            return getattr(self._client, operation)(**arguments)

        return call_twice


@pytest.fixture
def lose_answers(recorded: Recorder, workflows: Workflows, monkeypatch: pytest.MonkeyPatch) -> Any:
    stand_ins = {"dynamodb": Twice(recorded), "stepfunctions": workflows}
    return lambda: monkeypatch.setattr(clients, "client", stand_ins.__getitem__)


def test_a_new_scan_is_not_called_a_reused_one(lose_answers: Any) -> None:
    lose_answers()
    code, content, _ = call(discover.handler, "discover", body="{}")
    assert (code, content["reused"]) == (202, False)


def test_a_cancelled_scan_is_not_refused_to_who_cancelled_it(lose_answers: Any) -> None:
    scan_id = start()
    lose_answers()
    code, content, _ = call(cancel.handler, "cancel", pathParameters={"scan_id": scan_id})
    assert (code, content["status"]) == (200, "cancelled")


def test_a_deleted_scan_is_not_said_to_run(lose_answers: Any, store: Store) -> None:
    scan_id = start()
    end(store, scan_id, ScanState.COMPLETE)
    lose_answers()
    answer = delete.handler({**event("delete"), "pathParameters": {"scan_id": scan_id}}, None)
    assert answer["statusCode"] == 204
    assert poll(scan_id)[0] == 404


def test_a_scan_that_runs_is_not_failed_because_the_same_request_could_not_start_it_again(
    store: Store, workflows: Workflows
) -> None:
    scan_id = start()
    workflows.error = client_error("ThrottlingException", 400)
    code, _, headers = call(discover.handler, "discover", body="{}")
    assert (code, headers["Retry-After"]) == (503, "2")
    scan = store.scan(USER, scan_id)
    assert scan is not None
    assert scan.state is ScanState.INITIATED


def test_a_scan_that_could_not_be_started_says_so_though_the_answer_of_its_failing_is_lost(
    lose_answers: Any, workflows: Workflows
) -> None:
    lose_answers()
    workflows.error = client_error("ThrottlingException", 400)
    code, content, _ = call(discover.handler, "discover", body="{}", headers={"idempotency-key": "a"})
    assert (code, "with a new Idempotency-Key" in content["detail"]) == (503, True)
