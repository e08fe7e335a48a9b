"""The list of a caller's scans through its handler."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opportunities import scans
from opportunities.api.requests import ScansQuery, parse
from opportunities.aws.store import Position, Store
from opportunities.domain import Scan, ScanState
from opportunities.handlers import list as list_handler
from opportunities.services import pagination
from opportunities.services.list import list_scans
from tests.support.api import as_user, call
from tests.support.builders import NOW, USER, scan
from tests.support.doubles import Recorder

pytestmark = pytest.mark.usefixtures("lambdas")


def listed(**query: str) -> tuple[int, dict[str, Any]]:
    code, content, _ = call(list_handler.handler, "list", queryStringParameters=query)
    return code, content


def pages(**query: str) -> list[list[str]]:
    """The ids of all pages, in order."""
    found = []
    while True:
        code, content = listed(**query)
        assert code == 200
        found.append([one["scan_id"] for one in content["scans"]])
        if not content["next_cursor"]:
            return found
        query["cursor"] = content["next_cursor"]


def put(store: Store, count: int, **changes: Any) -> list[Scan]:
    """Scans of the last minutes, a second apart, newest first."""
    now = round(time.time()) - 100.0
    written = [
        scan(
            **{
                "scan_id": f"scan_{number:032x}",
                "created_at": now - number,
                "updated_at": now - number,
                "deadline": int(now) + 1000,
                "expires_at": int(now) + 100_000,
                **changes,
            }
        )
        for number in range(count)
    ]
    for one in written:
        store.put_scan(one)
    return written


def ids(written: list[Scan]) -> list[str]:
    return [one.scan_id for one in written]


def test_a_caller_without_scans_has_an_empty_list() -> None:
    assert listed() == (200, {"success": True, "scans": [], "next_cursor": None})


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
def test_every_scan_comes_once_and_newest_first(limit: int, store: Store) -> None:
    written = put(store, 7)
    found = pages(limit=str(limit))
    assert [scan_id for page in found for scan_id in page] == ids(written)
    assert all(len(page) <= limit for page in found)


def test_a_scan_past_its_deadline_is_listed_as_failed(store: Store) -> None:
    put(store, 1, state=ScanState.SCANNING, deadline=int(time.time()) - 1)
    (one,) = listed()[1]["scans"]
    assert (one["status"], one["reason"]) == ("failed", "deadline_exceeded")


def test_states_are_those_of_now_not_those_that_were_written(store: Store) -> None:
    late = put(store, 2, state=ScanState.SCANNING, deadline=int(time.time()) - 1)
    assert pages(status="failed") == [ids(late)]
    assert pages(status="scanning") == [[]]
    assert pages(status="scanning, FAILED") == [ids(late)]


def test_filtered_pages_are_as_full_as_others(store: Store) -> None:
    written = put(store, 12)
    chosen = written[::3]
    for one in written:
        if one not in chosen:
            store.cancel_scan(USER, one.scan_id, time.time())
    assert [scan_id for page in pages(status="scanning", limit="2") for scan_id in page] == ids(chosen)
    assert len(listed(status="scanning", limit="2")[1]["scans"]) == 2


def test_a_filter_that_hardly_anything_meets_reads_a_bounded_number_of_scans(store: Store) -> None:
    written = put(store, 12)
    store.cancel_scan(USER, written[-1].scan_id, time.time())
    found = pages(status="cancelled", limit="2")
    assert [scan_id for page in found for scan_id in page] == [written[-1].scan_id]
    assert found[0] == []  # ten were looked at


def test_a_filtered_page_that_found_too_many_goes_on_after_the_last_one_it_shows(store: Store) -> None:
    written = put(store, 8)
    store.cancel_scan(USER, written[0].scan_id, time.time())
    assert pages(status="scanning", limit="3") == [ids(written[1:4]), ids(written[4:7]), ids(written[7:])]
    assert listed(status="scanning", limit="3")[1]["next_cursor"].endswith(written[3].scan_id)


def test_a_page_that_is_full_is_not_read_on(store: Store, recorded: Recorder) -> None:
    put(store, 5)
    recorded.calls.clear()
    assert len(listed(limit="2")[1]["scans"]) == 2
    assert recorded.operations == ["query", "batch_get_item"]


def test_a_worker_whose_clock_is_a_minute_ahead_makes_scans_that_are_listed(store: Store) -> None:
    for number, ahead in enumerate((60.0, 60.5)):
        store.put_scan(scan(scan_id=f"scan_{number:032x}", created_at=NOW + ahead))
    found = list_scans(store, USER, NOW, limit=9, cursor=None, states=(), since=None, until=None)
    assert [one["scan_id"] for one in found["scans"]] == [f"scan_{0:032x}"]


def test_dates_are_inclusive_and_may_carry_any_zone(store: Store) -> None:
    written = put(store, 5)
    since, until = (datetime.fromtimestamp(written[number].created_at, UTC).isoformat() for number in (3, 1))
    assert pages(created_after=since, created_before=until) == [ids(written[1:4])]
    assert pages(created_after=until, created_before=since) == [[]]
    assert pages(created_after="2999-01-01T00:00:00Z") == [[]]
    assert pages(created_before="1970-01-01T00:00:00+14:00") == [[]]


def test_scans_of_one_moment_come_once_each_though_the_list_begins_and_ends_there(store: Store) -> None:
    now = round(time.time()) - 1.0
    at_once = {one.scan_id for one in put(store, 3, created_at=now)}
    moment = datetime.fromtimestamp(now, UTC).isoformat()
    found = pages(limit="1", created_after=moment, created_before=moment)
    assert sorted(scan_id for page in found for scan_id in page) == sorted(at_once)


def test_an_expired_scan_is_not_listed_before_ttl_deletes_it(store: Store) -> None:
    put(store, 2, expires_at=int(time.time()))
    assert pages() == [[]]


def test_a_stranger_sees_only_scans_of_their_own(store: Store) -> None:
    put(store, 2)
    _, content, _ = call(
        list_handler.handler, "list", queryStringParameters={}, requestContext=as_user("list", "somebody-else")
    )
    assert content["scans"] == []


def test_somebody_elses_cursor_shows_nothing_of_theirs(store: Store) -> None:
    put(store, 3)
    cursor = listed(limit="1")[1]["next_cursor"]
    _, content, _ = call(
        list_handler.handler,
        "list",
        queryStringParameters={"cursor": cursor},
        requestContext=as_user("list", "somebody-else"),
    )
    assert content["scans"] == []


def test_a_cursor_with_foreign_characters_is_not_read_past_them(store: Store) -> None:
    put(store, 3)
    cursor = listed(limit="1")[1]["next_cursor"]
    code, content = listed(cursor=f"{cursor[:8]}!!!!{cursor[8:]}")
    assert (code, list(content["errors"])) == (422, ["cursor"])


def test_a_cursor_that_has_become_old_ends_the_list_and_is_not_shown_to_dynamodb(
    store: Store, recorded: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, 3)
    cursor = listed(limit="1")[1]["next_cursor"]
    later = time.time() + scans.LIFETIME_SECONDS
    monkeypatch.setattr(time, "time", lambda: later)
    recorded.calls.clear()
    assert listed(cursor=cursor)[1] == {"success": True, "scans": [], "next_cursor": None}
    assert recorded.operations == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"status": "done"}, "status"),
        ({"status": ""}, "status"),
        ({"status": ","}, "status"),
        ({"status": ",".join(["failed"] * 101)}, "status"),
        ({"created_after": "yesterday"}, "created_after"),
        ({"created_after": "2026-11-21T20:00:00"}, "created_after"),
        ({"cursor": "!!"}, "cursor"),
        ({"created_before": "0.5"}, "created_before"),
        ({"created_before": "1795291200"}, "created_before"),
        ({"cursor": "after-3"}, "cursor"),
        ({"cursor": "1e300-scan_" + "0" * 32}, "cursor"),
        ({"cursor": "nan-scan_" + "0" * 32}, "cursor"),
        ({"cursor": "1795291200.0-../../x"}, "cursor"),
        ({"sort": "asc"}, "sort"),
    ],
)
def test_a_bad_query_is_refused_by_name(query: dict[str, str], field: str) -> None:
    code, content = listed(**query)
    assert code == 422
    assert list(content["errors"]) == [field]


@given(
    st.floats(0, 2**33).map(lambda seconds: round(seconds, 7)).filter(lambda seconds: seconds == 0 or seconds > 1e-4),
    st.integers(0, 2**128 - 1),
)
def test_a_cursor_reads_back_and_is_of_the_form_that_is_described(created_at: float, number: int) -> None:
    position = Position(created_at, f"scan_{number:032x}")
    cursor = pagination.after_scan(position)
    assert pagination.position(cursor) == position
    assert parse(ScansQuery, {"cursor": cursor}).cursor == cursor


def test_a_cursor_of_a_list_up_to_a_later_moment_begins_this_one(store: Store) -> None:
    made = put(store, 3)
    until = datetime.fromtimestamp(made[1].created_at, UTC).isoformat()
    for cursor in (listed(limit="1")[1]["next_cursor"], f"9999999999-{made[0].scan_id}"):
        assert pages(cursor=cursor, created_before=until) == [[one.scan_id for one in made[1:]]]
