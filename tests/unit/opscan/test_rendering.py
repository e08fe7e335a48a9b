import io
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.spinner import Spinner
from rich.text import Text
from typer.testing import CliRunner

from opscan.client.investor import Catalogue, Profile
from opscan.client.results import Results
from opscan.client.scans import Receipt, Status
from opscan.main import app
from opscan.view.live import LiveView, PlainView, progress_table
from opscan.view.market import warning_of
from opscan.view.numbers import confidence, price
from opscan.view.opportunities import table_of
from opscan.view.summary import summary_of
from opscan.view.tables import catalogue_table, investor_table
from tests.support.cli_fakes import DONE, NOW, FakeApi, FakeTime, context, opportunity, outcome, results, status

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**400), math.nan, math.inf, 1e308, 5e-324])
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["[bold", "[/]", "\x1b[2J", "\n", "ß" * 50, "complete", "running", "2024-04-08T15:00:00Z"]),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=8,
)


def mutilated(body: Any) -> st.SearchStrategy[Any]:
    """Bodies of the right shape in which anything may be missing or something else."""
    if isinstance(body, dict) and body:
        return anything | st.fixed_dictionaries({}, optional={name: mutilated(value) for name, value in body.items()})
    if isinstance(body, list) and body:
        return anything | st.lists(mutilated(body[0]), max_size=3)
    return st.just(body) | anything


statuses = mutilated(status("scanning", **DONE).json()).filter(lambda body: isinstance(body, dict))
answers = mutilated(results(1).json()).filter(lambda body: isinstance(body, dict))


def drawn(*tables: Any, width: int = 100, colour: bool = False) -> str:
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=colour, highlight=False)
    for one in tables:
        console.print(one)
    return file.getvalue()


def printable(shown: str) -> bool:
    return all(char.isprintable() or char == "\n" for char in shown)


@given(statuses, st.integers(20, 250))
def test_any_status_can_be_drawn_and_never_drives_the_terminal(body: Any, width: int) -> None:
    shown = Status.of(body)
    assert printable(drawn(progress_table(shown, 1.0, Spinner("dots")), width=width))
    file = io.StringIO()
    PlainView(Console(file=file, width=width), FakeTime().clock).show(shown)
    assert printable(file.getvalue())


@given(answers, st.integers(20, 250))
def test_any_results_can_be_drawn_and_never_drive_the_terminal(body: Any, width: int) -> None:
    shown = Results.of(body)
    parts = Text(warning_of(shown)), table_of(shown.opportunities, width), summary_of(shown, NOW)
    assert printable(drawn(*parts, width=width))


@given(anything)
def test_other_documents_can_be_drawn_too(body: Any) -> None:
    given_body = body if isinstance(body, dict) else {}
    profile = Profile.of({"profile": given_body})
    catalogue = Catalogue.of({"strategies": [given_body]})
    assert printable(drawn(investor_table(profile), catalogue_table(catalogue.strategies)))
    Receipt.of(given_body)


@given(st.floats(min_value=1e-8, max_value=1e11))
def test_a_price_keeps_its_digits_and_has_no_exponent(amount: float) -> None:
    shown = price(amount)
    assert "e" not in shown
    assert float(shown.replace(",", "")) == pytest.approx(amount, rel=6e-3)


@given(st.floats(0, 1))
def test_no_confidence_is_shown_as_a_certainty(score: float) -> None:
    shown = confidence(score)
    assert float(shown.lstrip(">")) == pytest.approx(score, abs=0.0100001)
    assert shown != "1.00"


@pytest.mark.parametrize("width", [80, 100, 160])
def test_numbers_are_never_cut_and_the_table_fits(width: int) -> None:
    found = opportunity(1, symbol="1000PEPE/USDT:USDT", entry_price=0.0000074123, exit_price=69_420.15)
    body = results(0).json() | {"opportunities": [found] * 3}
    shown = drawn(table_of(Results.of(body).opportunities, width), width=width)
    assert max(len(line.rstrip()) for line in shown.splitlines()) <= width
    assert "…" not in shown
    for number in ("0.0000074123", "69,420.15", "311.50", "41.27", "2.31, n=512", "2,500.00"):
        assert shown.count(number) == 3


def test_the_live_table_shows_a_row_for_each_strategy_and_the_total() -> None:
    states = {
        "funding_arbitrage": outcome("complete", 12, best=True),
        "risk_management": outcome("running"),
        "spot_momentum_strategy": outcome("failed", reason="the Lambda timed out"),
    }
    shown = drawn(progress_table(Status.of(status(**states).json()), 3.2, Spinner("dots")))
    rows = {line.split()[0]: line for line in shown.splitlines() if line.strip()}
    assert "done" in rows["funding_arbitrage"]
    assert "12" in rows["funding_arbitrage"]
    assert "0.41 s" in rows["funding_arbitrage"]
    assert "running" in rows["risk_management"]
    assert "failed" in rows["spot_momentum_strategy"]
    assert "the Lambda timed out" in rows["spot_momentum_strategy"]
    assert "2/3 strategies" in shown
    assert "12 opportunities" in shown


def test_a_terminal_that_knows_only_ascii_is_served_too() -> None:
    ended = CliRunner(charset="ascii").invoke(app, ["scan"], obj=context(FakeApi()), catch_exceptions=False)
    assert ended.exit_code == 0
    assert "COIN0/USDT" in ended.stdout


def test_the_live_view_draws_on_a_terminal_and_leaves_its_last_table() -> None:
    file = io.StringIO()
    console = Console(file=file, width=100, force_terminal=True)
    with LiveView(console, FakeTime().clock) as view:
        view.note("scan_1: started")
        view.show(Status.of(status().json()))
        view.show(Status.of(status("complete", **DONE).json()))
    assert "scan_1: started" in file.getvalue()
    assert "3/3 strategies" in file.getvalue()
