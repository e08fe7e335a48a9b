"""Scans through the deployed API, with IAM and JWT enforced."""

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from infra.local.stack.deploy import STACK_NAME
from infra.local.stack.state import Stack
from opportunities import ranking, serialization, strategies
from opportunities.api.openapi import document
from opportunities.domain import Filters, Investor
from opportunities.errors import Unsuitable
from opportunities.market.archive.file import load, save
from opportunities.market.planted.demo import planted_market
from opportunities.market.simulated import simulated
from tests.e2e.conftest import Caller
from tests.support.template import functions

TERMINAL = ("complete", "failed", "cancelled")


def until_terminal(caller: Caller, scan_id: str, seconds: float = 150) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Every answer on the way, and the last one."""
    answers = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        answer = caller.status(scan_id)
        assert answer.status_code == 200, answer.text
        answers.append(answer.json())
        if answers[-1]["status"] in TERMINAL:
            return answers, answers[-1]
        time.sleep(0.2)
    raise AssertionError(f"no terminal state within {seconds} s: {answers[-1]}")


@pytest.fixture(scope="module")
def scan_id(demo: Caller) -> str:
    answer = demo.discover(force_refresh=True)
    assert answer.status_code == 202, answer.text
    found: str = answer.json()["scan_id"]
    until_terminal(demo, found)
    return found


def test_the_workflow_is_of_the_type_that_was_deployed(stack: Stack, workflow_type: str) -> None:
    described = stack.client("stepfunctions").describe_state_machine(stateMachineArn=stack.state_machine_arn)
    assert described["type"] == workflow_type


def test_every_strategy_of_the_catalogue_ends_and_progress_never_goes_back(demo: Caller) -> None:
    answers, last = until_terminal(demo, demo.discover(force_refresh=True).json()["scan_id"])
    assert last["status"] == "complete"
    assert {name: one["status"] for name, one in last["strategies"].items()} == dict.fromkeys(
        strategies.names(), "complete"
    )
    done = [one["progress"]["strategies_completed"] for one in answers]
    assert done == sorted(done)
    assert last["progress"]["percentage"] == 100


def test_the_results_are_what_the_strategies_say_of_the_same_market(demo: Caller, stack: Stack, scan_id: str) -> None:
    """The strategies are run here, on the snapshot as it lies in the bucket, and must find the same."""
    content = demo.results(scan_id, limit=500).json()
    snapshot = stack.client("s3").get_object(Bucket=stack.bucket_name, Key=content["metadata"]["snapshot"])
    body = snapshot["Body"].read()
    market = load(body)
    assert save(planted_market(7, market.captured_at)) == body
    profile = demo.http.get("/opportunities/profile").json()["profile"]
    expected = []
    for name in strategies.names():
        findings = strategies.load(name)(market, serialization.investor_from_json(profile))
        expected += ranking.ranked(findings.opportunities)[:40]
    found = [
        (one["strategy_id"], one["symbol"], one["profit_potential_usd"], one["risk_reduction_usd"])
        for one in content["opportunities"]
    ]
    assert found == [
        # Seven digits are kept.
        (one.strategy_id, one.symbol, *(pytest.approx(each, rel=1e-6) for each in numbers))
        for one in ranking.ranked(expected)
        for numbers in [(one.profit_potential_usd, one.risk_reduction_usd)]
    ]
    assert found


def test_an_investor_without_holdings_is_told_so(stranger: Caller) -> None:
    scan_id = stranger.discover(force_refresh=True, strategy_ids="risk_management").json()["scan_id"]
    _, last = until_terminal(stranger, scan_id)
    with pytest.raises(Unsuitable) as refused:
        strategies.load("risk_management")(simulated(7, 1_795_291_200), Investor())
    assert last["status"] == "complete"
    assert last["strategies"]["risk_management"]["status"] == "skipped"
    assert str(refused.value).startswith(last["strategies"]["risk_management"]["reason"])


def test_a_filter_narrows_what_is_found(demo: Caller) -> None:
    filters = Filters(symbols=("BTC", "ETH", "SOL"), max_required_capital=30_000.0)
    answer = demo.discover(symbols="BTC,ETH,SOL", max_required_capital=30_000, force_refresh=True).json()
    assert answer["filters"] == serialization.filters_to_json(filters)
    until_terminal(demo, answer["scan_id"])
    found = demo.results(answer["scan_id"], limit=500).json()["opportunities"]
    assert all(one["symbol"].partition("/")[0] in filters.symbols for one in found)
    assert all(one["required_capital_usd"] <= 30_000 for one in found)


def test_two_identical_requests_share_one_scan(demo: Caller) -> None:
    # A window may end between two requests; then the third shares with the second.
    answers = [demo.discover(symbols="BTC").json() for _ in range(3)]
    shared = Counter(one["scan_id"] for one in answers)
    assert max(shared.values()) >= 2
    assert answers[-1]["reused"]


def test_identical_requests_at_the_same_time_share_one_scan(demo: Caller) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: demo.discover(symbols="ETH").json(), range(8)))
    shared = Counter(one["scan_id"] for one in answers)
    assert len(shared) <= 2
    assert sum(not one["reused"] for one in answers) == len(shared)


@pytest.mark.parametrize("path", ["status", "results"])
def test_a_stranger_sees_the_same_as_of_no_scan(stranger: Caller, scan_id: str, path: str) -> None:
    theirs = stranger.http.get(f"/opportunities/{path}/{scan_id}")
    nothing = stranger.http.get(f"/opportunities/{path}/scan_{'0' * 32}")
    assert theirs.status_code == 404
    assert (theirs.status_code, theirs.content) == (nothing.status_code, nothing.content)


ROUTES = [
    (route["Properties"]["Method"], route["Properties"]["Path"])
    for function in functions().values()
    for route in function.get("Events", {}).values()
    if "Path" in route["Properties"] and "Auth" not in route["Properties"]
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_no_route_answers_without_a_token(nobody: Caller, method: str, path: str) -> None:
    assert nobody.http.request(method, path.replace("{scan_id}", "scan_" + "0" * 32)).status_code == 401


def test_everybody_may_read_how_to_call_it(nobody: Caller) -> None:
    answer = nobody.http.get("/opportunities/openapi.json")
    assert (answer.status_code, answer.json()) == (200, json.loads(json.dumps(document())))


@pytest.mark.parametrize(("method", "path", "status"), [("PATCH", "profile", 405), ("GET", "nowhere", 404)])
def test_unknown_routes_are_answered_too(demo: Caller, method: str, path: str, status: int) -> None:
    answer = demo.http.request(method, f"/opportunities/{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


@pytest.mark.parametrize("token", ["nonsense", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJkZW1vIn0."])
def test_a_token_that_is_none_is_refused(nobody: Caller, token: str) -> None:
    answer = nobody.http.get("/opportunities/profile", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


def test_a_scan_pinned_to_a_snapshot_judges_that_one(demo: Caller, stack: Stack) -> None:
    recorded = simulated(99, 1_712_588_400)
    stack.client("s3").put_object(Bucket=stack.bucket_name, Key="pinned/april", Body=save(recorded))
    scan_id = demo.discover(snapshot="april").json()["scan_id"]
    assert until_terminal(demo, scan_id)[1]["status"] == "complete"
    content = demo.results(scan_id).json()
    assert content["asset_discovery"]["captured_at"] == "2024-04-08T15:00:00.000Z"
    assert {one["discovered_at"] for one in content["opportunities"]} == {1_712_588_400}


def test_a_scan_pinned_to_nothing_fails_and_says_what_to_do(demo: Caller) -> None:
    _, last = until_terminal(demo, demo.discover(snapshot="no-such").json()["scan_id"])
    assert last["status"] == "failed"
    assert "no snapshot is named no-such; upload it to pinned/no-such" in last["message"]


def test_a_cancelled_scan_stays_cancelled_and_is_deleted_for_good(demo: Caller, stranger: Caller) -> None:
    scan_id = demo.discover(force_refresh=True).json()["scan_id"]
    assert demo.delete(scan_id).status_code == 409
    assert stranger.cancel(scan_id).status_code == 404
    assert demo.cancel(scan_id).json()["status"] == "cancelled"
    assert demo.cancel(scan_id).status_code == 409
    time.sleep(1.5)  # the strategies that were running have ended by now
    assert demo.status(scan_id).json()["status"] == "cancelled"
    assert demo.results(scan_id).status_code == 200
    assert stranger.delete(scan_id).status_code == 404
    assert demo.delete(scan_id).status_code == 204
    assert [ask(scan_id).status_code for ask in (demo.status, demo.results, demo.cancel, demo.delete)] == [404] * 4


def test_the_list_has_every_scan_once_and_newest_first(demo: Caller, stranger: Caller) -> None:
    made = [demo.discover(force_refresh=True, strategy_ids="risk_management").json()["scan_id"] for _ in range(5)]
    listed: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 2}
    while len(listed) < len(made):
        page = demo.list_scans(**query).json()
        listed += page["scans"]
        query["cursor"] = page["next_cursor"]
    assert [one["scan_id"] for one in listed[: len(made)]] == made[::-1]
    for scan_id in made:
        until_terminal(demo, scan_id)
    assert {one["status"] for one in demo.list_scans(limit=5).json()["scans"]} == {"complete"}
    assert not {one["scan_id"] for one in stranger.list_scans(limit=100).json()["scans"]} & set(made)


def test_one_key_is_one_scan_from_all_workers(demo: Caller) -> None:
    def ask(_: int) -> httpx.Response:
        return demo.http.post(
            "/opportunities/discover", json={"strategy_ids": "risk_management"}, headers={"Idempotency-Key": "e2e"}
        )

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(16)))
    assert len({one.json()["scan_id"] for one in answers}) == 1
    other = demo.http.post("/opportunities/discover", json={"symbols": "BTC"}, headers={"Idempotency-Key": "e2e"})
    assert (other.status_code, list(other.json()["errors"])) == (422, ["Idempotency-Key"])


def test_one_request_can_wait_for_the_whole_scan(demo: Caller) -> None:
    answer = demo.http.post("/opportunities/discover", json={"force_refresh": True}, headers={"Prefer": "wait=20"})
    assert (answer.status_code, answer.json()["status"]) == (200, "complete")
    assert answer.headers["Preference-Applied"] == "wait=20"
    assert demo.results(answer.json()["scan_id"]).status_code == 200


def test_a_long_poll_is_answered_by_the_first_news(demo: Caller) -> None:
    scan_id = demo.discover(force_refresh=True).json()["scan_id"]
    polls = 0
    while (
        demo.http.get(f"/opportunities/status/{scan_id}", headers={"Prefer": "wait=20"}).json()["status"]
        not in TERMINAL
    ):
        polls += 1
    assert polls <= len(strategies.names()) + 1  # each brings news


def test_a_scan_that_may_not_start_is_refused_and_its_placeholder_failed(demo: Caller, stack: Stack) -> None:
    """The Lambda is forbidden to start the workflow for a moment; what it wrote must not be left running."""
    role = stack.client("cloudformation").describe_stack_resource(
        StackName=STACK_NAME, LogicalResourceId="DiscoverRole"
    )["StackResourceDetail"]["PhysicalResourceId"]
    deny = {"Statement": [{"Effect": "Deny", "Action": "states:StartExecution", "Resource": "*"}]}
    iam = stack.client("iam")
    iam.put_role_policy(RoleName=role, PolicyName="no-start", PolicyDocument=json.dumps(deny))
    try:
        answer = demo.discover(symbols="DOGE")
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="no-start")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    failed = stack.client("dynamodb").query(
        TableName=stack.table_name,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :scan)",
        FilterExpression="reason = :reason",
        ExpressionAttributeValues={
            ":pk": {"S": f"USER#{stack.user_id}"},
            ":scan": {"S": "SCAN#"},
            ":reason": {"S": "the workflow could not be started"},
        },
        ConsistentRead=True,
    )["Items"]
    assert [one["state"]["S"] for one in failed] == ["failed"]
    again = demo.discover(symbols="DOGE").json()
    assert again["scan_id"] != failed[0]["sk"]["S"].removeprefix("SCAN#")
    assert until_terminal(demo, again["scan_id"])[1]["status"] == "complete"


def test_no_id_is_ever_unknown_to_the_one_who_got_it(demo: Caller) -> None:
    """200 discovers, 20 at a time, each followed at once by a status."""

    def discover_and_look(_: int) -> tuple[str, int]:
        answer = demo.discover(force_refresh=True, strategy_ids="risk_management")
        assert answer.status_code == 202, answer.text
        scan_id: str = answer.json()["scan_id"]
        return scan_id, demo.status(scan_id).status_code

    with ThreadPoolExecutor(20) as pool:
        looked = list(pool.map(discover_and_look, range(200)))
        assert Counter(code for _, code in looked) == {200: 200}
        assert len({scan_id for scan_id, _ in looked}) == 200
        ends = Counter(pool.map(lambda one: until_terminal(demo, one[0])[1]["status"], looked))
    assert set(ends) <= set(TERMINAL)
    assert ends["complete"] > 0
