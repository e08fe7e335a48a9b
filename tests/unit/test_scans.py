"""The rules of a scan: pure functions of the scan and a time."""

import hashlib
import math
import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opportunities import scans
from opportunities.domain import Filters, OutcomeStatus, ScanState
from tests.support.builders import NOW, outcome, scan
from tests.support.template import definition

states = st.sampled_from(ScanState)
moments = st.floats(NOW - 1_000, NOW + 1_000_000)


@given(state=states, now=moments)
def test_scan_past_its_deadline_is_not_running(state: ScanState, now: float) -> None:
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


# ------------------------------------------------------------------------------------- ids are for every version
def of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_id_of_a_request_does_not_depend_on_the_version_that_is_asked() -> None:
    """While a new version is deployed, the old one still answers: the same request must find the same scan."""
    filters = Filters(symbols=("BTC", "ETH"), snapshot="april")
    content = '["u",{"snapshot":"april","symbols":["BTC","ETH"]},["risk_management"],3,5984304]'
    assert scans.content_id("u", filters, ("risk_management",), 3, 5_984_304) == f"scan_{of(content)[:32]}"


def test_keyed_id_and_fingerprint_never_change() -> None:
    assert scans.keyed_id("u", "k") == f"scan_{of('["Idempotency-Key","u","k"]')[:32]}"
    filters = Filters(symbols=("BTC",), snapshot="april")
    content = '[{"snapshot":"april","symbols":["BTC"]},true]'
    assert scans.fingerprint(filters, force_refresh=True) == of(content)[:16]


def test_an_execution_is_named_after_its_scan_and_the_millisecond_of_its_making() -> None:
    assert scans.execution_name(scan(scan_id="scan_x", created_at=1_795_291_200.2506)) == "scan_x-1795291200251"


@pytest.mark.parametrize(
    "text",
    [
        "scan_" + "0" * 31,
        "scan_" + "0" * 33,
        "scan_" + "0" * 31 + "g",
        "scan_" + "0" * 31 + "A",
        "Scan_" + "0" * 32,
        "0" * 32,
        "scan" + "0" * 32,
    ],
)
def test_an_id_is_scan_and_thirty_two_small_hexadecimal_digits(text: str) -> None:
    assert not scans.is_scan_id(text)
    assert scans.is_scan_id("scan_0123456789abcdef0123456789abcdef")


def test_no_other_character_is_a_digit_of_an_id() -> None:
    ends = {character for character in string.printable if scans.is_scan_id("scan_" + "0" * 31 + character)}
    assert ends == set("0123456789abcdef")


# ------------------------------------------------------------------------------------------- to the moment exactly
@pytest.mark.parametrize("state", [ScanState.INITIATED, ScanState.SCANNING])
def test_a_running_scan_fails_at_its_deadline_and_not_a_moment_before(state: ScanState) -> None:
    one = scan(state=state)
    before = math.nextafter(one.deadline, 0)
    assert (scans.state_at(one, before), scans.reason_at(one, before)) == (state, None)
    assert (scans.state_at(one, one.deadline), scans.reason_at(one, one.deadline)) == (
        ScanState.FAILED,
        "deadline_exceeded",
    )


def test_the_reason_of_a_scan_that_ended_in_time_stays_what_it_was() -> None:
    one = scan(state=ScanState.FAILED, reason="the workflow failed")
    assert scans.reason_at(one, one.deadline + 1) == "the workflow failed"


def test_a_scan_can_be_read_for_seven_days_and_not_a_moment_longer() -> None:
    one = scan(expires_at=int(NOW) + scans.LIFETIME_SECONDS)
    assert scans.LIFETIME_SECONDS == 604_800
    assert not scans.expired(one, math.nextafter(one.expires_at, 0))
    assert scans.expired(one, one.expires_at)


def test_progress_is_given_to_a_tenth_of_a_percent() -> None:
    assert scans.Progress(completed=1, failed=1, total=3, opportunities=0).percentage == 66.7
