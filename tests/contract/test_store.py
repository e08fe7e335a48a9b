"""The store's conditional behaviour on moto, on MiniStack and on AWS's DynamoDB Local."""

import secrets
from collections.abc import Sequence
from dataclasses import replace

import pytest

from opportunities.aws import items
from opportunities.aws.dynamodb import Item, Table
from opportunities.aws.items import StoredResult
from opportunities.aws.store import Store
from opportunities.domain import (
    Filters,
    Investor,
    OutcomeStatus,
    RiskLevel,
    RiskTolerance,
    ScanState,
    Timeframe,
)
from opportunities.errors import ScanDeleted
from tests.support.builders import NOW, SCAN_ID, USER, outcome, scan

LATER = NOW + 1
FOREVER = int(NOW) + 1_000_000


def test_a_scan_reads_back_as_it_was_written(store: Store) -> None:
    written = scan(
        filters=Filters(
            symbols=("BTC", "ETH/USDT"),
            preferred_timeframes=(Timeframe.DAY,),
            filter_by_risk_level=RiskLevel.LOW,
            min_profit_potential=0.1,
            include_strategy_recommendations=False,
            snapshot="recorded-2024",
        )
    )
    assert store.put_scan(written) is None
    assert store.scan(USER, SCAN_ID) == written


def test_the_second_placeholder_gets_the_first_one_back_and_changes_nothing(store: Store) -> None:
    first, second = scan(), scan(created_at=LATER, updated_at=LATER, investor_version=2)
    assert store.put_scan(first) is None
    assert store.put_scan(second) == first
    assert store.scan(USER, SCAN_ID) == first


def test_another_user_does_not_find_the_scan(store: Store) -> None:
    store.put_scan(scan())
    assert store.scan("somebody-else", SCAN_ID) is None


@pytest.mark.parametrize("state", [ScanState.INITIATED, ScanState.SCANNING])
def test_an_outcome_is_set_once_and_the_first_one_stands(store: Store, state: ScanState) -> None:
    store.put_scan(scan(state=state))
    first = outcome()
    second = outcome(status=OutcomeStatus.SKIPPED, opportunities=0, best=None, reason="too late")
    assert store.record_outcome(USER, SCAN_ID, "risk_management", first, LATER) == first
    assert store.record_outcome(USER, SCAN_ID, "risk_management", second, LATER) == first
    found = store.scan(USER, SCAN_ID)
    assert found is not None
    assert found.outcomes == {"risk_management": first}


def test_outcomes_of_different_strategies_stand_side_by_side(store: Store) -> None:
    store.put_scan(scan())
    outcomes = {
        "risk_management": outcome(),
        "funding_arbitrage": outcome(status=OutcomeStatus.SKIPPED, opportunities=0, best=None, reason="no perpetuals"),
        "spot_momentum_strategy": outcome(opportunities=0, best=None, duration_ms=0),
    }
    for name, one in outcomes.items():
        store.record_outcome(USER, SCAN_ID, name, one, LATER)
    found = store.scan(USER, SCAN_ID)
    assert found is not None
    assert found.outcomes == outcomes


@pytest.mark.parametrize("state", [ScanState.COMPLETE, ScanState.FAILED, ScanState.CANCELLED])
def test_a_late_outcome_leaves_a_terminal_scan_as_it_is(store: Store, state: ScanState) -> None:
    ended = scan(state=state)
    store.put_scan(ended)
    assert store.record_outcome(USER, SCAN_ID, "risk_management", outcome(), LATER) is None
    assert store.scan(USER, SCAN_ID) == ended


def test_nothing_is_written_from_the_deadline_on(store: Store) -> None:
    running = scan(state=ScanState.SCANNING)
    store.put_scan(running)
    assert store.record_outcome(USER, SCAN_ID, "risk_management", outcome(), running.deadline) is None
    assert not store.fail_scan(USER, SCAN_ID, "late", running.deadline)
    assert store.scan(USER, SCAN_ID) == running


def test_an_update_never_brings_back_a_scan_that_is_gone(store: Store) -> None:
    assert store.record_outcome(USER, SCAN_ID, "risk_management", outcome(), LATER) is None
    assert not store.fail_scan(USER, SCAN_ID, "gone", LATER)
    assert store.fail_unstarted(USER, SCAN_ID, "gone", LATER) is False
    assert store.scan(USER, SCAN_ID) is None


@pytest.mark.parametrize("state", [ScanState.INITIATED, ScanState.SCANNING])
def test_a_scan_that_could_not_be_started_fails_unless_another_request_has_taken_over(
    store: Store, state: ScanState
) -> None:
    store.put_scan(scan(state=state))
    began = state is not ScanState.INITIATED
    assert store.take_over(USER, SCAN_ID, LATER) is (not began)
    assert store.fail_unstarted(USER, SCAN_ID, "not started", LATER) is began
    found = store.scan(USER, SCAN_ID)
    assert found is not None
    assert found.state is (ScanState.FAILED if began else state)


def test_only_a_scan_that_has_not_begun_is_taken_over(store: Store) -> None:
    waiting = scan(state=ScanState.INITIATED)
    assert not store.take_over(USER, SCAN_ID, LATER)
    assert store.scan(USER, SCAN_ID) is None
    store.put_scan(waiting)
    assert not store.take_over(USER, SCAN_ID, waiting.deadline)
    assert store.take_over(USER, SCAN_ID, waiting.deadline - 1)
    assert store.scan(USER, SCAN_ID) == waiting


@pytest.mark.parametrize("state", [ScanState.INITIATED, ScanState.SCANNING])
def test_a_failed_scan_says_why_and_stays_failed(store: Store, state: ScanState) -> None:
    store.put_scan(scan(state=state))
    assert store.fail_scan(USER, SCAN_ID, "the workflow could not be started", LATER)
    assert not store.fail_scan(USER, SCAN_ID, "again", LATER)
    assert store.scan(USER, SCAN_ID) == scan(
        state=ScanState.FAILED, reason="the workflow could not be started", updated_at=LATER
    )


def test_results_read_back_by_strategy_and_the_first_ones_stand(store: Store) -> None:
    first = StoredResult(
        "risk_management", [{"symbol": "BTC/USDT", "score": 0.25}], 2, 50, {"source": "simulated"}, {"version": 1}
    )
    other = StoredResult("funding_arbitrage", [], 0, 40, {"source": "simulated"}, {"version": 1})
    store.put_result(USER, SCAN_ID, first, FOREVER, LATER)
    store.put_result(USER, SCAN_ID, other, FOREVER, LATER)
    store.put_result(USER, SCAN_ID, replace(first, opportunities=[]), FOREVER, LATER)
    assert store.results(USER, SCAN_ID) == [other, first]
    assert store.results("somebody-else", SCAN_ID) == []


def test_results_of_more_than_one_page_come_whole(store: Store) -> None:
    # Random text does not compress, and DynamoDB's pages end at 1 MB.
    written = [
        StoredResult(f"strategy_{number}", [{"text": secrets.token_hex(150_000)}], 0, 1, {}, {}) for number in range(8)
    ]
    for one in written:
        store.put_result(USER, SCAN_ID, one, FOREVER, LATER)
    assert store.results(USER, SCAN_ID) == written


def test_the_investor_reads_back_and_counts_versions(store: Store) -> None:
    investor = Investor(
        capital_usd=50_000.5,
        risk_tolerance=RiskTolerance.HIGH,
        holdings={"BTC": 0.4, "PEPE": 1e12},
        fees={"binance": {"spot_taker": 0.00075, "perpetual_taker": 0.00045, "spot_maker": 0.0}},
        allowed_exchanges=("binance", "kraken"),
        allowed_assets=("BTC",),
    )
    assert store.investor(USER) is None
    assert store.put_investor(USER, investor) == replace(investor, version=1)
    assert store.put_investor(USER, Investor()) == Investor(version=2)
    assert store.investor(USER) == Investor(version=2)


def test_an_expired_scan_makes_room_before_ttl_deletes_it(store: Store) -> None:
    old = scan(expires_at=int(LATER))
    store.put_scan(old)
    store.record_outcome(USER, SCAN_ID, "risk_management", outcome(), NOW)
    fresh = scan(created_at=float(old.expires_at), updated_at=LATER)
    assert store.put_scan(fresh) is None
    assert store.scan(USER, SCAN_ID) == fresh


def test_expired_results_make_room_too(store: Store) -> None:
    old = StoredResult("risk_management", [{"score": 1}], 0, 1, {}, {})
    fresh = replace(old, opportunities=[{"score": 2}])
    store.put_result(USER, SCAN_ID, old, int(NOW), NOW)
    store.put_result(USER, SCAN_ID, fresh, FOREVER, LATER)
    assert store.results(USER, SCAN_ID) == [fresh]


def test_a_cancelled_scan_stays_cancelled(store: Store) -> None:
    store.put_scan(scan())
    cancelled = scan(state=ScanState.CANCELLED, updated_at=LATER)
    assert store.cancel_scan(USER, SCAN_ID, LATER) == cancelled
    assert store.cancel_scan(USER, SCAN_ID, LATER + 1) == cancelled
    assert not store.fail_scan(USER, SCAN_ID, "late", LATER + 1)
    assert store.scan(USER, SCAN_ID) == cancelled
    assert store.cancel_scan("somebody-else", SCAN_ID, LATER) is None


def test_a_scan_past_its_deadline_cannot_be_cancelled(store: Store) -> None:
    running = scan(state=ScanState.SCANNING)
    store.put_scan(running)
    assert store.cancel_scan(USER, SCAN_ID, running.deadline) == running


def test_a_running_scan_cannot_be_deleted(store: Store) -> None:
    running = scan(state=ScanState.SCANNING)
    store.put_scan(running)
    assert store.delete_scan(running, LATER) is False
    assert store.scan(USER, SCAN_ID) == running


@pytest.mark.parametrize("state", [ScanState.COMPLETE, ScanState.FAILED, ScanState.CANCELLED])
def test_a_scan_that_has_ended_can_be_deleted_before_its_deadline(store: Store, state: ScanState) -> None:
    ended = scan(state=state)
    store.put_scan(ended)
    assert store.delete_scan(ended, ended.deadline - 1)


@pytest.mark.parametrize("forget", ["delete_scan", "delete_item"])
def test_a_list_leaves_out_what_is_deleted_or_expires_while_it_is_read(
    store: Store, forget: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, gone = scan(state=ScanState.COMPLETE), scan(state=ScanState.COMPLETE, scan_id="scan_" + "7" * 32)
    for one in (here, gone):
        store.put_scan(one)
    read_all = Table.get_all

    def forget_first(reader: Table, keys: Sequence[Item]) -> list[Item]:
        if forget == "delete_scan":
            assert store.delete_scan(gone, LATER)
        else:
            store.table.client.delete_item(TableName=store.table.name, Key=items.scan_key(USER, gone.scan_id))
        return read_all(reader, keys)

    monkeypatch.setattr(Table, "get_all", forget_first)
    assert store.list_scans(USER, 0, NOW + 1, limit=10, after=None) == ([here], None)


@pytest.mark.parametrize("state", [ScanState.COMPLETE, ScanState.FAILED, ScanState.CANCELLED, ScanState.SCANNING])
def test_nothing_brings_a_deleted_scan_back(store: Store, state: ScanState) -> None:
    ended = scan(state=state)
    store.put_scan(ended)
    now = float(ended.deadline)  # from here on a running scan has failed
    assert store.delete_scan(ended, now)
    assert store.delete_scan(ended, now), "botocore sends again what it got no answer to"
    assert store.record_outcome(USER, SCAN_ID, "risk_management", outcome(), LATER) is None
    with pytest.raises(ScanDeleted):
        store.scan(USER, SCAN_ID)
    with pytest.raises(ScanDeleted):
        store.put_scan(scan())
    with pytest.raises(ScanDeleted):
        store.cancel_scan(USER, SCAN_ID, LATER)
    assert store.list_scans(USER, 0, NOW + 1, limit=10, after=None) == ([], None)


def test_the_results_of_one_scan_are_deleted_and_no_others(store: Store) -> None:
    results = [StoredResult(f"strategy_{number:02}", [], 0, 1, {}, {}) for number in range(30)]
    for one in results:
        store.put_result(USER, SCAN_ID, one, FOREVER, LATER)
    other = "scan_" + "f" * 32
    store.put_result(USER, other, results[0], FOREVER, LATER)
    store.delete_results(USER, SCAN_ID)
    store.delete_results(USER, SCAN_ID)
    assert store.results(USER, SCAN_ID) == []
    assert store.results(USER, other) == results[:1]


def test_a_users_scans_come_newest_first_page_by_page(store: Store) -> None:
    # Two of the same moment, and every other with outcomes, which the index does not hold.
    times = [NOW, NOW + 1, NOW + 1, NOW + 2.5, NOW + 3]
    written = [
        scan(scan_id=f"scan_{number:032x}", created_at=time, updated_at=time) for number, time in enumerate(times)
    ]
    for one in written:
        store.put_scan(one)
    store.put_scan(scan(user_id="somebody-else"))
    store.put_investor(USER, Investor())
    store.count_request(USER, 1, 10)
    store.record_outcome(USER, written[4].scan_id, "risk_management", outcome(), NOW + 3)
    written[4] = replace(written[4], outcomes={"risk_management": outcome()})
    found, position = [], None
    while True:
        page, position = store.list_scans(USER, NOW, NOW + 3, limit=2, after=position)
        found.append(page)
        if position is None:
            break
    pages = [one for page in found for one in page]
    assert [len(page) for page in found][:2] == [2, 2]
    assert sorted(pages, key=lambda one: one.scan_id) == written
    assert [one.created_at for one in pages] == sorted(times, reverse=True)
    within, _ = store.list_scans(USER, NOW + 1, NOW + 2.5, limit=10, after=None)
    assert [one.created_at for one in within] == [NOW + 2.5, NOW + 1, NOW + 1]


def test_a_page_goes_on_where_the_scan_it_ended_at_has_been_deleted(store: Store) -> None:
    for number in range(3):
        store.put_scan(
            scan(scan_id=f"scan_{number:032x}", created_at=NOW + number, updated_at=NOW, state=ScanState.COMPLETE)
        )
    (newest,), position = store.list_scans(USER, NOW, NOW + 3, limit=1, after=None)
    assert store.delete_scan(newest, LATER)
    page, _ = store.list_scans(USER, NOW, NOW + 3, limit=5, after=position)
    assert [one.created_at for one in page] == [NOW + 1, NOW]


def test_a_minute_has_so_many_requests_and_the_next_one_as_many_again(store: Store) -> None:
    assert [store.count_request(USER, 7, 3) for _ in range(5)] == [True, True, True, False, False]
    assert store.count_request(USER, 8, 3)
    assert store.count_request("somebody-else", 7, 3)
