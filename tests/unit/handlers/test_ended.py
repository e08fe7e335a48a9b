"""The end of an execution, as EventBridge tells it, over a table whose careless reads are stale."""

import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opportunities.api.requests import ProfileBody
from opportunities.aws.items import scan_to_item
from opportunities.aws.store import Store
from opportunities.domain import Investor, ScanState
from opportunities.errors import ScanDeleted
from opportunities.handlers import ended
from opportunities.serialization import execution_input
from tests.support.builders import SCAN_ID, USER, scan
from tests.support.doubles import Recorder
from tests.support.template import event, template

pytestmark = pytest.mark.usefixtures("lambdas")
BAD_ENDS = template()["Resources"]["EndedBadlyRule"]["Properties"]["EventPattern"]["detail"]["status"]


def ended_as(status: str, **changes: Any) -> dict[str, Any]:
    told = event("ended")
    return {**told, "detail": {**told["detail"], "status": status, **changes}}


def put(store: Store, **changes: Any) -> None:
    now = int(time.time())
    assert store.put_scan(scan(**{"deadline": now + 100, "expires_at": now + 1000} | changes)) is None


@pytest.mark.parametrize("status", BAD_ENDS)
@pytest.mark.parametrize("state", [ScanState.INITIATED, ScanState.SCANNING])
def test_a_scan_that_ran_has_failed_and_says_how(store: Store, status: str, state: ScanState) -> None:
    put(store, state=state)
    assert ended.handler(ended_as(status), None) == {"failed": True}
    found = store.scan(USER, SCAN_ID)
    assert found is not None
    word = {"FAILED": "failed", "TIMED_OUT": "timed out", "ABORTED": "was stopped"}[status]
    assert (found.state, found.reason) == (ScanState.FAILED, f"the workflow {word}")


@pytest.mark.parametrize("state", [state for state in ScanState if state.terminal])
def test_a_scan_that_had_ended_is_left_as_it_is(store: Store, state: ScanState) -> None:
    """A cancelled scan's execution is stopped; a failed one's ends in the state ScanFailed: both come by here."""
    put(store, state=state)
    before = store.scan(USER, SCAN_ID)
    assert ended.handler(ended_as("ABORTED"), None) == {"failed": False}
    assert store.scan(USER, SCAN_ID) == before


def test_a_scan_past_its_deadline_has_failed_by_the_clock_and_is_not_written(store: Store) -> None:
    put(store, deadline=int(time.time()) - 1)
    assert ended.handler(ended_as("TIMED_OUT"), None) == {"failed": False}


def test_a_scan_that_is_gone_does_not_come_back(store: Store) -> None:
    assert ended.handler(ended_as("FAILED"), None) == {"failed": False}
    assert store.scan(USER, SCAN_ID) is None


def test_a_scan_that_failed_is_logged_with_its_reason(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    put(store)
    ended.handler(ended_as("FAILED"), None)
    (logged,) = caplog.records
    assert (logged.name, logged.levelname) == ("opportunities", "ERROR")
    assert (vars(logged)["scan_id"], vars(logged)["reason"]) == (SCAN_ID, "the workflow failed")


def test_a_scan_that_was_deleted_meanwhile_stays_deleted(store: Store) -> None:
    put(store, state=ScanState.CANCELLED)
    deleted = store.scan(USER, SCAN_ID)
    assert deleted is not None
    assert store.delete_scan(deleted, time.time())
    assert ended.handler(ended_as("ABORTED"), None) == {"failed": False}
    with pytest.raises(ScanDeleted):
        store.scan(USER, SCAN_ID)


def test_repeated_event_changes_the_scan_once(store: Store, recorded: Recorder) -> None:
    put(store)
    assert [ended.handler(ended_as("FAILED"), None)["failed"] for _ in range(2)] == [True, False]
    assert recorded.operations.count("update_item") == 2


def test_an_event_without_its_input_crashes_and_is_so_kept() -> None:
    with pytest.raises(LookupError, match="runbook"):
        ended.handler(ended_as("FAILED", input=None, inputDetails={"included": False}), None)


def test_the_longest_input_there_is_stays_in_the_event() -> None:
    """Step Functions leaves an input out of the event when it is longer than 248 KiB, escaped."""
    names = [f"A{number:019}" for number in range(100)]
    exchanges = [f"exchange{number:02}".ljust(30, "x") for number in range(20)]
    fee = {"spot_maker": 0.0123456789012345, "spot_taker": 0.0123456789012345}
    fees = {name: fee | {"perpetual_maker": 0.0123456789012345, "perpetual_taker": 0.0123456789012345}
            for name in exchanges}  # fmt: skip
    body = {"capital_usd": 1e12, "holdings": dict.fromkeys(names, 1e15 / 3), "allowed_assets": names, "fees": fees}
    investor: Investor = ProfileBody.model_validate(body).investor()
    text = json.dumps(execution_input(scan(strategies=("s" * 30,) * 14), investor, 0))
    assert len(json.dumps(text)) < 248 * 1024 / 4


VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=40) | st.sampled_from(["ABORTED", "{}", "[]"])


@given(st.data())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_event_fails_the_scan_that_it_names_or_is_kept(store: Store, dynamodb: Any, data: st.DataObject) -> None:
    """The runbook says what to do with those that are kept; no other scan may be touched."""
    now = int(time.time())
    dynamodb.put_item(TableName=store.table.name, Item=scan_to_item(scan(deadline=now + 100, expires_at=now + 1000)))
    told: Any = event("ended")
    named = json.loads(told["detail"]["input"])
    names = st.sampled_from(["user_id", "scan_id", "surplus"])
    named |= data.draw(st.dictionaries(names, VALUES | st.just(named["scan_id"]), max_size=2), label="input")
    changes = st.dictionaries(st.sampled_from(sorted(told["detail"])), VALUES, max_size=2)
    told["detail"] |= {"input": json.dumps(named)} | data.draw(changes, label="detail")
    try:
        failed = ended.handler(told, None)["failed"]
    except Exception:  # noqa: BLE001 - every one: Lambda keeps the event
        failed = False
    found = store.scan(USER, SCAN_ID)
    assert found is not None
    assert found.state is (ScanState.FAILED if failed else ScanState.INITIATED)
    assert not failed or (named["user_id"], named["scan_id"]) == (USER, SCAN_ID)
    assert len(dynamodb.scan(TableName=store.table.name)["Items"]) == 1
