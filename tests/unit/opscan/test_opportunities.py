"""The tables of results, read as a trader would: what to do first, profits apart, losses and stops as they are."""

import io
import json
from typing import Any

import httpx
import pytest
from rich.console import Console

from opscan.client.results import Results
from opscan.view.numbers import duration
from opscan.view.opportunities import table_of
from tests.support.cli_fakes import FakeApi, opportunity, results, run

HEDGE = {
    "strategy_id": "hedge_position",
    "opportunity_type": "hedge",
    "purpose": "risk_reduction",
    "profit_potential_usd": None,
    "risk_reduction_usd": 3550.25,
    "action": "sell 1.2 BTC you hold",
    "symbol": "BTC/USDT",
    "rank": 3,
}


def answer(*changes: dict[str, Any], **totals: float) -> FakeApi:
    body = results(0).json()
    body["opportunities"] = [opportunity(number) | change for number, change in enumerate(changes)]
    body |= {"total_opportunities": len(changes), **totals}
    return FakeApi(results=[httpx.Response(200, json=body)])


def shown(*changes: dict[str, Any], columns: int = 100, **totals: float) -> str:
    printed = run(answer(*changes, **totals), "scan", environment={"COLUMNS": str(columns)}).stdout
    return printed[printed.index("SIMULATED") :]


def coloured(change: dict[str, Any]) -> str:
    body = results(0).json() | {"opportunities": [opportunity(0) | change]}
    file = io.StringIO()
    Console(file=file, width=100, force_terminal=True, color_system="standard").print(
        table_of(Results.of(body).opportunities, 100)
    )
    return file.getvalue()


def behind(**numbers: Any) -> dict[str, Any]:
    return {"metadata": opportunity(0)["metadata"] | numbers}


@pytest.mark.parametrize("columns", [80, 100, 160])
def test_action_stands_first_and_whole_with_its_loss_stop_and_horizon(columns: int) -> None:
    action = "sell 120 IMX/USDT:USDT, buy 0.01 BTC/USDT:USDT and 2 more"
    printed = shown({"action": action, "max_loss_usd": 250.5} | behind(stop={"z": 4.5, "hours": 12.0}), columns=columns)
    rows = printed[printed.index("───") :].splitlines()[1:]
    # an action may be folded: its words stand in order at the beginning of the row's lines
    words = " ".join(line[2:].split("  ")[0].strip() for line in rows[:4])
    assert words.startswith(action)
    for said in ("250.50", "z 4.5 or 12 h", "25.2 h", "312.50", "41.27"):
        assert said in printed
    assert max(len(line.rstrip()) for line in printed.splitlines()) <= columns


def test_table_of_fifteen_has_three_lines_a_row_on_a_small_terminal() -> None:
    printed = shown(*({"rank": rank} for rank in range(1, 16)), columns=80)
    table = printed[printed.index("───") : printed.index("Profit: if")].strip().splitlines()[1:]
    assert len(table) == 3 * 15


@pytest.mark.parametrize(
    ("stop", "said"),
    [
        (66_000.0, "66,000.00"),
        ({"z": -3.5, "hours": 25.0}, "z -3.5 or 25 h"),
        ({"s": 4.5}, "s 4.5"),
        ({"hours": 2928.0}, "122 d"),
    ],
)
def test_stop_is_shown_in_whatever_form_it_has(stop: Any, said: str) -> None:
    assert said in shown(behind(stop=stop))


def test_unlimited_loss_is_said_in_red_and_an_unknown_one_is_not_taken_for_it() -> None:
    assert "unlimited" in shown({"max_loss_usd": None})
    assert "\x1b[1;31munlimited" in coloured({"max_loss_usd": None})
    unknown = opportunity(0)
    del unknown["max_loss_usd"]
    body = results(0).json() | {"opportunities": [unknown]}
    assert "unlimited" not in run(FakeApi(results=[httpx.Response(200, json=body)]), "scan").stdout


def test_risk_reductions_stand_below_in_a_table_of_their_own_with_their_own_total() -> None:
    printed = shown({"rank": 1}, {"rank": 2}, HEDGE, total_profit_potential_usd=624.0, total_risk_reduction_usd=3550.25)
    above, below = printed.split("Risk reductions: what they save is no profit")
    assert "buy 0.036 COIN0/USDT" in above
    assert "you hold" not in above
    assert "profit $" in above
    assert "sell 1.2 BTC you hold" in below
    table = below[: below.index("Profit: if")]
    assert "saves $" in table
    assert "profit $" not in table
    assert "3,550.25" in table
    said = " ".join(below.split())
    assert "Profit 624.00 USD if every target is reached" in said
    assert "Saves 3,550.25 USD of risk; that is no profit, and in no sum of profits" in said


def test_sum_of_no_profits_is_not_shown_beside_what_is_saved() -> None:
    printed = shown(HEDGE, total_profit_potential_usd=0.0, total_risk_reduction_usd=3550.25)
    assert "Saves" in printed
    assert "Profit " not in printed
    assert "EV $" not in printed


def test_risk_reductions_are_not_mentioned_where_there_are_none() -> None:
    printed = shown({"rank": 1}, total_risk_reduction_usd=0.0)
    assert "Saves" not in printed
    assert "saves $" not in printed


def test_expected_loss_is_red_and_its_profit_is_not_green() -> None:
    losing, winning = coloured(behind(expected_value_usd=-23.58)), coloured({})
    assert "\x1b[31m-23.58" in losing
    assert "\x1b[32m312.50" not in losing
    assert "\x1b[32m312.50" in winning


def test_json_says_what_to_do_as_the_api_does() -> None:
    document = json.loads(run(answer({"rank": 1}, HEDGE), "scan", "--json").stdout)
    assert [one["action"] for one in document["opportunities"]] == ["buy 0.036 COIN0/USDT", "sell 1.2 BTC you hold"]
    assert [one["purpose"] for one in document["opportunities"]] == ["profit", "risk_reduction"]


@pytest.mark.parametrize(
    ("hours", "said"),
    [(1 / 12, "5 min"), (1.0, "1 h"), (2.5, "2.5 h"), (25.0, "25 h"), (47.0, "47 h"), (2920.8, "122 d")],
)
def test_durations_are_in_the_unit_that_people_use(hours: float, said: str) -> None:
    assert duration(hours) == said


def test_a_duration_of_many_years_has_no_exponent() -> None:
    assert duration(24.0 * 12_345) == "12,345 d"
