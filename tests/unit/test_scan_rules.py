from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from opportunities import scans
from opportunities.domain import Filters, OutcomeStatus, ScanState
from tests.builders import NOW, outcome, scan
from tests.template import definition

states = st.sampled_from(ScanState)
moments = st.floats(NOW - 1_000, NOW + 1_000_000)


@given(state=states, now=moments)
def test_past_its_deadline_no_scan_is_running(state: ScanState, now: float) -> None:
    one = scan(state=state)
    shown = scans.state_at(one, now)
    assert shown.terminal or now < one.deadline


@given(state=states.filter(lambda state: state.terminal), now=moments)
def test_time_changes_no_terminal_state(state: ScanState, now: float) -> None:
    assert scans.state_at(scan(state=state), now) is state


@given(now=moments, later=moments)
def test_a_failure_by_deadline_is_never_taken_back(now: float, later: float) -> None:
    one = scan(state=ScanState.SCANNING)
    if scans.state_at(one, min(now, later)) is ScanState.FAILED:
        assert scans.state_at(one, max(now, later)) is ScanState.FAILED
        assert scans.reason_at(one, max(now, later)) == scans.DEADLINE_EXCEEDED


def test_the_workflow_is_ended_when_the_deadline_comes() -> None:
    assert definition()["TimeoutSeconds"] == scans.TIMEOUT_SECONDS


@given(
    user=st.text(min_size=1),
    other=st.text(min_size=1),
    window=st.integers(0, 10**8),
    version=st.integers(0, 10**6),
    symbols=st.lists(st.sampled_from(["BTC", "ETH", "SOL"]), unique=True),
)
def test_the_id_is_the_same_for_the_same_request_and_another_for_any_other(
    user: str, other: str, window: int, version: int, symbols: list[str]
) -> None:
    filters = Filters(symbols=tuple(symbols))
    names = ("risk_management",)
    one = scans.content_id(user, filters, names, version, window)
    assert scans.is_scan_id(one)
    assert one == scans.content_id(user, replace(filters), names, version, window)
    assert one != scans.content_id(user, filters, names, version, window + 1)
    assert one != scans.content_id(user, filters, names, version + 1, window)
    assert one != scans.content_id(user, replace(filters, snapshot="x"), names, version, window)
    assert one != scans.content_id(user, filters, ("funding_arbitrage",), version, window)
    assert (one == scans.content_id(other, filters, names, version, window)) == (user == other)


def test_random_ids_have_the_form_of_ids_and_differ() -> None:
    ids = {scans.random_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(map(scans.is_scan_id, ids))


@given(st.text())
def test_hardly_any_text_is_a_scan_id(text: str) -> None:
    assert not scans.is_scan_id(text)


def test_progress_counts_each_outcome_once() -> None:
    one = scan(
        outcomes={
            "risk_management": outcome(opportunities=2),
            "funding_arbitrage": outcome(status=OutcomeStatus.SKIPPED, opportunities=0),
            "spot_momentum_strategy": outcome(status=OutcomeStatus.FAILED, opportunities=0),
        }
    )
    assert scans.progress(one) == scans.Progress(completed=2, failed=1, total=3, opportunities=2)
    assert scans.progress(one).percentage == 100.0
