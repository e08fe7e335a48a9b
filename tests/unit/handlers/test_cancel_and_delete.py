"""Cancelling and deleting scans through their handlers."""

import time
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from opportunities import scans
from opportunities.aws.items import StoredResult
from opportunities.aws.store import Store
from opportunities.domain import ScanState
from opportunities.handlers import cancel, delete, discover, results, status
from opportunities.handlers import list as list_handler
from tests.support.api import as_user, call, client_error, end, poll, start
from tests.support.builders import SCAN_ID, USER, outcome, scan
from tests.support.doubles import Recorder
from tests.support.template import event
from tests.unit.conftest import Workflows

pytestmark = pytest.mark.usefixtures("lambdas")


def on(handler: Any, name: str, scan_id: str, **changes: Any) -> tuple[int, dict[str, Any], dict[str, str]]:
    return call(handler, name, pathParameters={"scan_id": scan_id}, **changes)


# --------------------------------------------------------------------------------------------------------- cancel
def test_a_cancelled_scan_is_cancelled_at_once_and_its_workflow_stopped(
    recorded: Recorder, workflows: Workflows, store: Store
) -> None:
    scan_id = start()
    recorded.calls.clear()
    code, content, _ = on(cancel.handler, "cancel", scan_id)
    assert (code, content["status"]) == (200, "cancelled")
    assert recorded.operations == ["update_item"]
    assert workflows.stopped == [
        f"arn:aws:states:eu-central-1:123456789012:execution:scan:{workflows.started[0]['name']}"
    ]
    assert poll(scan_id)[1]["status"] == "cancelled"
    assert store.record_outcome(USER, scan_id, "risk_management", outcome(), time.time()) is None


def test_an_express_workflow_is_left_to_run_out(workflows: Workflows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKFLOW_TYPE", "EXPRESS")
    code, content, _ = on(cancel.handler, "cancel", start())
    assert (code, content["status"], workflows.stopped) == (200, "cancelled", [])


@pytest.mark.parametrize("state", [ScanState.COMPLETE, ScanState.FAILED, ScanState.CANCELLED])
def test_a_scan_that_has_ended_is_not_cancelled(state: ScanState, store: Store, workflows: Workflows) -> None:
    scan_id = start()
    end(store, scan_id, state)
    before = store.scan(USER, scan_id)
    code, content, _ = on(cancel.handler, "cancel", scan_id)
    assert code == 409
    assert f"it is {state}" in content["detail"]
    assert f"DELETE /opportunities/scans/{scan_id}" in content["detail"]
    assert store.scan(USER, scan_id) == before
    # Whoever cancelled it first may have died before the workflow was stopped.
    assert bool(workflows.stopped) == (state is ScanState.CANCELLED)


def test_a_scan_that_ended_at_this_very_moment_is_not_cancelled(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    store.put_scan(scan(state=ScanState.COMPLETE, updated_at=now, expires_at=int(now) + 1000))
    assert on(cancel.handler, "cancel", SCAN_ID)[0] == 409


def test_a_scan_past_its_deadline_has_failed_and_is_not_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    scan_id = start()
    later = time.time() + scans.TIMEOUT_SECONDS
    monkeypatch.setattr(time, "time", lambda: later)
    code, content, _ = on(cancel.handler, "cancel", scan_id)
    assert (code, "it is failed" in content["detail"]) == (409, True)


@pytest.mark.parametrize(
    "error", [client_error("ThrottlingException", 400), EndpointConnectionError(endpoint_url="https://states")]
)
def test_a_scan_is_cancelled_even_if_its_workflow_cannot_be_stopped(
    error: Exception, workflows: Workflows, caplog: pytest.LogCaptureFixture
) -> None:
    scan_id = start()
    workflows.error = error
    code, content, _ = on(cancel.handler, "cancel", scan_id)
    assert (code, content["status"]) == (200, "cancelled")
    (record,) = caplog.records
    assert (record.name, record.levelname, scan_id in record.getMessage()) == ("opportunities", "WARNING", True)
    assert record.exc_info


@pytest.mark.parametrize("code", ["ExecutionDoesNotExist", "ValidationException"])
def test_a_scan_whose_workflow_never_ran_or_has_just_ended_is_cancelled(code: str, workflows: Workflows) -> None:
    scan_id = start()
    workflows.error = client_error(code, 400)
    assert on(cancel.handler, "cancel", scan_id)[0] == 200


def test_the_right_to_stop_the_workflow_must_not_be_missing_unnoticed(workflows: Workflows) -> None:
    scan_id = start()
    workflows.error = client_error("AccessDeniedException", 400)
    assert on(cancel.handler, "cancel", scan_id)[0] == 500


def test_a_cancelled_scan_does_not_stand_in_the_way_of_the_same_request() -> None:
    first = start()
    on(cancel.handler, "cancel", first)
    code, content, _ = call(discover.handler, "discover", body="{}")
    assert (code, content["reused"]) == (202, False)
    assert content["scan_id"] != first


def test_result_without_its_outcome_is_not_shown(store: Store) -> None:
    scan_id = start()
    late = StoredResult("risk_management", [{"score": 1.0}], 0, 3, {}, {})
    on(cancel.handler, "cancel", scan_id)
    store.put_result(USER, scan_id, late, int(time.time()) + 1000, time.time())
    code, content, _ = on(results.handler, "results", scan_id, queryStringParameters={})
    assert (code, content["opportunities"], content["metadata"]["scan_state"]) == (200, [], "cancelled")


# --------------------------------------------------------------------------------------------------------- delete
def test_a_deleted_scan_is_gone_for_every_reader_with_its_results(store: Store) -> None:
    scan_id = start()
    store.put_result(
        USER, scan_id, StoredResult("risk_management", [], 0, 1, {}, {}), int(time.time()) + 1000, time.time()
    )
    end(store, scan_id, ScanState.COMPLETE)
    answer = delete.handler({**event("delete"), "pathParameters": {"scan_id": scan_id}}, None)
    assert (answer["statusCode"], answer.get("body")) == (204, None)
    assert store.results(USER, scan_id) == []
    for handler, name in [
        (status.handler, "status"),
        (results.handler, "results"),
        (cancel.handler, "cancel"),
        (delete.handler, "delete"),
    ]:
        assert on(handler, name, scan_id)[0] == 404
    assert call(list_handler.handler, "list", queryStringParameters={})[1]["scans"] == []
    assert store.results(USER, scan_id) == []


def test_a_running_scan_is_not_deleted() -> None:
    scan_id = start()
    code, content, _ = on(delete.handler, "delete", scan_id)
    assert code == 409
    assert f"/opportunities/cancel/{scan_id}" in content["detail"]
    assert poll(scan_id)[0] == 200


def test_the_request_of_a_deleted_scan_makes_a_new_one(store: Store) -> None:
    first = start()
    end(store, first, ScanState.COMPLETE)
    on_delete = delete.handler({**event("delete"), "pathParameters": {"scan_id": first}}, None)
    assert on_delete["statusCode"] == 204
    _, content, _ = call(discover.handler, "discover", body="{}")
    assert content["scan_id"] != first
    assert content["reused"] is False
    assert poll(content["scan_id"])[0] == 200


def test_a_deletion_that_died_halfway_is_finished_by_the_next(store: Store) -> None:
    scan_id = start()
    store.put_result(
        USER, scan_id, StoredResult("risk_management", [], 0, 1, {}, {}), int(time.time()) + 1000, time.time()
    )
    end(store, scan_id, ScanState.COMPLETE)
    scan = store.scan(USER, scan_id)
    assert scan is not None
    store.delete_scan(scan, time.time())
    assert on(delete.handler, "delete", scan_id)[0] == 204
    assert store.results(USER, scan_id) == []
    assert on(delete.handler, "delete", scan_id)[0] == 404


@pytest.mark.parametrize(("handler", "name"), [(cancel.handler, "cancel"), (delete.handler, "delete")])
def test_a_stranger_changes_nothing_and_learns_nothing(handler: Any, name: str, store: Store) -> None:
    scan_id = start()
    end(store, scan_id, ScanState.COMPLETE)
    before = store.scan(USER, scan_id)
    theirs = on(handler, name, scan_id, requestContext=as_user(name, "somebody-else"))
    unknown = on(handler, name, "scan_" + "0" * 32)
    nonsense = on(handler, name, "../../etc/passwd")
    assert theirs == unknown == nonsense
    assert theirs[0] == 404
    assert store.scan(USER, scan_id) == before


@pytest.mark.parametrize(("handler", "name"), [(cancel.handler, "cancel"), (delete.handler, "delete")])
def test_an_expired_scan_is_gone_before_ttl_deletes_it(
    handler: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan_id = start()
    later = float(int(time.time()) + scans.LIFETIME_SECONDS)
    monkeypatch.setattr(time, "time", lambda: later)
    assert on(handler, name, scan_id)[0] == 404


@pytest.mark.parametrize(
    ("handler", "name"),
    [(cancel.handler, "cancel"), (delete.handler, "delete"), (status.handler, "status"), (results.handler, "results")],
)
@pytest.mark.parametrize("scan_id", ["", "scan_", "#PROFILE", "scan_" + "g" * 32, "SCAN_" + "0" * 32, "x" * 10_000])
def test_malformed_id_is_not_looked_up(handler: Any, name: str, scan_id: str, recorded: Recorder) -> None:
    assert on(handler, name, scan_id)[0] == 404
    assert recorded.calls == []


def test_a_key_whose_scan_was_deleted_is_used_up(store: Store) -> None:
    headers = {"idempotency-key": "a"}
    _, content, _ = call(discover.handler, "discover", body="{}", headers=headers)
    end(store, content["scan_id"], ScanState.COMPLETE)
    delete.handler({**event("delete"), "pathParameters": {"scan_id": content["scan_id"]}}, None)
    code, content, _ = call(discover.handler, "discover", body="{}", headers=headers)
    assert code == 409
    assert "use a new key" in content["detail"]
