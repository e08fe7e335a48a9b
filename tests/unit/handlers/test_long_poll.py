"""`Prefer: wait=N`: the long poll of status and discover."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from opportunities import scans
from opportunities.aws.store import Store
from opportunities.domain import ScanState
from opportunities.handlers import discover, status
from opportunities.services import long_poll
from tests.support.api import call, end, start
from tests.support.builders import NOW, USER, outcome, scan
from tests.support.doubles import Recorder

pytestmark = pytest.mark.usefixtures("lambdas")


class Clock:
    """A clock that only sleeping moves; what is due happens in between."""

    def __init__(self) -> None:
        self.now = time.time()
        self.slept: list[float] = []
        self.due: list[tuple[float, Callable[[], Any]]] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        for moment, happens in [*self.due]:
            if moment <= self.now:
                self.due.remove((moment, happens))
                happens()

    def after(self, seconds: float, happens: Callable[[], Any]) -> None:
        self.due.append((self.now + seconds, happens))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time", lambda: clock.now)
    patient = long_poll.wait

    def wait(*arguments: Any) -> Any:
        return patient(*arguments, clock=lambda: clock.now, sleep=clock.sleep)

    monkeypatch.setattr(long_poll, "wait", wait)
    return clock


def poll(scan_id: str, prefer: str | None) -> tuple[int, dict[str, Any], dict[str, str]]:
    headers = {} if prefer is None else {"prefer": prefer}
    return call(status.handler, "status", pathParameters={"scan_id": scan_id}, headers=headers)


def test_a_waiting_caller_is_answered_as_soon_as_a_strategy_ends(clock: Clock, store: Store) -> None:
    scan_id = start()
    clock.after(5, lambda: store.record_outcome(USER, scan_id, "risk_management", outcome(), clock.now))
    before = clock.now
    _, content, headers = poll(scan_id, "wait=20")
    assert content["progress"]["strategies_completed"] == 1
    assert clock.now - before < 5 + long_poll.LONGEST_PAUSE
    assert headers["Preference-Applied"] == "wait=20"


def test_a_waiting_caller_is_answered_as_soon_as_the_scan_ends(clock: Clock, store: Store) -> None:
    scan_id = start()
    clock.after(3, lambda: end(store, scan_id, ScanState.COMPLETE))
    _, content, headers = poll(scan_id, "wait=20")
    assert content["status"] == "complete"
    assert "Retry-After" not in headers


def test_long_poll_tells_the_truth_after_the_time_asked_for(clock: Clock, recorded: Recorder) -> None:
    scan_id = start()
    before, reads = clock.now, len(recorded.calls)
    code, content, headers = poll(scan_id, "wait=7")
    assert (code, content["status"], headers["Retry-After"]) == (200, "scanning", "1")
    assert clock.now - before == pytest.approx(7)
    looked = recorded.calls[reads:]
    assert {operation for operation, _, _ in looked} == {"get_item"}
    assert all(arguments["ConsistentRead"] for _, arguments, _ in looked)
    assert len(looked) < 15


def test_the_deadline_is_news_too(clock: Clock) -> None:
    scan_id = start()
    clock.now += scans.TIMEOUT_SECONDS - 3
    _, content, _ = poll(scan_id, "wait=20")
    assert content["status"] == "failed"
    assert clock.slept
    assert sum(clock.slept) < 5


def test_a_scan_that_has_ended_is_told_at_once(clock: Clock, store: Store) -> None:
    scan_id = start()
    end(store, scan_id, ScanState.FAILED)
    poll(scan_id, "wait=20")
    assert clock.slept == []


def test_an_unknown_scan_is_not_waited_for(clock: Clock) -> None:
    assert poll("scan_" + "0" * 32, "wait=20")[0] == 404
    assert clock.slept == []


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("respond-async", 0),
        ("wait", 0),
        ("wait=", 0),
        ("wait=-1", 0),
        ("wait=2.5", 0),
        ("wait=٣", 0),
        ("wait=0", 0),
        ("weight=3", 0),
        ("wait=3", 3),
        ("respond-async, WAIT = 3 ; x=y", 3),
        ('wait="3"', 3),
        ("wait=3600", 20),
        ("wait=" + "9" * 5_000, 20),
    ],
)
def test_preferences_are_read_as_the_rfc_says(prefer: str | None, seconds: int, clock: Clock) -> None:
    _, _, headers = poll(start(), prefer)
    assert sum(clock.slept) == pytest.approx(seconds)
    assert headers.get("Preference-Applied") == (f"wait={seconds}" if seconds else None)


def placed(recorded: Recorder) -> str:
    """The id of the one scan whose placeholder was written."""
    (placeholder,) = (arguments for operation, arguments, _ in recorded.calls if operation == "put_item")
    scan_id: str = placeholder["Item"]["sk"]["S"].removeprefix("SCAN#")
    return scan_id


def test_discover_that_waits_for_a_scan_that_is_deleted_says_so(clock: Clock, store: Store, recorded: Recorder) -> None:
    def forget() -> None:
        found = store.scan(USER, placed(recorded))
        assert found is not None
        end(store, found.scan_id, ScanState.COMPLETE)
        assert store.delete_scan(found, clock.now)

    clock.after(2, forget)
    assert call(discover.handler, "discover", body="{}", headers={"prefer": "wait=20"})[0] == 404


def test_discover_can_wait_until_the_scan_has_ended(clock: Clock, store: Store, recorded: Recorder) -> None:
    clock.after(2, lambda: end(store, placed(recorded), ScanState.COMPLETE))
    code, content, headers = call(discover.handler, "discover", body="{}", headers={"prefer": "wait=20"})
    assert (code, content["status"], content["message"]) == (200, "complete", "The scan is complete.")
    assert headers["Preference-Applied"] == "wait=20"
    assert "Retry-After" not in headers
    assert sum(clock.slept) < 2 + long_poll.LONGEST_PAUSE


@pytest.mark.usefixtures("clock")
def test_discover_that_waited_in_vain_is_accepted_all_the_same() -> None:
    code, content, _ = call(discover.handler, "discover", body="{}", headers={"prefer": "wait=2"})
    assert (code, content["status"]) == (202, "initiated")


def test_pauses_lengthen_up_to_a_second() -> None:
    clock = Clock()
    still = scan()
    long_poll.wait(still, lambda: still, lambda _: False, 20, clock=lambda: clock.now, sleep=clock.sleep)
    assert clock.slept[:-1] == sorted(clock.slept[:-1])
    assert clock.slept[:3] == pytest.approx([0.1, 0.15, 0.225])
    assert max(clock.slept) == 1.0
    assert sum(clock.slept) == pytest.approx(20)


def test_the_scan_that_was_news_is_the_one_that_is_returned() -> None:
    clock, updates = Clock(), iter([scan(updated_at=NOW + number) for number in range(1, 9)])
    found = long_poll.wait(
        scan(),
        lambda: next(updates),
        lambda one: one.updated_at == NOW + 3,
        20,
        clock=lambda: clock.now,
        sleep=clock.sleep,
    )
    assert found.updated_at == NOW + 3
