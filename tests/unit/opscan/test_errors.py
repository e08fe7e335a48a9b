from pathlib import Path

import httpx
import pytest

from tests.support.cli_fakes import SCAN_ID, FakeApi, FakeStack, FakeTime, accepted, problem, run

REMOTE = ("--api-url", "https://api.example.com", "--token", "secret-token")


def test_a_refused_request_is_explained_option_by_option() -> None:
    errors = {"strategy_ids": "unknown strategies x; there are y", "preferred_timeframes.0": "no", "odd": "not known"}
    ended = run(FakeApi(discover=[problem(422, "The request breaks a rule.", errors=errors)]), "scan")
    assert ended.exit_code == 2
    for said in ("--strategy: unknown strategies x; there are y", "--timeframe: no", "odd: not known"):
        assert said in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_token_ends_with_3_and_tells_how_to_get_another(code: int) -> None:
    refused = httpx.Response(code, json={"message": "Unauthorized"})
    there = run(FakeApi(discover=[refused]), "scan", *REMOTE)
    assert there.exit_code == 3
    assert "OPSCAN_TOKEN" in there.stderr
    here = run(FakeApi(discover=[refused]), "scan")
    assert here.exit_code == 3
    assert "opscan token NAME" in here.stderr


def test_no_error_ever_repeats_the_token() -> None:
    for answer in (httpx.ConnectError("refused"), problem(500, "x"), httpx.Response(401), httpx.Response(302)):
        ended = run(FakeApi(discover=[answer]), "scan", *REMOTE)
        assert "secret-token" not in ended.output


def test_nobody_listening_is_said_at_once_and_ends_with_3() -> None:
    time = FakeTime()
    ended = run(FakeApi(discover=[httpx.ConnectError("Connection refused")]), "scan", *REMOTE, time=time)
    assert ended.exit_code == 3
    assert "https://api.example.com cannot be reached (Connection refused)" in ended.stderr
    assert "Traceback" not in ended.output
    assert time.slept == []


def test_a_slow_api_is_said_to_be_slow() -> None:
    ended = run(FakeApi(discover=[httpx.ReadTimeout("timed out")]), "scan")
    assert ended.exit_code == 3
    assert "took too long to answer" in ended.stderr


@pytest.mark.parametrize("code", [429, 503])
def test_a_busy_api_is_asked_again_when_it_says(code: int) -> None:
    time = FakeTime()
    api = FakeApi(discover=[problem(code, "Not now.", {"Retry-After": "7"}), accepted()])
    assert run(api, "scan", time=time).exit_code == 0
    assert time.slept == [7.0]


def test_patience_with_a_busy_api_is_bounded() -> None:
    time = FakeTime()
    ended = run(FakeApi(discover=[problem(503, "The table does not answer.", {"Retry-After": "9"})]), "scan", time=time)
    assert ended.exit_code == 3
    assert "The table does not answer" in ended.stderr
    assert 0 < time.seconds <= 60


def test_a_retry_after_that_makes_no_sense_cannot_hang_the_command() -> None:
    for header in ("-5", "nan", "inf", "1e99", "Wed, 21 Oct 2015 07:28:00 GMT", "0"):
        time = FakeTime()
        api = FakeApi(discover=[problem(429, "Too many.", {"Retry-After": header})])
        assert run(api, "scan", time=time).exit_code == 3
        assert time.seconds <= 60


@pytest.mark.parametrize("content", ["<html>Welcome</html>", "[]", "null", "", "[" * 100_000, '{"scan_id": "x"}'])
def test_something_else_at_that_address_is_recognised(content: str) -> None:
    ended = run(FakeApi(discover=[httpx.Response(200, text=content)]), "scan", *REMOTE)
    assert ended.exit_code == 3
    assert "does not answer like the Opportunity Scan API" in ended.stderr


@pytest.mark.parametrize("code", [301, 302, 404, 405, 418])
def test_a_wrong_address_is_recognised_by_its_answers(code: int) -> None:
    ended = run(FakeApi(discover=[httpx.Response(code, text="?")]), "scan", *REMOTE)
    assert ended.exit_code == 3
    assert f"answers {code}" in ended.stderr


def test_an_error_inside_the_api_points_to_the_logs() -> None:
    ended = run(FakeApi(discover=[problem(500, "Something unexpected happened.")]), "scan", *REMOTE)
    assert ended.exit_code == 3
    assert "LogGroupName" in ended.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("scan", "--risk-level", "extreme"),
        ("scan", "--timeframe", "2h"),
        ("scan", "--asset-tier", "huge"),
        ("scan", "--min-profit", "nan"),
        ("scan", "--max-capital", "inf"),
        ("scan", "--min-profit", "-1"),
        ("scan", "--top", "0"),
        ("scan", "--timeout", "nan"),
        ("scan", "--snapshot", "No Such/File"),
        ("scan", "--api-url", "api.example.com", "--token", "t"),
        ("scan", "--api-url", "https://", "--token", "t"),
        ("scan", "--api-url", "https://[::1", "--token", "t"),
        ("scan", "--api-url", "https://api.example.com:port", "--token", "t"),
        ("scan", "--api-url", "https://api.example.com"),
        ("scan", "--api-url", "https://api.example.com", "--token", "two words"),
        ("scan", "--token", "two words"),
        ("follow", "scan_1"),
        ("cancel", "scan_1"),
        ("delete", "../profile"),
        ("list", "--status", "initiated"),
        ("list", "--limit", "0"),
        ("token", ""),
        ("token", "two words"),
        ("list", "--created-after", "yesterday"),
        ("list", "--created-before", "2026-11-21"),
        ("list", "--created-after", "0001-01-01T00:00:00+14:00"),
        ("profile", "set"),
        ("profile", *REMOTE, "set", "--capital", "1"),
        ("profile", "--json", "set", "--capital", "1"),
        ("profile", "set", "--capital", "0"),
        ("profile", "set", "--holding", "BTC"),
        ("profile", "set", "--fee", "binance=0.1"),
    ],
)
def test_wrong_options_end_with_2_before_anything_is_asked_or_started(arguments: tuple[str, ...]) -> None:
    api, stack = FakeApi(), FakeStack(running=None)
    ended = run(api, *arguments, stack=stack)
    assert ended.exit_code == 2
    assert "Traceback" not in ended.output
    assert ended.stdout == ""
    assert not api.requests
    assert stack.running is None


@pytest.mark.parametrize(
    "command",
    [
        ("follow", SCAN_ID),
        ("list",),
        ("cancel", SCAN_ID),
        ("delete", SCAN_ID),
        ("profile",),
        ("strategies",),
        ("status",),
        ("logs",),
        ("token", "alice"),
    ],
)
def test_other_commands_say_what_to_do_without_a_stack(command: tuple[str, ...]) -> None:
    ended = run(FakeApi(), *command, stack=FakeStack(running=None))
    assert ended.exit_code == 3
    assert "The local stack is not up." in ended.stderr
    assert "opscan up" in ended.stderr
    takes_another = command[0] not in ("status", "logs", "token")
    assert ("--api-url" in ended.stderr) == takes_another


def test_a_file_that_is_no_snapshot_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    file, stack = tmp_path / "notes.txt", FakeStack(running=None)
    file.write_text("BTC to the moon")
    ended = run(FakeApi(), "scan", "--snapshot", str(file), stack=stack)
    assert ended.exit_code == 2
    assert "notes.txt: This is not a market snapshot" in ended.stderr
    assert stack.running is None
