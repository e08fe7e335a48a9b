"""`opscan snapshot`: building, showing, and what it says when it cannot."""

import json
import re
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from opportunities.market.archive.file import load, save
from opportunities.market.simulated import simulated
from opscan.main import app
from tests.support.recordings import candles, funding, write

AS_OF = "2024-03-05T04:30:00Z"


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    directory = tmp_path / "recorded"
    write(directory, "BTC_USDT-1h.feather", candles(101))
    write(directory, "BTC_USDT_USDT-1h-futures.feather", candles(101, seed=2))
    write(directory, "BTC_USDT_USDT-8h-funding_rate.feather", funding([0.0002] * 13))
    write(directory, "BTCUP_USDT-1h.feather", candles(101))
    return directory


def run(*arguments: object) -> Result:
    # as wide as nobody's terminal happens to be
    return CliRunner(env={"COLUMNS": "120"}).invoke(app, ["snapshot", *map(str, arguments)])


def test_a_snapshot_is_built_into_a_file_and_shown(recorded: Path, tmp_path: Path) -> None:
    out = tmp_path / "market.npy"
    built = run("build", recorded, "--as-of", AS_OF, "--out", out, "--spread-bps", "8", "--exchange", "venue")
    assert built.exit_code == 0
    assert f"opscan scan --snapshot {out}" in built.stdout
    snapshot = load(out.read_bytes())
    assert set(snapshot.fees) == {"venue"}
    assert "4 bps" in snapshot.assumptions["quotes"]
    for said in ("2024-03-05 04:30", "BTC/USDT:USDT", "leveraged token: 1", "+21.9%", "last trade", "order books"):
        assert said in built.stdout
    assert built.stdout.startswith(run("show", out).stdout)


def test_a_snapshot_is_named_after_its_moment_where_nothing_else_is_said(
    recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    built = run("build", recorded, "--as-of", AS_OF)
    assert built.exit_code == 0
    assert load((tmp_path / "market-20240305T043000Z.npy").read_bytes()).captured_at == 1_709_613_000


def test_snapshot_content_is_one_json_document(recorded: Path, tmp_path: Path) -> None:
    out = tmp_path / "market.npy"
    run("build", recorded, "--as-of", AS_OF, "--out", out)
    shown = json.loads(run("show", out, "--json").stdout)
    assert shown["captured_at"] == AS_OF
    assert shown["source"] == "files"
    assert shown["freshness"] == {"spot": "2024-03-05T04:00:00Z", "perpetuals": "2024-03-05T04:00:00Z"}
    assert shown["spot"]["candles"]["1h"] == {
        "bars": 100,
        "first": "2024-03-01T00:00:00Z",
        "last": "2024-03-05T03:00:00Z",
        "symbols_without_gap": 1,
    }
    perpetual = shown["perpetuals"][0]
    assert perpetual["funding_apr"] == pytest.approx(0.0002 * 3 * 365)
    assert perpetual["next_funding_time"] == "2024-03-05T08:00:00Z"
    assert perpetual["payments"] == 13
    assert shown["excluded"] == {"leveraged token": 1}
    assert set(shown["missing"]) == {"books", "futures", "options"}


def test_a_captured_snapshot_can_be_shown_too(tmp_path: Path) -> None:
    path = tmp_path / "captured"
    path.write_bytes(save(simulated(7, 1_795_291_500, 5)))
    shown = run("show", path)
    assert shown.exit_code == 0
    for said in (
        "with order books",
        "simulated2: BTC/USDT",
        "ETH/BTC",
        "0.100% spot",
        "0.055% perpetuals",
        "BTC/USD:BTC",
    ):
        assert said in shown.stdout
    whole = json.loads(run("show", path, "--json").stdout)
    assert whole["spot"]["books"] is True
    assert whole["fees"]["simulated2"]["spot_maker"] == 0.0008


def test_dated_futures_and_chains_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "captured"
    market = simulated(7, 1_795_291_500, 5)
    path.write_bytes(save(market))
    whole = json.loads(run("show", path, "--json").stdout)
    assert market.futures
    assert market.options
    assert [each["symbol"] for each in whole["futures"]] == [*market.futures.symbols]
    future = whole["futures"][0]
    days = (market.futures.expiry[0] - market.captured_at) / 86_400
    assert future["basis"] == pytest.approx(future["mark"] / future["index"] - 1)
    assert future["basis_per_year"] == pytest.approx(future["basis"] * 365 / days)
    assert sum(chain["options"] for chain in whole["options"]) == len(market.options.symbols)
    assert {chain["underlying"] for chain in whole["options"]} == {"BTC/USD:BTC", "ETH/USD:ETH"}
    assert all(chain["options"] == 2 * chain["strikes"] for chain in whole["options"])
    first = whole["options"][0]
    assert first["expiry"].endswith("T08:00:00Z")
    assert 0.1 < first["at_the_money_volatility"] < 3
    shown = run("show", path).stdout
    assert f"{first['at_the_money_volatility']:.1%}" in shown
    assert f"{future['basis'] * 1e4:+.1f}" in shown


@pytest.mark.parametrize("moment", ["2024-03-05T12:30:00+08:00", "2024-03-05 04:30Z", "20240305T0430Z"])
def test_the_moment_may_be_said_in_any_zone(recorded: Path, tmp_path: Path, moment: str) -> None:
    out = tmp_path / "market.npy"
    assert run("build", recorded, "--as-of", moment, "--out", out).exit_code == 0
    assert load(out.read_bytes()).captured_at == 1_709_613_000


@pytest.mark.parametrize("moment", ["2024-03-05", "2024-03-05T00:00", "2024-03-05Z"])
def test_a_moment_that_is_suggested_is_taken(recorded: Path, tmp_path: Path, moment: str) -> None:
    out = tmp_path / "market.npy"
    if not moment.endswith("Z"):
        refused = run("build", recorded, "--as-of", moment, "--out", out)
        suggested = re.search(r"Give (\S+) for UTC", refused.stderr)
        assert suggested
        moment = suggested[1]
    assert run("build", recorded, "--as-of", moment, "--out", out).exit_code == 0
    assert load(out.read_bytes()).captured_at == 1_709_596_800


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--as-of", "yesterday"), ("--as-of yesterday is not a date and time", "2024-04-08T15:00:00Z")),
        (("--as-of", "2024-03-05T04:30:00"), ("does not say its zone", "Give 2024-03-05T04:30:00Z for UTC")),
        (("--as-of", "2025-03-05T04:30:00Z"), ("No recorded market is usable", "2 stale", "another --as-of")),
        (("--as-of", AS_OF, "--out", "/nowhere/at/all"), ("/nowhere/at/all cannot be written", "another --out")),
    ],
)
def test_failed_build_is_one_sentence_and_a_next_step(
    recorded: Path, tmp_path: Path, options: tuple[str, ...], said: tuple[str, ...]
) -> None:
    ended = run("build", recorded, "--out", tmp_path / "market.npy", *options)
    assert ended.exit_code == 2
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    for part in said:
        assert part in " ".join(ended.stderr.split())


def test_bad_data_is_named_by_file_and_row(recorded: Path, tmp_path: Path) -> None:
    rows = candles(101)
    del rows[50]
    path = write(recorded, "BTC_USDT-1h.feather", rows)
    ended = run("build", recorded, "--as-of", AS_OF, "--out", tmp_path / "market.npy")
    assert ended.exit_code == 2
    assert f"{path}, row 51: bars are missing" in ended.stderr
    assert not (tmp_path / "market.npy").exists()


@pytest.mark.parametrize(("content", "said"), [(b"nonsense", "not a market snapshot"), (None, "cannot be read")])
def test_a_file_that_is_no_snapshot_is_not_shown(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "file"
    if content:
        path.write_bytes(content)
    ended = run("show", path)
    assert ended.exit_code == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("spread", ["-1", "nan", "1001"])
def test_a_spread_that_cannot_be_is_refused(recorded: Path, tmp_path: Path, spread: str) -> None:
    ended = run("build", recorded, "--as-of", AS_OF, "--out", tmp_path / "x", "--spread-bps", spread)
    assert ended.exit_code == 2
    assert "--spread-bps" in ended.stderr
