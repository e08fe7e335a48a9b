"""The library, blocking and asynchronous alike: what it asks, what it makes of the answers, how long it waits."""

import asyncio
import dataclasses
import inspect
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

import opscan
from opscan import AsyncClient, Client
from opscan.client import errors
from tests.support.cli_fakes import (
    DONE,
    SCAN_ID,
    Answer,
    FakeApi,
    FakeTime,
    accepted,
    history,
    listed,
    outcome,
    problem,
    results,
    status,
)

URL = "https://api.example.com/prod"
RUNNING, COMPLETE = status(), status("complete", "The scan is complete.", **DONE)


@dataclass
class Caller:
    """A client of one kind over a scripted API; `call` waits for what the asynchronous one gives to await."""

    kind: type[Client] | type[AsyncClient]
    api: FakeApi
    time: FakeTime = field(default_factory=FakeTime)
    told: list[str] = field(default_factory=list)

    def client(self, token: Any = "secret") -> Any:  # noqa: S107 - no real one
        clock = self.time.clock

        async def sleep(seconds: float) -> None:
            clock.sleep(seconds)

        transport = httpx.MockTransport(self.api.handle_request)
        nap: Any = sleep if self.kind is AsyncClient else clock.sleep
        return self.kind(URL, token, told=self.told.append, transport=transport, now=clock.now, sleep=nap)

    def call(self, given: Any) -> Any:
        async def finished(awaitable: Awaitable[Any]) -> Any:
            return await awaitable

        return asyncio.run(finished(given)) if inspect.isawaitable(given) else given

    def discovered(self, **fields: Any) -> Any:
        return self.call(self.client().discover(**fields))


@pytest.fixture(params=[Client, AsyncClient], ids=["blocking", "asynchronous"])
def caller_of(request: pytest.FixtureRequest) -> Callable[[FakeApi], Caller]:
    kind = request.param
    return lambda api: Caller(kind, api)


type CallerOf = Callable[[FakeApi], Caller]


def test_scan_is_started_waited_for_and_read(caller_of: CallerOf) -> None:
    caller = caller_of(FakeApi(status=[RUNNING, COMPLETE]))
    scan = caller.discovered(symbols=("BTC",), max_required_capital=5_000, strategy_ids=[])
    assert (scan.scan_id, scan.reused) == (SCAN_ID, False)
    assert caller.api.bodies("POST") == [{"symbols": ["BTC"], "max_required_capital": 5_000}]
    seen: list[str] = []
    ended = caller.call(scan.wait(timeout=60, seen=lambda status: seen.append(status.state)))
    assert seen == ["scanning", "complete"]
    assert ended.progress == opscan.Progress(ended=3, failed=0, total=3, found=3)
    assert caller.call(scan.done())
    found = list(caller.call(scan.results()))
    assert [one.action for one in found] == [f"buy 0.036 COIN{number}/USDT" for number in range(3)]
    assert found[0].legs[0] == opscan.Leg("buy", "COIN0/USDT", "binance", 0.036, 69_420.15)
    assert found[0].evidence == opscan.Evidence("t of mean return", 2.31, 512, 0.011)
    assert found[0].stop == opscan.Stop(price=66_000.0)
    assert {request.headers["Authorization"] for request in caller.api.requests} == {"Bearer secret"}
    assert all(str(request.url).startswith(f"{URL}/opportunities/") for request in caller.api.requests)


def test_results_are_read_from_as_many_pages_as_they_take(caller_of: CallerOf) -> None:
    pages: list[Answer] = [results(100, total=150, cursor="b"), results(50, total=150, first=100)]
    caller = caller_of(FakeApi(results=pages))
    found = caller.call(caller.client().scan(SCAN_ID).results())
    assert (len(found), found.total) == (150, 150)
    assert [request.url.params.get("cursor") for request in caller.api.requests] == [None, "b"]


def test_limit_asks_for_no_more_than_that(caller_of: CallerOf) -> None:
    caller = caller_of(FakeApi(results=[results(2, total=40, cursor="more")]))
    assert len(caller.call(caller.client().scan(SCAN_ID).results(limit=2))) == 2
    assert [request.url.params["limit"] for request in caller.api.requests] == ["2"]


def test_waiting_is_a_long_poll_that_is_never_longer_than_what_is_left(caller_of: CallerOf) -> None:
    held = status()
    held.headers["Preference-Applied"] = "wait=20"
    caller = caller_of(FakeApi(status=[held, held, COMPLETE]))
    caller.call(caller.client().scan(SCAN_ID).wait(timeout=10.15))
    assert [request.headers.get("Prefer") for request in caller.api.requests] == ["wait=10", "wait=10", "wait=9"]
    # the API has waited already
    assert caller.time.slept == [0.1, 0.1]
    endless = caller_of(FakeApi(status=[COMPLETE]))
    endless.call(endless.client().scan(SCAN_ID).wait())
    assert endless.api.requests[0].headers["Prefer"] == "wait=20"


def test_api_that_holds_nothing_back_is_asked_again_when_it_says(caller_of: CallerOf) -> None:
    slow = status()
    slow.headers["Retry-After"] = "3"
    caller = caller_of(FakeApi(status=[slow, COMPLETE]))
    caller.call(caller.client().scan(SCAN_ID).wait(timeout=60))
    assert caller.time.slept == [3.0]


@pytest.mark.parametrize("busy", [False, True])
def test_timeout_keeps_the_last_status_and_is_a_builtin_one(caller_of: CallerOf, *, busy: bool) -> None:
    some = status(funding_arbitrage=outcome("complete", 2))
    answers: list[Answer] = [some, *([problem(503, "Not now.", {"Retry-After": "2"})] if busy else [])]
    caller = caller_of(FakeApi(status=answers))
    with pytest.raises(TimeoutError) as late:
        caller.call(caller.client().scan(SCAN_ID).wait(timeout=5))
    assert isinstance(late.value, opscan.ScanTimeout)
    assert (late.value.status.state, late.value.status.progress.ended) == ("scanning", 1)
    assert 4 <= caller.time.seconds <= 5


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_scan_that_did_not_complete_is_an_error_unless_parts_will_do(caller_of: CallerOf, state: str) -> None:
    answer = results(1)
    body = answer.json() | {"status": state}
    api = FakeApi(status=[status(state, "Why it ended.")], results=[httpx.Response(200, json=body)])
    caller = caller_of(api)
    scan = caller.client().scan(SCAN_ID)
    for attempt in (scan.wait, scan.results):
        with pytest.raises(opscan.ScanFailed, match="Why it ended") as failed:
            caller.call(attempt())
        assert failed.value.status.state == state
    assert len(caller.call(scan.results(partial=True))) == 1
    assert api.requests[-1].url.params["partial"] == "true"


def test_results_of_a_scan_that_runs_are_waited_for_and_then_it_is_said_how_far_it_is(caller_of: CallerOf) -> None:
    early = httpx.Response(202, json=status().json(), headers={"Retry-After": "1"})
    caller = caller_of(FakeApi(results=[early, early, results()]))
    assert len(caller.call(caller.client().scan(SCAN_ID).results())) == 3
    caller = caller_of(FakeApi(results=[early]))
    with pytest.raises(opscan.ScanTimeout) as late:
        caller.call(caller.client().scan(SCAN_ID).results(timeout=3))
    assert late.value.status.progress.total == 3
    assert caller.time.seconds == pytest.approx(3)


def test_a_lost_answer_starts_no_second_scan(caller_of: CallerOf) -> None:
    caller = caller_of(FakeApi(discover=[httpx.ReadError("reset"), problem(503, "Not now."), accepted()]))
    caller.discovered()
    keys = [request.headers["Idempotency-Key"] for request in caller.api.requests]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert caller.told == [
        "The API did not answer; trying again in 1 s.",
        "The API is busy (503); trying again in 1 s.",
    ]
    caller.discovered()
    assert caller.api.requests[-1].headers["Idempotency-Key"] not in keys


def test_key_of_the_caller_is_sent_and_joining_sends_none(caller_of: CallerOf) -> None:
    caller = caller_of(FakeApi())
    caller.discovered(idempotency_key="mine")
    caller.discovered(join=True)
    assert [request.headers.get("Idempotency-Key") for request in caller.api.requests] == ["mine", None]


def test_retry_after_is_honoured(caller_of: CallerOf) -> None:
    caller = caller_of(FakeApi(discover=[problem(429, "Too many.", {"Retry-After": "7"}), accepted()]))
    caller.discovered()
    assert caller.time.slept == [7.0]


def test_token_of_a_function_is_renewed_once_after_a_refusal(caller_of: CallerOf) -> None:
    refused, tokens = httpx.Response(401, json={"message": "Unauthorized"}), iter(["old", "new", "newer", "last"])
    caller = caller_of(FakeApi(status=[refused, COMPLETE]))
    client = caller.client(lambda: next(tokens))
    caller.call(client.scan(SCAN_ID).status())
    caller.call(client.scan(SCAN_ID).status())
    assert [request.headers["Authorization"] for request in caller.api.requests] == [
        "Bearer old",
        "Bearer new",
        "Bearer new",
    ]
    never = caller_of(FakeApi(status=[refused]))
    with pytest.raises(opscan.Unauthorized):
        never.call(never.client(lambda: next(tokens)).scan(SCAN_ID).status())
    assert len(never.api.requests) == 2
    text = caller_of(FakeApi(status=[refused]))
    with pytest.raises(opscan.Unauthorized):
        text.call(text.client("text").scan(SCAN_ID).status())
    assert len(text.api.requests) == 1


@pytest.mark.parametrize("token", ["", " \n", "two words", "naïve", "a\nb"])
def test_token_that_no_header_can_hold_is_refused_at_once(caller_of: CallerOf, token: str) -> None:
    caller = caller_of(FakeApi())
    with pytest.raises(ValueError, match="is no access token"):
        caller.client(token)
    with pytest.raises(ValueError, match="is no access token"):
        caller.call(caller.client(lambda: token).scan(SCAN_ID).status())
    assert caller.api.requests == []


def test_token_read_from_a_file_may_end_with_its_line(caller_of: CallerOf) -> None:
    caller = caller_of(FakeApi())
    caller.call(caller.client("text\n").scan(SCAN_ID).status())
    assert caller.api.requests[0].headers["Authorization"] == "Bearer text"


def test_token_may_have_to_be_awaited() -> None:
    async def token() -> str:
        return "awaited"

    caller = Caller(AsyncClient, FakeApi())
    caller.call(caller.client(token).scan(SCAN_ID).status())
    assert caller.api.requests[0].headers["Authorization"] == "Bearer awaited"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (problem(422, "It breaks a rule.", errors={"symbols.0": "no symbol"}), opscan.InvalidRequest),
        (problem(413, "Too long."), opscan.InvalidRequest),
        (problem(401, "No token."), opscan.Unauthorized),
        (problem(404, "No such scan."), opscan.NotFound),
        (httpx.Response(404, json={"status": "not_found", "message": "No such scan."}), opscan.NotFound),
        (httpx.Response(404, text="<html>"), opscan.UnexpectedAnswer),
        (problem(409, "The scan runs."), opscan.Conflict),
        (problem(429, "Too many."), opscan.TooManyRequests),
        (problem(503, "The table does not answer."), opscan.Unavailable),
        (problem(500, "It is logged."), opscan.Unavailable),
        (httpx.Response(200, text="<html>"), opscan.UnexpectedAnswer),
        (httpx.Response(302), opscan.UnexpectedAnswer),
        (httpx.ConnectError("refused"), opscan.Unreachable),
        (httpx.ReadTimeout("slow"), opscan.RequestTimeout),
    ],
)
def test_errors_are_exceptions_with_the_problem_inside(
    caller_of: CallerOf, answer: Answer, kind: type[opscan.ApiError]
) -> None:
    caller = caller_of(FakeApi(status=[answer]))
    with pytest.raises(opscan.ApiError) as raised:
        caller.call(caller.client().scan(SCAN_ID).status())
    error = raised.value
    assert type(error) is kind
    assert "secret" not in str(error)
    if isinstance(answer, httpx.Response):
        assert error.status_code in (answer.status_code, None)
        if "json" in answer.headers.get("content-type", ""):
            assert error.problem == answer.json()
            assert str(error) == (error.problem.get("detail") or error.problem["message"])
    if isinstance(error, opscan.InvalidRequest):
        assert error.fields in ({"symbols.0": "no symbol"}, {})
    assert isinstance(error, TimeoutError) == (kind is opscan.RequestTimeout)


def test_scans_are_listed_cancelled_and_deleted(caller_of: CallerOf) -> None:
    pages: list[Answer] = [history(listed(1), cursor="a"), history(listed(2))]
    caller = caller_of(FakeApi(scans=pages))
    since = datetime(2026, 11, 21, 20, tzinfo=UTC)
    scans = caller.call(caller.client().scans(status=["failed", "complete"], created_after=since, limit=None))
    assert [one.scan_id for one in scans] == [f"scan_{number:032x}" for number in (1, 2)]
    assert not scans.more
    query = dict(caller.api.requests[0].url.params)
    assert query == {"status": "failed,complete", "created_after": "2026-11-21T20:00:00Z", "limit": "100"}
    caller = caller_of(FakeApi(cancel=[status("cancelled")], scans=[httpx.Response(204)]))
    scan = caller.client().scan(SCAN_ID)
    assert caller.call(scan.cancel()).state == "cancelled"
    caller.call(scan.delete())
    assert [(request.method, request.url.path) for request in caller.api.requests] == [
        ("POST", f"/prod/opportunities/cancel/{SCAN_ID}"),
        ("DELETE", f"/prod/opportunities/scans/{SCAN_ID}"),
    ]


def test_profile_is_changed_by_putting_what_was_read(caller_of: CallerOf) -> None:
    stored = {
        "capital_usd": 25_000.0,
        "risk_tolerance": "low",
        "holdings": {"BTC": 0.4},
        "fees": {"binance": {"spot_taker": 0.001, "spot_maker": None}},
        "allowed_exchanges": [],
        "allowed_assets": ["BTC"],
        "version": 3,
    }
    caller = caller_of(FakeApi(profile=[httpx.Response(200, json={"profile": stored})]))
    client = caller.client()
    profile = caller.call(client.profile())
    assert (profile.capital_usd, profile.holdings, profile.version) == (25_000.0, {"BTC": 0.4}, 3)
    caller.call(client.put_profile(**profile.fields | {"capital_usd": 5_000.0}))
    assert caller.api.bodies("PUT") == [
        {
            "capital_usd": 5_000.0,
            "risk_tolerance": "low",
            "holdings": {"BTC": 0.4},
            "fees": {"binance": {"spot_taker": 0.001}},
            "allowed_assets": ["BTC"],
        }
    ]


def test_catalogue_is_read(caller_of: CallerOf) -> None:
    one = {"strategy_id": "pairs", "name": "Pairs", "summary": "S.", "opportunity_types": ["a"], "needs": ["b"]}
    caller = caller_of(FakeApi(strategies=[httpx.Response(200, json={"strategies": [one]})]))
    (strategy,) = caller.call(caller.client().strategies())
    assert strategy == opscan.Strategy("pairs", "Pairs", "S.", ("a",), ("b",))


def test_unlimited_loss_and_a_stop_by_a_statistic_are_told_apart_from_unknown_ones() -> None:
    body = {"max_loss_usd": None, "metadata": {"stop": {"z": 4.5, "hours": 12}}}
    found = opscan.Opportunity.of(body)
    assert (found.unlimited_loss, found.stop) == (True, opscan.Stop(name="z", level=4.5, hours=12.0))
    unknown = opscan.Opportunity.of({})
    assert (unknown.unlimited_loss, unknown.max_loss_usd, unknown.stop) == (False, None, None)


def test_both_clients_have_the_same_names_and_arguments() -> None:
    for blocking, other in ((opscan.Client, opscan.AsyncClient), (opscan.Scan, opscan.AsyncScan)):
        names = [name for name in vars(blocking) if not name.startswith("_")]
        assert names == [name for name in vars(other) if not name.startswith("_")]
        for name in names:
            ours, theirs = (inspect.signature(getattr(kind, name)).parameters for kind in (blocking, other))
            assert list(ours) == list(theirs)


def test_answers_cannot_be_changed() -> None:
    kinds = [kind for name in opscan.__all__ if dataclasses.is_dataclass(kind := getattr(opscan, name))]
    assert len(kinds) >= 15
    for kind in kinds:
        assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]


def test_every_error_is_an_api_error_that_the_package_offers() -> None:
    defined = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    assert defined <= {*opscan.__all__}
    assert all(issubclass(getattr(errors, name), opscan.ApiError) for name in defined)
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        opscan.Nothing  # type: ignore[attr-defined]  # noqa: B018


def test_library_needs_neither_rich_nor_typer() -> None:
    check = (
        "import sys, opscan; loaded = {'rich', 'typer', 'httpx'} & set(sys.modules);"
        # httpx has a command line of its own, with rich where there is one: without, nothing of ours is missed
        "sys.modules.update(rich=None, typer=None, click=None);"
        "from opscan import *; sys.exit(', '.join(loaded) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
