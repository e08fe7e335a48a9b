"""The ways in which the replaced system failed, by the numbers of the list kept of them: none is possible here."""

import importlib
import importlib.util
import inspect
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from opportunities import scans, strategies
from opportunities.domain import Investor
from opportunities.market.planted.demo import planted_market
from tests.reliability.faults import Fault
from tests.reliability.watch import Watch
from tests.reliability.world import HANDLERS, STRATEGIES, World, in_process
from tests.support.template import ROOT, definition, functions, template

USER = "the-caller"


@pytest.fixture
def world() -> Iterator[World]:
    with in_process() as fresh:
        yield fresh


def read(world: World, name: str, scan_id: str, **query: str) -> dict[str, Any]:
    answer = world.on(name, USER, scan_id, queryStringParameters=query)
    assert answer is not None
    return answer


def finished(world: World, **arguments: Any) -> str:
    scan_id = world.started(USER, **arguments)
    world.workflows.run()
    return scan_id


def another_worker(name: str) -> Any:
    """A handler's module loaded once more: a worker that has served nobody yet and shares no memory."""
    spec = importlib.util.spec_from_file_location(f"another_{name}", HANDLERS[name].__file__ or "")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_f1_sixty_polls_of_sixty_are_right(world: World) -> None:
    watch = Watch(world, USER)
    scan_id = world.started(USER)
    watch.learn(scan_id)
    for _ in range(60):
        watch.look()
        world.pass_time(0.2)
        for execution in world.workflows.running():
            world.workflows.advance(execution)
    assert watch.seen[scan_id]["status"] == "complete"


def test_f1a_a_worker_that_has_never_served_a_post_knows_the_scan(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan_id = world.started(USER)
    monkeypatch.setitem(HANDLERS, "status", another_worker("status"))
    assert read(world, "status", scan_id)["statusCode"] == 200


def test_f1b_the_scan_is_readable_before_anything_else_is_done_with_its_id(world: World) -> None:
    scan_id = world.started(USER)
    calls = world.faults.calls
    assert calls.index("dynamodb.put_item") < calls.index("stepfunctions.start_execution") == len(calls) - 1
    assert read(world, "status", scan_id)["body"]["status"] == "scanning"


def test_f1c_nothing_of_an_ended_scan_goes_before_it_expires(world: World) -> None:
    scan_id = finished(world)
    first = [read(world, name, scan_id)["body"] for name in ("status", "results")]
    for pause in (12, 300, 86_400, 6 * 86_400 - 400):
        world.pass_time(pause)
        assert [read(world, name, scan_id)["body"] for name in ("status", "results")] == first


def test_f1d_polls_at_the_very_moments_that_failed_succeed(world: World) -> None:
    scan_id, start = world.started(USER), world.now
    for moment in (0.0, 7.1, 11.0, 13.0, 15.1, 17.2):
        world.now = start + moment
        assert read(world, "status", scan_id)["body"]["status"] == "scanning"
        assert read(world, "results", scan_id)["statusCode"] == 202


def test_f1e_a_worker_that_has_read_a_partial_scan_does_not_go_on_telling_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan_id = world.started(USER)
    with monkeypatch.context() as patch:
        patch.setitem(HANDLERS, "status", another_worker("status"))
        assert read(world, "status", scan_id)["body"]["status"] == "scanning"
        world.workflows.run()
        seen_by_it = read(world, "status", scan_id)
    assert seen_by_it == read(world, "status", scan_id)
    assert seen_by_it["body"]["status"] == "complete"


def test_f2_a_complete_scan_has_results(world: World) -> None:
    answer = read(world, "results", finished(world))
    assert (answer["statusCode"], answer["body"]["total_opportunities"]) == (200, 6)


def test_f3_progress_is_seen_strategy_by_strategy_and_stays(world: World) -> None:
    scan_id = world.started(USER)
    seen = [0]
    while running := world.workflows.running():
        world.workflows.advance(running[0])
        seen.append(read(world, "status", scan_id)["body"]["progress"]["strategies_completed"])
    assert sorted(set(seen)) == [0, 1, 2, 3]
    assert seen == sorted(seen)


def test_f4_the_same_request_again_writes_over_nothing(world: World) -> None:
    scan_id = finished(world)
    before = [read(world, name, scan_id)["body"] for name in ("status", "results")]
    assert world.started(USER) == scan_id
    assert [read(world, name, scan_id)["body"] for name in ("status", "results")] == before


@pytest.mark.parametrize("behaviour", [{"capture": "boom"}, dict.fromkeys(STRATEGIES, "boom")])
def test_f5_a_failed_scan_says_so_and_why(world: World, behaviour: dict[str, str]) -> None:
    world.behaviour = behaviour
    scan_id = finished(world)
    assert read(world, "status", scan_id)["body"]["status"] == "failed"
    reason = read(world, "results", scan_id)["body"]["metadata"]["reason"]
    assert reason in ("no market: the exchanges do not answer", "every strategy failed")


def test_f6_no_scan_takes_longer_than_its_deadline_and_strategies_do_not_queue() -> None:
    machine = definition()
    assert machine["TimeoutSeconds"] == scans.TIMEOUT_SECONDS < 160
    assert "MaxConcurrency" not in machine["States"]["RunStrategies"]


def test_f7_nothing_found_is_told_from_nothing_done(world: World) -> None:
    world.behaviour = {STRATEGIES[0]: "skip", STRATEGIES[1]: "boom"}
    body = read(world, "status", finished(world, min_profit_potential=1e9))["body"]
    assert body["progress"]["opportunities_found_so_far"] == 0
    told = [(body["strategies"][name]["status"], bool(body["strategies"][name]["reason"])) for name in STRATEGIES]
    assert told == [("skipped", True), ("failed", True), ("complete", False)]


def test_f8_a_strategy_that_hangs_is_ended_and_costs_the_others_nothing(world: World) -> None:
    task = definition()["States"]["RunStrategies"]["ItemProcessor"]["States"]["RunStrategy"]
    own = [
        one["Timeout"] for one in functions().values() if one["Handler"] == "opportunities.handlers.strategy.handler"
    ]
    assert len(own) == len(strategies.names())
    assert max(own) < task["TimeoutSeconds"] < scans.TIMEOUT_SECONDS
    assert ["States.ALL"] in [catcher["ErrorEquals"] for catcher in task["Catch"]]
    world.behaviour = {"risk_management": "boom"}
    body = read(world, "status", finished(world))["body"]
    assert (body["status"], body["progress"]["strategies_failed"]) == ("complete", 1)


@pytest.mark.parametrize("name", ["futures_trade", "options_trade", "complex_strategy", "hedge_position"])
def test_f9_the_four_that_were_dead_find_something(name: str) -> None:
    find = strategies.load(name)
    investor = Investor(capital_usd=50_000.0, holdings={"BTC": 1.0, "ETH": 8.0, "SOL": 150.0})
    assert find(planted_market(7, 1_795_291_200), investor).opportunities


def test_f9_every_strategy_can_be_called_as_it_is_and_an_error_of_one_is_counted(world: World) -> None:
    for name in strategies.names():
        module = importlib.import_module(f"opportunities.strategies.{name}")
        inspect.signature(module.find).bind("market", "investor")
    world.behaviour = {"risk_management": "boom"}
    outcome = read(world, "status", finished(world))["body"]["strategies"]["risk_management"]
    assert (outcome["status"], outcome["reason"]) == ("failed", "ZeroDivisionError: risk_management broke down")


def test_f10_discover_answers_before_any_of_the_work_is_done(world: World) -> None:
    started, before = world.now, len(world.faults.calls)
    world.started(USER)
    assert len(world.faults.calls) - before == 4
    assert world.now - started < 0.1
    assert [one.walk.at for one in world.workflows.running()] == ["CaptureMarket"]


def test_f11_only_the_capture_depends_on_exchanges_and_its_failure_ends_the_scan(world: World) -> None:
    source = {name: inspect.getsource(module) for name, module in HANDLERS.items()}
    assert [name for name, text in source.items() if "market.live" in text] == ["capture"]
    world.behaviour = {"capture": "boom"}
    started = world.now
    scan_id = finished(world)
    assert world.now - started < 30
    assert read(world, "status", scan_id)["body"]["status"] == "failed"


def test_f12_the_death_of_the_worker_that_started_a_scan_does_not_lose_it(world: World) -> None:
    watch = Watch(world, USER)
    with world.faults.armed(4, Fault.DIE_AFTER):
        assert world.discover(USER) is None
    world.workflows.run()
    watch.look()
    assert [one["status"] for one in watch.seen.values()] == ["complete"]


def test_f13_a_forced_scan_leaves_the_running_one_alone(world: World) -> None:
    first, second = world.started(USER), world.started(USER, force_refresh=True)
    assert first != second
    world.workflows.run()
    assert {read(world, "status", one)["body"]["status"] for one in (first, second)} == {"complete"}


def test_f14_a_filtered_request_never_gets_unfiltered_findings(world: World) -> None:
    anything, nothing = finished(world), finished(world, min_profit_potential=1e9)
    ether = finished(world, symbols=["ETH"])
    assert len({anything, nothing, ether}) == 3
    found = [read(world, "results", one)["body"]["opportunities"] for one in (anything, nothing, ether)]
    assert [len(one) for one in found] == [6, 0, 3]
    assert {one["symbol"] for one in found[2]} == {"ETH/USDT"}


def test_f15_empty_lists_restrict_nothing_and_nothing_is_charged(world: World) -> None:
    lists = ("symbols", "asset_tiers", "opportunity_type", "preferred_timeframes")
    scan_id = finished(world)
    assert world.started(USER, **{name: [] for name in lists}) == scan_id
    assert read(world, "results", scan_id)["body"]["total_opportunities"] == 6


def test_f16_a_scan_that_is_stuck_is_failed_by_the_clock_alone(world: World) -> None:
    scan_id = world.started(USER)
    world.pass_time(scans.TIMEOUT_SECONDS + 1)
    body = read(world, "status", scan_id)["body"]
    assert (body["status"], "deadline_exceeded" in body["message"]) == ("failed", True)
    moment = datetime.fromisoformat(body["last_updated"])
    assert moment.tzinfo is UTC
    assert body["metadata"]["elapsed_seconds"] == pytest.approx(scans.TIMEOUT_SECONDS, abs=1)


SECRETS = {
    "a key of AWS": r"\b(AKIA|ASIA)[0-9A-Z]{16}\b",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/=]{20}",
    "a token of GitHub or Slack": r"\b(ghp_[A-Za-z0-9]{36}|xox[bp]-[0-9A-Za-z-]{20,})",
    "a signed token": r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}",
    "credentials in a URL": r"https?://[^\s/:@{}<>$]+:[^\s/:@{}<>$]+@",
    "advice to skip the certificate": r"curl [^\n|]*(\s-k\b|--insecure)",
    "the address of a deployment": r"https://[a-z0-9]+\.execute-api\.[a-z0-9-]+\.amazonaws\.com|\.onrender\.com",
}


def test_f17_no_tracked_file_holds_a_secret_a_deployment_or_bad_advice() -> None:
    git = shutil.which("git")
    assert git is not None
    names = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    found = []
    for name in filter(None, names.split("\0")):
        path = ROOT / name
        if not path.is_file() or path.suffix == ".lock":
            continue
        text = path.read_bytes().decode(errors="replace")
        found += [f"{name} holds {what}" for what, pattern in SECRETS.items() if re.search(pattern, text)]
    assert not found, "\n".join(found)
    passwords = {name: one for name, one in template()["Parameters"].items() if re.search("(?i)password|secret", name)}
    assert all(one.get("NoEcho") and "Default" not in one for one in passwords.values())
