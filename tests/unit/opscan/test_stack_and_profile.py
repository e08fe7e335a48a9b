import json
import re
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest

from infra.local.stack.errors import StackError
from opportunities.market.archive.file import save
from opportunities.market.snapshot import MarketSnapshot
from opscan.commands.pinning import content_name
from opscan.context import Steps
from tests.support.cli_fakes import FakeApi, FakeBucket, FakeRunning, FakeStack, run

INVESTOR = {
    "capital_usd": 25_000.0,
    "risk_tolerance": "low",
    "holdings": {"BTC": 0.4, "ETH": 3.0},
    "fees": {"binance": {"spot_taker": 0.001, "perpetual_taker": 0.0005}},
    "version": 3,
}


def profile_api() -> FakeApi:
    return FakeApi(profile=[httpx.Response(200, json={"success": True, "stored": True, "profile": INVESTOR})])


def test_up_prints_the_address_the_token_and_a_ready_curl() -> None:
    ended = run(FakeApi(), "up", stack=FakeStack(running=None))
    assert ended.exit_code == 0
    assert "http://127.0.0.1:4566/api" in ended.stdout
    assert "\nexport URL=http://127.0.0.1:4566/api\nexport TOKEN=local-token\ncurl " in ended.stdout
    assert ended.stdout.count("local-token") == 1
    assert "Deploying template.yaml" in ended.stderr


def test_the_printed_lines_run_in_a_shell() -> None:
    printed = run(FakeApi(), "up").stdout
    script = "curl() { printf '%s\\n' \"$@\"; }\n" + printed[printed.index("export URL") :]
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "http://127.0.0.1:4566/api/opportunities/discover",
        *("-H", "Authorization: Bearer local-token", "--json", "{}"),
    ]


def test_status_of_a_running_stack_tells_how_to_call_it() -> None:
    assert "is up at http://127.0.0.1:4566/api" in run(FakeApi(), "status").stdout


def test_somebody_elses_token_is_all_that_is_printed_and_asks_the_local_stack_as_them() -> None:
    token = run(FakeApi(), "token", "alice").stdout
    assert token == "token-of-alice\n"
    api = profile_api()
    assert run(api, "profile", environment={"OPSCAN_TOKEN": token}).exit_code == 0
    assert api.requests[0].url.host == "127.0.0.1"
    assert api.requests[0].headers["Authorization"] == "Bearer token-of-alice"


def test_down_says_whether_there_was_anything_to_end() -> None:
    stack = FakeStack()
    ended = run(FakeApi(), "down", stack=stack)
    assert ended.stdout == "The local stack is down.\n"
    assert "Ending the emulator" in ended.stderr
    assert run(FakeApi(), "down", stack=stack).stdout == "The local stack was not up.\n"


def test_a_stack_that_cannot_start_says_why() -> None:
    class Broken(FakeStack):
        def up(self, report: Steps) -> FakeRunning:
            with report("Deploying"):
                raise StackError("`sam build` failed: mend what its log says.")

    ended = run(FakeApi(), "scan", stack=Broken(running=None))
    assert ended.exit_code == 3
    assert "`sam build` failed" in ended.stderr
    assert "Traceback" not in ended.output


def test_the_investor_is_shown() -> None:
    shown = run(profile_api(), "profile").stdout
    for said in ("25,000 USD", "low", "BTC 0.4, ETH 3", "spot 0.100%, perpetual 0.050%"):
        assert said in shown


@pytest.mark.parametrize("command", ["profile", "profile set --risk low"])
def test_the_investor_is_a_json_document_too(command: str) -> None:
    assert json.loads(run(profile_api(), *command.split(), "--json").stdout)["profile"] == INVESTOR


def test_the_catalogue_is_a_json_document_too() -> None:
    body = {"success": True, "strategies": [{"strategy_id": "funding_arbitrage"}]}
    api = FakeApi(strategies=[httpx.Response(200, json=body)])
    assert json.loads(run(api, "strategies", "--json").stdout) == body


def test_setting_one_thing_keeps_the_others() -> None:
    api = profile_api()
    arguments = "profile set --capital 5000 --holding BTC=0 --holding sol=12.5 --fee kraken=0.0026/0.0005"
    assert run(api, *arguments.split()).exit_code == 0
    assert api.bodies("PUT") == [
        {
            "capital_usd": 5000.0,
            "risk_tolerance": "low",
            "holdings": {"ETH": 3.0, "SOL": 12.5},
            "fees": {**INVESTOR["fees"], "kraken": {"spot_taker": 0.0026, "perpetual_taker": 0.0005}},  # type: ignore[dict-item]
        }
    ]


def test_fees_go_back_to_those_of_the_market() -> None:
    api = profile_api()
    run(api, "profile", "set", "--fee", "binance=default")
    assert api.bodies("PUT")[0]["fees"] == {}


def test_allowed_markets_are_set_and_lifted_and_other_fees_stay() -> None:
    stored = {**INVESTOR, "fees": {"binance": {"spot_taker": 0.1, "spot_maker": 0.05}}, "allowed_assets": ["BTC"]}
    api = FakeApi(profile=[httpx.Response(200, json={"success": True, "stored": True, "profile": stored})])
    changes = "--allow-exchange binance,kraken --allow-asset any --fee binance=0.001/0.0005"
    assert run(api, "profile", "set", *changes.split()).exit_code == 0
    sent = json.loads(api.requests[-1].content)
    assert sent["allowed_exchanges"] == ["binance", "kraken"]
    assert sent["allowed_assets"] == []
    assert sent["fees"] == {"binance": {"spot_taker": 0.001, "perpetual_taker": 0.0005, "spot_maker": 0.05}}


def test_the_catalogue_is_listed() -> None:
    strategy = {
        "strategy_id": "funding_arbitrage",
        "name": "Funding arbitrage",
        "summary": "Collects funding, hedged.",
        "opportunity_types": ["funding_arbitrage"],
        "needs": ["perpetuals: 90 funding payments"],
    }
    body = {"success": True, "strategies": [strategy], "total_strategies": 1}
    shown = run(
        FakeApi(strategies=[httpx.Response(200, json=body)]), "strategies", environment={"COLUMNS": "160"}
    ).stdout
    for said in ("funding_arbitrage", "Collects funding, hedged.", "perpetuals: 90 funding payments"):
        assert said in shown


@pytest.fixture
def recorded_market(tmp_path: Path) -> Path:
    file = tmp_path / "Crash of 2024.snapshot"
    file.write_bytes(save(MarketSnapshot(captured_at=1_712_588_400, source="files", fees={})))
    return file


def test_a_snapshot_file_is_brought_to_the_local_stack_and_named_by_its_content(recorded_market: Path) -> None:
    api, bucket = FakeApi(), FakeBucket()
    assert run(api, "scan", "--snapshot", str(recorded_market), bucket=bucket).exit_code == 0
    name = api.bodies("POST")[0]["snapshot"]
    assert name.startswith("crash-of-2024-")
    assert bucket.objects == {f"pinned/{name}": recorded_market.read_bytes()}


def test_a_snapshot_file_is_not_sent_to_another_deployment_but_the_way_is_told(recorded_market: Path) -> None:
    api = FakeApi()
    ended = run(api, "scan", "--snapshot", str(recorded_market), "--api-url", "https://x.example", "--token", "t")
    assert ended.exit_code == 2
    assert "aws s3 cp" in ended.stderr
    assert not api.requests


@pytest.mark.parametrize("stem", ["", "..", "Ünï côdé", "a" * 300, "-_-", "2024.04.08T15:00"])
def test_the_name_of_any_file_is_one_that_the_api_takes(stem: str) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", content_name(stem, np.arange(3).tobytes()))


def test_help_does_not_wait_for_what_only_commands_need() -> None:
    heavy = "{'httpx', 'numpy', 'botocore', 'pyarrow', 'talib'}"
    check = f"import sys, opscan.main; sys.exit(', '.join({heavy} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
