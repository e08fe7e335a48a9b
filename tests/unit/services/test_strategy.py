"""One strategy's run, over a table whose careless reads are stale."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from opportunities import ranking, serialization, strategies
from opportunities.aws.store import Store
from opportunities.domain import Filters, Findings, Investor, Opportunity, OutcomeStatus, RiskLevel
from opportunities.errors import Unsuitable
from opportunities.market.simulated import simulated
from opportunities.market.snapshot import MarketSnapshot
from opportunities.serialization import StrategyTask
from opportunities.services.strategy import MOST, StrategyRunner
from tests.support.builders import NOW, SCAN_ID, USER, opportunity, scan
from tests.support.doubles import Recorder

MARKET = MarketSnapshot(captured_at=int(NOW), source="simulated", fees={})
NAME = "spot_momentum_strategy"
TASK = StrategyTask(
    user_id=USER,
    scan_id=SCAN_ID,
    deadline=scan().deadline,
    expires_at=scan().expires_at,
    snapshot_key="windows/simulated-7/1795291200",
    filters=Filters(),
    investor=Investor(),
)


def runner(store: Store, found: Iterable[Opportunity] = (), now: float = NOW + 1) -> StrategyRunner:
    findings = Findings(tuple(ranking.ranked(found)), examined=50)
    return StrategyRunner(NAME, lambda _market, _investor: findings, lambda _key: MARKET, store, clock=lambda: now)


@pytest.fixture(autouse=True)
def placeholder(store: Store) -> None:
    store.put_scan(scan())


def test_the_result_is_readable_before_progress_says_so(store: Store, recorded: Recorder) -> None:
    recorded.calls.clear()
    runner(store, [opportunity()]).run(TASK)
    assert recorded.operations == ["put_item", "update_item"]


def test_the_outcome_tells_what_the_result_holds(store: Store) -> None:
    poor, rich = opportunity(symbol="ETH/USDT", profit_potential_usd=1.0), opportunity()
    outcome = runner(store, [poor, rich]).run(TASK)
    assert outcome is not None
    assert (outcome.status, outcome.opportunities) == (OutcomeStatus.COMPLETE, 2)
    assert outcome.best is not None
    assert outcome.best.symbol == "BTC/USDT"
    (result,) = store.results(USER, SCAN_ID)
    assert [one["symbol"] for one in result.opportunities] == ["BTC/USDT", "ETH/USDT"]
    assert result.examined == 50


def test_only_what_was_asked_for_is_kept(store: Store) -> None:
    low = opportunity(symbol="ETH/USDT", risk_level=RiskLevel.LOW)
    task = replace(TASK, filters=Filters(filter_by_risk_level=RiskLevel.LOW))
    outcome = runner(store, [low, opportunity()]).run(task)
    assert outcome is not None
    assert outcome.opportunities == 1
    assert [one["symbol"] for one in store.results(USER, SCAN_ID)[0].opportunities] == ["ETH/USDT"]


def test_the_result_says_for_whom_and_of_what_it_was_found(store: Store) -> None:
    task = replace(TASK, filters=Filters(symbols=("BTC", "DOGECOINX")), investor=Investor(capital_usd=7.0, version=4))
    market = simulated(7, int(NOW), 3)
    replace(runner(store), market=lambda _key: market).run(task)
    (result,) = store.results(USER, SCAN_ID)
    assert (result.investor["capital_usd"], result.investor["version"]) == (7.0, 4)
    assert result.market["unknown_symbols"] == ["DOGECOINX"]
    assert result.market["total_assets_scanned"] == 3


def test_nothing_is_kept_of_what_the_investor_may_not_trade(store: Store) -> None:
    legs = [{"side": "buy", "symbol": "BTC/USDT"}, {"side": "sell", "symbol": "ETH/USDT:USDT"}]
    task = replace(TASK, investor=Investor(allowed_assets=("BTC",)))
    outcome = runner(
        store, [opportunity(), opportunity(symbol="BTC/USDT:USDT", metadata={"expected_value_usd": 5.0, "legs": legs})]
    ).run(task)
    assert outcome is not None
    assert outcome.opportunities == 1


def test_a_market_without_an_allowed_exchange_is_refused_with_the_reason(store: Store) -> None:
    task = replace(TASK, investor=Investor(allowed_exchanges=("kraken",)))
    strategy = strategies.load("spot_momentum_strategy")
    outcome = replace(runner(store), find=strategy, market=lambda _key: simulated(7, int(NOW), 3)).run(task)
    assert outcome is not None
    assert outcome.status is OutcomeStatus.SKIPPED
    assert outcome.reason is not None
    assert "allows none of this market's exchanges: simulated" in outcome.reason


def test_opportunities_over_the_cap_are_cut_and_counted(store: Store) -> None:
    many = [opportunity(symbol=f"A{number:03}/USDT") for number in range(MOST + 3)]
    outcome = runner(store, many).run(TASK)
    (result,) = store.results(USER, SCAN_ID)
    assert (len(result.opportunities), result.truncated) == (MOST, 3) == (40, 3)
    assert outcome is not None
    assert outcome.opportunities == MOST + 3


def test_each_find_is_kept_with_its_score_and_what_is_kept_whole_says_so(store: Store) -> None:
    runner(store, [opportunity()]).run(TASK)
    (result,) = store.results(USER, SCAN_ID)
    score = ranking.score(opportunity())
    assert result.opportunities == [serialization.opportunity_to_json(opportunity()) | {"score": score}]
    assert (result.strategy, result.truncated) == (NAME, 0)


def test_the_outcome_says_how_many_milliseconds_it_took(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    readings = iter([7.5, 8.75])
    monkeypatch.setattr("opportunities.services.strategy.time.perf_counter", lambda: next(readings))
    outcome = runner(store).run(TASK)
    assert outcome is not None
    assert outcome.duration_ms == 1250


def test_a_strategy_that_lacks_what_it_needs_is_skipped_with_the_reason(store: Store) -> None:
    def refuse(_market: MarketSnapshot, _investor: Investor) -> Findings:
        raise Unsuitable("no perpetual contracts in this market")

    outcome = replace(runner(store), find=refuse).run(TASK)
    assert outcome is not None
    assert (outcome.status, outcome.reason) == (OutcomeStatus.SKIPPED, "no perpetual contracts in this market")


def test_a_bug_in_a_strategy_crashes_and_writes_nothing(store: Store, recorded: Recorder) -> None:
    def break_down(_market: MarketSnapshot, _investor: Investor) -> Findings:
        raise ZeroDivisionError

    recorded.calls.clear()
    with pytest.raises(ZeroDivisionError):
        replace(runner(store), find=break_down).run(TASK)
    assert recorded.calls == []


def test_a_repeated_delivery_changes_nothing_and_gets_the_first_outcome(store: Store) -> None:
    first = runner(store, [opportunity()]).run(TASK)
    before = (store.scan(USER, SCAN_ID), store.results(USER, SCAN_ID))
    second = runner(store, [opportunity(), opportunity(symbol="ETH/USDT")], now=NOW + 9).run(TASK)
    assert second == first
    assert (store.scan(USER, SCAN_ID), store.results(USER, SCAN_ID)) == before


def test_a_crash_between_result_and_outcome_is_mended_by_the_retry(
    store: Store, recorded: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(**_: Any) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(recorded, "update_item", crash, raising=False)
        with pytest.raises(MemoryError):
            runner(store, [opportunity()]).run(TASK)
    outcome = runner(store, [opportunity()]).run(TASK)
    found = store.scan(USER, SCAN_ID)
    assert found is not None
    assert found.outcomes == {NAME: outcome}


def test_strategy_is_not_run_after_the_deadline(store: Store, recorded: Recorder) -> None:
    recorded.calls.clear()
    assert runner(store, [opportunity()], now=TASK.deadline).run(TASK) is None
    assert recorded.calls == []


def test_a_number_that_is_no_number_never_reaches_a_result(store: Store) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        runner(store, [opportunity(metadata={"z_score": float("nan"), "legs": [], "expected_value_usd": 1.0})]).run(
            TASK
        )
