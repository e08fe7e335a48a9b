"""The API's handlers on realistic HTTP API events, over a table whose careless reads are stale."""

import base64
import json
import time
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from opportunities import serialization
from opportunities.api.requests import ProfileBody
from opportunities.aws.items import StoredResult
from opportunities.aws.store import Store
from opportunities.domain import Investor, OutcomeStatus, ScanState
from opportunities.handlers import cancel, delete, discover, openapi, profile, results, status, strategies
from tests.support.api import as_user, call, client_error, end, poll, start
from tests.support.builders import USER, opportunity, outcome
from tests.support.doubles import Recorder
from tests.support.template import event
from tests.support.workflow_steps import WorkflowSteps
from tests.unit.conftest import Workflows

pytestmark = pytest.mark.usefixtures("lambdas")


# ------------------------------------------------------------------------------------------------------- discover
def test_the_id_can_be_read_before_the_answer_is_sent(recorded: Recorder, workflows: Workflows) -> None:
    scan_id = start()
    assert recorded.operations == ["update_item", "get_item", "put_item"]  # rate, investor, placeholder
    assert [one["name"].partition("-")[0] for one in workflows.started] == [scan_id]
    code, content, headers = poll(scan_id)
    assert (code, content["status"], headers["Retry-After"]) == (200, "scanning", "1")


def test_discover_says_where_to_look(workflows: Workflows) -> None:
    code, content, headers = call(discover.handler, "discover")
    assert code == 202
    assert headers["Location"] == content["poll_url"] == f"/opportunities/status/{content['scan_id']}"
    assert headers["Retry-After"] == "1"
    assert content["filters"] == {
        "strategy_ids": ["funding_arbitrage", "spot_momentum_strategy"],
        "min_profit_potential": 1.0,
    }
    (started,) = workflows.started
    content, created = json.loads(started["input"]), int(started["name"].partition("-")[2]) / 1000
    assert content["strategies"] == ["funding_arbitrage", "spot_momentum_strategy"]
    assert content["window"] == created // 300


def test_identical_requests_share_one_scan_however_they_are_written(workflows: Workflows) -> None:
    first = start({"symbols": ["BTC", "ETH"], "filter_by_risk_level": None})
    second = start({"symbols": " eth,btc,ETH,, "})
    assert first == second
    # Both starts carry the same name and the same input, which Step Functions takes for one.
    assert workflows.started[0] == workflows.started[1]


def test_a_running_scan_is_not_started_again(workflows: Workflows, store: Store, recorded: Recorder) -> None:
    scan_id = start()
    assert WorkflowSteps(store.table).begin(USER, scan_id, "windows/any/0", "any")
    recorded.calls.clear()
    code, content, _ = call(discover.handler, "discover", body="{}")
    assert (code, content["scan_id"], content["reused"]) == (202, scan_id, True)
    assert recorded.operations == ["update_item", "get_item", "put_item"]
    assert len(workflows.started) == 1


def test_scans_that_start_and_scans_that_are_found_are_counted_apart(capsys: pytest.CaptureFixture[str]) -> None:
    start()
    start()
    counted = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one.get("ScansStarted"), one.get("ScansReused")) for one in counted] == [([1.0], None), (None, [1.0])]


def test_force_refresh_always_makes_a_new_scan() -> None:
    assert len({start({"force_refresh": True}) for _ in range(3)}) == 3


def test_another_profile_is_another_scan() -> None:
    before = start()
    call(profile.handler, "profile-put")
    assert start() != before


def test_a_scan_that_could_not_start_is_failed_and_the_next_request_makes_another(
    workflows: Workflows, recorded: Recorder
) -> None:
    workflows.error = client_error("ExecutionLimitExceeded", 400)
    code, content, headers = call(discover.handler, "discover", body="{}")
    assert code == 503
    assert int(headers["Retry-After"]) > 0
    assert "send the same request again" in content["detail"]
    placeholder = recorded.calls[2][1]["Item"]["sk"]["S"].removeprefix("SCAN#")
    assert poll(placeholder)[1]["status"] == "failed"
    workflows.error = None
    assert start() != placeholder


@pytest.mark.parametrize(
    "error", [client_error("InternalFailure", 500), EndpointConnectionError(endpoint_url="https://states")]
)
def test_a_start_that_nobody_knows_of_is_healed_by_the_next_request(workflows: Workflows, error: Exception) -> None:
    workflows.error = error
    code, _, _ = call(discover.handler, "discover", body="{}")
    assert code == 503
    workflows.error = None
    scan_id = start()
    assert [one["name"].partition("-")[0] for one in workflows.started] == [scan_id]


def test_a_start_that_has_happened_before_is_a_start(workflows: Workflows) -> None:
    workflows.error = client_error("ExecutionAlreadyExists", 400)
    assert poll(start())[1]["status"] == "scanning"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"strategy": "all"}, "strategy"),
        ({"strategy_ids": ["no_such_strategy"]}, "strategy_ids"),
        ({"opportunity_type": "luck"}, "opportunity_type"),
        ({"filter_by_risk_level": "extreme"}, "filter_by_risk_level"),
        ({"min_profit_potential": -1}, "min_profit_potential"),
        ({"max_required_capital": 0}, "max_required_capital"),
        ({"preferred_timeframes": ["2h"]}, "preferred_timeframes.0"),
        ({"symbols": ["BTC USDT"]}, "symbols.0"),
        ({"asset_tiers": ["gold"]}, "asset_tiers.0"),
        ({"snapshot": "../secrets"}, "snapshot"),
        ({"force_refresh": "perhaps"}, "force_refresh"),
        ([], "body"),
    ],
)
def test_bad_input_is_refused_field_by_field_and_nothing_is_written(body: Any, field: str, recorded: Recorder) -> None:
    code, content, headers = call(discover.handler, "discover", body=json.dumps(body))
    assert code == 422
    assert headers["Content-Type"] == "application/problem+json"
    assert list(content["errors"]) == [field]
    assert recorded.calls == []


@pytest.mark.parametrize("body", ["{", "\x00", '{"min_profit_potential": NaN}', '{"min_profit_potential": 1e999}'])
def test_a_body_that_is_no_json_is_refused(body: str) -> None:
    assert call(discover.handler, "discover", body=body)[0] == 422


def test_a_base64_body_is_read() -> None:
    body = base64.b64encode(b'{"symbols": "BTC"}').decode()
    _, content, _ = call(discover.handler, "discover", body=body, isBase64Encoded=True)
    assert content["filters"] == {"symbols": ["BTC"]}


# --------------------------------------------------------------------------------------------------------- status
def test_status_is_one_consistent_get_item(recorded: Recorder) -> None:
    scan_id = start()
    recorded.calls.clear()
    poll(scan_id)
    assert [(operation, arguments["ConsistentRead"]) for operation, arguments, _ in recorded.calls] == [
        ("get_item", True)
    ]


def test_progress_follows_the_outcomes(store: Store) -> None:
    scan_id = start({"strategy_ids": ["funding_arbitrage", "risk_management", "spot_momentum_strategy"]})
    store.record_outcome(USER, scan_id, "risk_management", outcome(opportunities=2), time.time())
    failed = outcome(status=OutcomeStatus.FAILED, opportunities=0, best=None, reason="TypeError: no")
    store.record_outcome(USER, scan_id, "funding_arbitrage", failed, time.time())
    _, content, _ = poll(scan_id)
    assert content["progress"] == {
        "strategies_completed": 1,
        "strategies_failed": 1,
        "total_strategies": 3,
        "opportunities_found_so_far": 2,
        "percentage": 66.7,
    }
    assert content["strategies"]["funding_arbitrage"]["reason"] == "TypeError: no"
    assert content["strategies"]["spot_momentum_strategy"]["status"] == "waiting"
    assert [one["strategy_id"] for one in content["partial_results"]] == ["risk_management"]


@pytest.mark.parametrize("handler", [status.handler, results.handler])
def test_a_strangers_scan_and_an_unknown_one_get_the_same_answer(handler: Any) -> None:
    scan_id = start()
    theirs = call(
        handler, "status", pathParameters={"scan_id": scan_id}, requestContext=as_user("status", "somebody-else")
    )
    unknown = call(handler, "status", pathParameters={"scan_id": "scan_" + "0" * 32})
    nonsense = call(handler, "status", pathParameters={"scan_id": "../../etc/passwd"})
    assert theirs == unknown == nonsense
    assert theirs[0] == 404
    assert (theirs[1]["success"], theirs[1]["status"]) == (False, "not_found")


@pytest.mark.parametrize("handler", [status.handler, results.handler])
def test_an_expired_scan_is_gone_before_ttl_deletes_it(handler: Any, store: Store, dynamodb: Any) -> None:
    scan_id = start()
    dynamodb.update_item(
        TableName=store.table.name,
        Key={"pk": {"S": f"USER#{USER}"}, "sk": {"S": f"SCAN#{scan_id}"}},
        UpdateExpression="SET expires_at = :now",
        ExpressionAttributeValues={":now": {"N": str(int(time.time()))}},
    )
    assert call(handler, "status", pathParameters={"scan_id": scan_id})[0] == 404


def test_request_without_a_token_is_refused() -> None:
    for handler, name in [
        (discover.handler, "discover"),
        (status.handler, "status"),
        (results.handler, "results"),
        (profile.handler, "profile-get"),
        (strategies.handler, "strategies"),
    ]:
        context = event(name)["requestContext"]
        del context["authorizer"]
        assert call(handler, name, requestContext=context)[0] == 401


def test_a_database_that_does_not_answer_is_a_503(recorded: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    monkeypatch.setattr(recorded, "get_item", refuse, raising=False)
    code, content, headers = poll("scan_" + "0" * 32)
    assert (code, headers["Retry-After"]) == (503, "2")
    assert content["detail"] == "The database does not answer; try again in a moment."


def test_a_surprise_is_a_500_without_a_stack_trace(recorded: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    def surprise(**_: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(recorded, "get_item", surprise, raising=False)
    code, content, _ = poll("scan_" + "0" * 32)
    assert code == 500
    assert "secret" not in json.dumps(content)


# -------------------------------------------------------------------------------------------------------- results
MARKET: dict[str, Any] = {
    "source": "simulated",
    "captured_at": "2026-11-21T20:00:00.000Z",
    "total_assets_scanned": 40,
    "asset_tiers": {"retail": 40},
    "unknown_symbols": [],
    "excluded": {},
    "missing": {},
    "assumptions": {},
}
INVESTOR: dict[str, Any] = json.loads(json.dumps(serialization.investor_to_json(Investor(version=3))))


def fill(store: Store, scan_id: str) -> None:
    """Two strategies find three opportunities, the third is skipped, and the scan is complete."""

    def one(strategy: str, symbol: str, score: float) -> dict[str, Any]:
        legs = [{"side": "buy", "symbol": symbol, "exchange": "simulated", "quantity": 1.0, "price": 100.0}]
        default = opportunity()
        made = replace(
            default,
            strategy_id=strategy,
            symbol=symbol,
            confidence_score=0.8,
            profit_potential_usd=10.0,
            metadata={**default.metadata, "legs": legs},
        )
        return serialization.opportunity_to_json(made) | {"score": score}

    found = {
        "funding_arbitrage": [one("funding_arbitrage", "ETH/USDT", 0.3)],
        "spot_momentum_strategy": [one("spot_momentum_strategy", symbol, 0.2) for symbol in ("ETH/USDT", "BTC/USDT")],
    }
    for name, opportunities in found.items():
        store.put_result(
            USER,
            scan_id,
            StoredResult(name, opportunities, 7, 40, MARKET, INVESTOR),
            int(time.time()) + 1000,
            time.time(),
        )
        store.record_outcome(USER, scan_id, name, outcome(opportunities=len(opportunities) + 7), time.time())
    skipped = outcome(status=OutcomeStatus.SKIPPED, opportunities=0, best=None, reason="no holdings are stored")
    store.record_outcome(USER, scan_id, "risk_management", skipped, time.time())


def read(scan_id: str, **query: str) -> tuple[int, dict[str, Any], dict[str, str]]:
    return call(results.handler, "results", pathParameters={"scan_id": scan_id}, queryStringParameters=query)


def test_results_wait_for_the_scan_unless_asked_for_what_is_there(store: Store) -> None:
    scan_id = start()
    fill(store, scan_id)
    code, _, headers = read(scan_id)
    assert (code, headers["Retry-After"]) == (202, "1")
    code, content, _ = read(scan_id, partial="true")
    assert (code, content["total_opportunities"]) == (200, 3)


def test_results_are_one_ranking_and_say_what_is_missing(store: Store) -> None:
    scan_id = start()
    fill(store, scan_id)
    end(store, scan_id, ScanState.COMPLETE)
    _, content, _ = read(scan_id)
    assert [(one["rank"], one["symbol"], one["repeats"]) for one in content["opportunities"]] == [
        (1, "ETH/USDT", None),
        (2, "BTC/USDT", None),
        (3, "ETH/USDT", 1),
    ]
    assert content["total_profit_potential_usd"] == 20.0
    assert content["metadata"]["truncated"] == {"funding_arbitrage": 7, "spot_momentum_strategy": 7}
    assert content["strategy_performance"]["risk_management"]["reason"] == "no holdings are stored"
    assert content["signal_analysis"]["total_signals_analyzed"] == 80
    assert content["user_profile"] == INVESTOR
    assert content["signal_analysis"]["signals_by_strength"] == {
        "very_strong": 0,
        "strong": 3,
        "moderate": 0,
        "weak": 0,
    }
    (advice,) = content["strategy_recommendations"]
    assert (advice["strategy_id"], advice["type"]) == ("risk_management", "provide_what_it_needs")


def test_pages_follow_each_other_without_gap_or_repetition(store: Store) -> None:
    scan_id = start()
    fill(store, scan_id)
    end(store, scan_id, ScanState.COMPLETE)
    seen: list[str] = []
    query = {"limit": "2"}
    while True:
        _, content, _ = read(scan_id, **query)
        seen += [one["symbol"] for one in content["opportunities"]]
        if not content["next_cursor"]:
            break
        query["cursor"] = content["next_cursor"]
    assert seen == ["ETH/USDT", "BTC/USDT", "ETH/USDT"]


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "x"}, {"cursor": "!!"}, {"cursor": "AAAA"}, {"page": "2"}])
def test_a_bad_query_is_refused_by_name(query: dict[str, str], store: Store) -> None:
    scan_id = start()
    end(store, scan_id, ScanState.COMPLETE)
    code, content, _ = read(scan_id, **query)
    assert code == 422
    assert list(content["errors"]) == list(query)


def test_recommendations_are_left_out_when_not_wanted(store: Store) -> None:
    scan_id = start({"include_strategy_recommendations": False})
    fill(store, scan_id)
    end(store, scan_id, ScanState.COMPLETE)
    assert read(scan_id)[1]["strategy_recommendations"] == []


# -------------------------------------------------------------------------------------------- profile, catalogue
def test_the_profile_reads_back() -> None:
    assert call(profile.handler, "profile-get")[1]["stored"] is False
    call(profile.handler, "profile-put")
    _, content, _ = call(profile.handler, "profile-get")
    assert content["stored"] is True
    assert content["profile"]["holdings"] == {"BTC": 0.4, "ETH": 4.0, "SOL": 60.0}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"capital_usd": 0},
        {"capital_usd": 1, "holdings": {"btc": 1}},
        {"capital_usd": 1, "holdings": {"BTC": -1}},
        {"capital_usd": 1, "name": "me"},
        {"capital_usd": 1, "fees": {"binance": {"spot_taker": 2, "perpetual_taker": 0}}},
    ],
)
def test_a_profile_that_makes_no_sense_is_refused(body: Any, recorded: Recorder) -> None:
    code, _, _ = call(profile.handler, "profile-put", body=json.dumps(body))
    assert (code, recorded.calls) == (422, [])


def test_the_catalogue_has_what_can_run() -> None:
    _, content, _ = call(strategies.handler, "strategies")
    assert content["total_strategies"] == len(content["strategies"]) > 0
    assert all(one["summary"] and one["opportunity_types"] for one in content["strategies"])


def test_a_profile_may_state_some_of_an_exchanges_fees() -> None:
    body = ProfileBody.model_validate({"capital_usd": 1.0, "fees": {"binance": {"spot_taker": 0.0007}}})
    assert body.investor().fees == {"binance": {"spot_taker": 0.0007}}


@pytest.mark.parametrize(
    ("handler", "name"),
    [
        (discover.handler, "discover"),
        (status.handler, "status"),
        (cancel.handler, "cancel"),
        (delete.handler, "delete"),
        (profile.handler, "profile-get"),
        (profile.handler, "profile-put"),
        (strategies.handler, "strategies"),
        (openapi.handler, "openapi"),
    ],
)
def test_a_route_without_parameters_refuses_any_before_it_does_anything(
    handler: Any, name: str, recorded: Recorder
) -> None:
    code, content, _ = call(handler, name, queryStringParameters={"page": "2"})
    assert (code, list(content["errors"])) == (422, ["page"])
    assert recorded.calls == []
