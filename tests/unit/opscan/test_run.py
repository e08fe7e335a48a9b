"""`opscan run`: one strategy by itself, on the simulated market or a snapshot file."""

import json
from pathlib import Path

import pytest
from click.testing import Result

from opportunities import ranking, strategies
from opportunities.domain import Findings, Investor
from opportunities.market.archive.file import save
from opportunities.market.simulated import simulated
from opportunities.market.snapshot import MarketSnapshot
from opscan.authoring import trial
from tests.support.cli_fakes import FakeApi, FakeStack, run

NAME = "spot_mean_reversion"


def ran(*arguments: str) -> Result:
    stack = FakeStack(running=None)
    ended = run(FakeApi(), "run", *arguments, stack=stack)
    assert stack.running is None
    return ended


def test_planted_opportunity_of_the_strategy_is_found_without_a_stack() -> None:
    ended = ran(NAME)
    assert (ended.exit_code, ended.stderr) == (0, "")
    symbol = trial.planted_market(NAME, 7).assumptions["planted"].rpartition(" ")[2]
    assert symbol in ended.stdout[ended.stdout.index("what to do") :]
    said = " ".join(ended.stdout.split())
    assert f"{NAME} examined 50 instruments for 10,000 USD, medium risk tolerance, holding nothing." in said
    assert "SIMULATED market, opportunities planted into it" in said


def test_json_is_what_the_strategy_says_of_that_market_as_results_tell_it() -> None:
    document = json.loads(ran(NAME, "--seed", "8", "--json").stdout)
    market = trial.planted_market(NAME, 8)
    found = ranking.ranked(strategies.load(NAME)(market, Investor()).opportunities)
    assert found
    assert [one["symbol"] for one in document["opportunities"]] == [one.symbol for one in found]
    assert document["opportunities"][0]["rank"] == 1
    assert document["strategy_performance"][NAME]["examined"] == 50
    assert document["asset_discovery"]["source"] == "simulated"


def test_same_seed_gives_the_same_findings_and_another_one_others() -> None:
    first, again, other = (
        json.loads(ran(NAME, "--seed", seed, "--json").stdout)["opportunities"] for seed in ("3", "3", "4")
    )
    assert first == again != other


def test_investor_is_who_the_options_say() -> None:
    small, large = (
        json.loads(ran(NAME, "--capital", capital, "--json").stdout)["opportunities"][0]["required_capital_usd"]
        for capital in ("1000", "4000")
    )
    assert large == pytest.approx(4 * small, rel=0.05)
    held = ran("risk_management", "--holding", "BTC=2,ETH=1").stdout
    assert "holding 2 BTC, 1 ETH" in " ".join(held.split())


@pytest.fixture
def snapshot(tmp_path: Path) -> str:
    file = tmp_path / "market.npy"
    file.write_bytes(save(simulated(7, trial.MOMENT, 5, fair=True)))
    return str(file)


def test_snapshot_file_in_which_nothing_pays_is_said_to_have_been_examined(snapshot: str) -> None:
    ended = ran(NAME, snapshot, "--capital", "5000")
    assert ended.exit_code == 0
    said = "examined 5 instruments for 5,000.00 USD, medium risk tolerance, holding nothing; nothing pays."
    assert f"{NAME} {said}" in ended.stdout


def test_reason_of_a_strategy_that_cannot_judge_is_told(snapshot: str) -> None:
    ended = ran("risk_management", snapshot)
    assert ended.exit_code == 0
    with pytest.raises(Exception, match="hold") as unsuitable:
        strategies.load("risk_management")(simulated(7, trial.MOMENT, 5, fair=True), Investor())
    assert str(unsuitable.value) in ended.stdout
    assert "cannot judge this market" in ended.stdout


def broken(monkeypatch: pytest.MonkeyPatch, source: str) -> Result:
    """What `opscan run` says of a module of strategies with this source."""
    file = Path(strategies.__file__).parent / f"{NAME}.py"
    module: dict[str, object] = {}

    def load(_name: str) -> object:
        exec(compile(source, str(file), "exec"), module)  # noqa: S102 - as an import would
        return module["find"]

    monkeypatch.setattr(strategies, "load", load)
    return ran(NAME)


def test_traceback_of_the_strategys_own_code_is_shown_from_there_on(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = broken(
        monkeypatch,
        "def find(market, investor):\n    return deeper(0)\n\n\ndef deeper(n):\n    return 1 / n\n",
    )
    assert ended.exit_code == 1
    assert f'{NAME}.py", line 2, in find' in ended.stderr
    assert f'{NAME}.py", line 6, in deeper' in ended.stderr
    assert f"Error: {NAME} broke: ZeroDivisionError: division by zero" in ended.stderr
    for file in ("trial.py", "typer", "click", "contextlib"):
        assert file not in ended.stderr
    assert ended.stdout == ""


def test_module_that_is_no_python_is_told_by_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = broken(monkeypatch, "def find(market, investor)\n")
    assert ended.exit_code == 1
    assert "line 1" in ended.stderr
    assert "SyntaxError: expected ':'" in ended.stderr


def test_fault_that_is_not_the_strategys_is_not_blamed_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_badly(*_: object) -> Findings:
        raise RuntimeError("ours")

    monkeypatch.setattr(trial, "run", run_badly)
    with pytest.raises(RuntimeError, match="ours"):
        ran(NAME)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("spot_mean_revision",), "Did you mean spot_mean_reversion?"),
        (("astrology",), "There are complex_strategy,"),
        ((NAME, "/nowhere/at/all"), "/nowhere/at/all cannot be read"),
        ((NAME, "pyproject.toml"), "pyproject.toml: This is not a market snapshot"),
        ((NAME, "pyproject.toml", "--seed", "3"), "--seed is of the simulated market"),
        ((NAME, "--capital", "0"), "--capital"),
        ((NAME, "--holding", "BTC"), "not like BTC=0.4"),
    ],
)
def test_wrong_options_end_with_2_and_say_what_to_do(arguments: tuple[str, ...], said: str) -> None:
    ended = ran(*arguments)
    assert ended.exit_code == 2
    assert said in " ".join(ended.stderr.replace("│", " ").split())
    assert "Traceback" not in ended.output
    assert ended.stdout == ""


def test_strategy_without_a_planted_opportunity_is_run_on_the_plain_market(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial.demo, "kinds", lambda: ())
    market = trial.planted_market(NAME, 7)
    assert "planted" not in market.assumptions
    assert trial.investor_of(NAME, market) == Investor()
    assert isinstance(market, MarketSnapshot)
    assert json.loads(ran(NAME, "--json").stdout)["asset_discovery"]["assumptions"].keys() == {"market"}
