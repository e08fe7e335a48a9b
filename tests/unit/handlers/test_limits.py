"""What a caller may send at most, and how often."""

import json
import time
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from opportunities import strategies
from opportunities.aws.items import StoredResult
from opportunities.domain import ScanState
from opportunities.handlers import discover, profile, results
from opportunities.services.results import describe
from tests.support.api import as_user, call, start
from tests.support.builders import NOW, outcome, scan
from tests.support.doubles import Recorder

pytestmark = pytest.mark.usefixtures("lambdas")


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time stands still, 15 seconds into a minute."""
    monkeypatch.setattr(time, "time", lambda: 1_795_291_215.5)


@pytest.mark.usefixtures("noon")
def test_the_thirty_first_scan_of_a_minute_is_refused_and_says_when_to_come_back(
    recorded: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(30):
        start()
    recorded.calls.clear()
    code, content, headers = call(discover.handler, "discover")
    assert (code, headers["Retry-After"], content["title"]) == (429, "45", "Too Many Requests")
    assert content["detail"] == "At most 30 requests for scans in a minute of the clock; wait 45 s."
    assert recorded.operations == ["update_item"]
    assert call(discover.handler, "discover", requestContext=as_user("discover", "somebody-else"))[0] == 202
    monkeypatch.setattr(time, "time", lambda: 1_795_291_260.0)
    start()


def test_requests_are_refused_when_they_cannot_be_counted(
    recorded: Recorder, workflows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    monkeypatch.setattr(recorded, "update_item", refuse, raising=False)
    assert call(discover.handler, "discover")[0] == 503
    assert workflows.started == []


@pytest.mark.usefixtures("noon")
def test_bad_input_does_not_use_up_the_minute() -> None:
    for _ in range(40):
        assert call(discover.handler, "discover", body="{")[0] == 422
    start()


@pytest.mark.parametrize(("handler", "name"), [(discover.handler, "discover"), (profile.handler, "profile-put")])
def test_a_body_beyond_the_limit_is_not_read(handler: Any, name: str, recorded: Recorder) -> None:
    code, content, _ = call(handler, name, body=" " * 65_537)
    assert (code, recorded.calls) == (413, [])
    assert "at most 65536 are read" in content["detail"]
    assert call(handler, name, body=" " * 65_536)[0] == 422


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "json"])
def test_a_body_that_calls_itself_something_else_is_refused(kind: str, recorded: Recorder) -> None:
    code, content, _ = call(discover.handler, "discover", body="{}", headers={"content-type": kind})
    assert (code, recorded.calls) == (415, [])
    assert "application/json" in content["detail"]


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8"])
def test_json_is_json_however_it_is_written(kind: str) -> None:
    assert call(discover.handler, "discover", body="{}", headers={"content-type": kind})[0] == 202


def test_content_type_does_not_matter_without_a_body() -> None:
    assert call(discover.handler, "discover", body=None, headers={"content-type": "text/plain"})[0] == 202


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"symbols": [f"A{number}" for number in range(101)]}, "symbols"),
        ({"symbols": ["A" * 21]}, "symbols.0"),
        ({"min_profit_potential": 1.1e12}, "min_profit_potential"),
        ({"max_required_capital": 1.1e12}, "max_required_capital"),
    ],
)
def test_lists_and_numbers_have_an_end(body: dict[str, Any], field: str) -> None:
    code, content, _ = call(discover.handler, "discover", body=json.dumps(body))
    assert (code, list(content["errors"])) == (422, [field])


def test_deep_nesting_is_refused() -> None:
    assert call(discover.handler, "discover", body='{"symbols":' + "[" * 10_000 + "]" * 10_000 + "}")[0] == 422


def test_pages_of_results_stay_under_what_a_lambda_may_answer() -> None:
    """Forty opportunities of 60 KB from each of four strategies: more than one answer holds."""
    names = strategies.names()[:4]
    found = [
        StoredResult(
            name,
            [
                {
                    "strategy_id": name,
                    "symbol": f"{name[0].upper()}{number}/USDT",
                    "opportunity_type": "x",
                    "score": number / 7,
                    "confidence_score": 0.5,
                    "exchange": "simulated",
                    "purpose": "profit",
                    "profit_potential_usd": 1.0,
                    "risk_reduction_usd": None,
                    "metadata": {"legs": [{"side": "buy", "symbol": f"{name}{number}"}], "curve": [0] * 30_000},
                }
                for number in range(40)
            ],
            0,
            40,
            {},
            {},
        )
        for name in names
    ]
    complete = scan(state=ScanState.COMPLETE, outcomes={name: outcome(opportunities=40) for name in names})
    seen, cursor, pages = [], None, 0
    while True:
        content = describe(complete, found, strategies.describe, NOW, limit=500, cursor=cursor)
        assert len(json.dumps(content, separators=(",", ":"))) < 5_500_000
        seen += [one["rank"] for one in content["opportunities"]]
        cursor, pages = content["next_cursor"], pages + 1
        if cursor is None:
            break
    assert seen == list(range(1, 161))
    assert pages == 2


def test_one_opportunity_beyond_every_limit_still_gets_a_page_of_its_own() -> None:
    name = strategies.names()[0]
    huge = {
        "strategy_id": name,
        "symbol": "BTC",
        "opportunity_type": "x",
        "score": 1.0,
        "confidence_score": 0.5,
        "exchange": "simulated",
        "purpose": "profit",
        "profit_potential_usd": 1.0,
        "risk_reduction_usd": None,
        "metadata": {"legs": [], "text": "x" * 5_100_000},
    }
    complete = scan(state=ScanState.COMPLETE, outcomes={name: outcome(opportunities=2)})
    result = StoredResult(name, [huge, {**huge, "score": 0.5}], 0, 2, {}, {})
    content = describe(complete, [result], strategies.describe, NOW, limit=500, cursor=None)
    assert [one["rank"] for one in content["opportunities"]] == [1]
    assert content["next_cursor"]


@pytest.mark.parametrize("handler", [results.handler])
def test_a_number_of_four_thousand_digits_is_no_cursor(handler: Any) -> None:
    code, _, _ = call(handler, "results", queryStringParameters={"limit": "9" * 4_400})
    assert code == 422
