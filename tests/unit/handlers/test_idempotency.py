"""`Idempotency-Key`: one key is one scan, whatever happens in between."""

import json
import time
from typing import Any

import pytest

from opportunities import scans
from opportunities.aws.store import Store
from opportunities.domain import ScanState
from opportunities.handlers import discover, profile
from tests.support.api import as_user, call, client_error, end, poll
from tests.support.builders import USER
from tests.unit.conftest import Workflows

pytestmark = pytest.mark.usefixtures("lambdas")


def ask(key: str, **body: Any) -> tuple[int, dict[str, Any], dict[str, str]]:
    return call(discover.handler, "discover", body=json.dumps(body), headers={"idempotency-key": key})


def test_a_key_is_one_scan_in_whatever_window_it_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    first = ask("a", symbols="BTC,ETH")[1]
    later = time.time() + 24 * 3600
    monkeypatch.setattr(time, "time", lambda: later)
    code, again, _ = ask("a", symbols=["eth", "btc"])
    assert (code, again["scan_id"], again["reused"]) == (202, first["scan_id"], True)
    assert again["status"] == "failed"  # nothing ran here, and its deadline is long past


def test_another_key_is_another_scan_and_none_is_a_third() -> None:
    asked = [ask("a"), ask("b"), call(discover.handler, "discover", body="{}")]
    assert len({content["scan_id"] for _, content, _ in asked}) == 3


def test_another_users_key_is_another_scan() -> None:
    mine = ask("a")[1]["scan_id"]
    theirs = call(
        discover.handler,
        "discover",
        body="{}",
        headers={"idempotency-key": "a"},
        requestContext=as_user("discover", "somebody-else"),
    )[1]["scan_id"]
    assert mine != theirs


def test_a_key_with_another_request_is_refused_and_changes_nothing(store: Store, workflows: Workflows) -> None:
    scan_id = ask("a", symbols="BTC")[1]["scan_id"]
    before = store.scan(USER, scan_id)
    for other in ({"symbols": "ETH"}, {}, {"symbols": "BTC", "force_refresh": True}):
        code, content, _ = ask("a", **other)
        assert code == 422
        assert "use a new key" in content["errors"]["Idempotency-Key"]
    assert store.scan(USER, scan_id) == before
    assert len(workflows.started) == 1


def test_a_changed_profile_does_not_change_what_a_key_means() -> None:
    first = ask("a")[1]["scan_id"]
    call(profile.handler, "profile-put")
    assert ask("a")[1]["scan_id"] == first


@pytest.mark.parametrize("state", [ScanState.COMPLETE, ScanState.FAILED, ScanState.CANCELLED])
def test_a_key_finds_its_scan_however_it_ended(state: ScanState, store: Store, workflows: Workflows) -> None:
    scan_id = ask("a")[1]["scan_id"]
    end(store, scan_id, state)
    _, content, _ = ask("a")
    assert (content["scan_id"], content["status"]) == (scan_id, state)
    assert ("a new Idempotency-Key makes a new scan" in content["message"]) == (state is not ScanState.COMPLETE)
    assert len(workflows.started) == 1


def test_a_request_that_died_before_it_started_the_workflow_is_healed_by_the_next(workflows: Workflows) -> None:
    workflows.error = client_error("InternalFailure", 500)
    assert ask("a")[0] == 503
    workflows.error = None
    scan_id = ask("a")[1]["scan_id"]
    assert [one["name"].partition("-")[0] for one in workflows.started] == [scan_id]


def test_a_scan_that_certainly_did_not_start_asks_for_a_new_key(workflows: Workflows) -> None:
    workflows.error = client_error("ExecutionLimitExceeded", 400)
    code, content, _ = ask("a")
    assert (code, "new Idempotency-Key" in content["detail"]) == (503, True)
    workflows.error = None
    _, content, _ = ask("a")
    assert (content["status"], poll(content["scan_id"])[1]["status"]) == ("failed", "failed")


def test_a_key_may_be_used_again_once_its_scan_has_expired(
    workflows: Workflows, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ask("a")[1]
    later = time.time() + scans.LIFETIME_SECONDS
    monkeypatch.setattr(time, "time", lambda: later)
    _, second, _ = ask("a", symbols="BTC")
    assert (second["reused"], poll(second["scan_id"])[0]) == (False, 200)
    assert first["scan_id"] == second["scan_id"]
    # Step Functions remembers names for 90 days
    assert len({one["name"] for one in workflows.started}) == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "schlüssel", "a\x00"])
def test_a_key_that_no_header_should_carry_is_refused(key: str, workflows: Workflows) -> None:
    code, content, _ = ask(key)
    assert (code, list(content["errors"]), workflows.started) == (422, ["Idempotency-Key"], [])


def test_the_longest_key_is_accepted() -> None:
    assert ask("~" * 255)[0] == 202
