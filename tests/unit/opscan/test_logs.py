"""`opscan logs`, from events as MiniStack keeps them: one stream an invocation, a line an event, no function named."""

from itertools import count
from typing import Any

import pytest

from opscan.commands import logs
from tests.support.cli_fakes import FakeApi, FakeLogs, FakeRunning, FakeStack, run

WORKER = "/home/me/.opscan/tmp/ministack-lambda-opportunity-scan-local-strategy-RiskManagement-vyshzqeb"
TRACEBACK = (
    "looking at 0",
    "Traceback (most recent call last):",
    f'  File "{WORKER}/code/opportunities/strategies/risk_management.py", line 43, in find',
    '    return prices["KABOOM"]',
    "KeyError: 'KABOOM'",
)
METRIC = '{"_aws":{"CloudWatchMetrics":[]},"strategy":"funding_arbitrage","status":"complete","Outcomes":[1.0]}'
_streams = count()


def invocation(at: int, *lines: str) -> list[dict[str, Any]]:
    stream = f"2026/11/21/[$LATEST]{next(_streams):032x}"
    whole = ("START RequestId: a Version: $LATEST", *lines, "END RequestId: a", "REPORT RequestId: a\tDuration: 1 ms")
    return [{"logStreamName": stream, "timestamp": at, "message": message} for message in whole]


def shown(events: list[dict[str, Any]], *options: str) -> str:
    return run(FakeApi(), "logs", *options, stack=FakeStack(FakeRunning(logs=FakeLogs(events)))).stdout


def test_a_strategy_that_raised_is_named_with_its_whole_traceback_and_its_source() -> None:
    events = invocation(1_712_588_400_000, *TRACEBACK)
    assert shown(events) == "\n".join(
        (
            "2024-04-08 15:00:00 UTC  risk_management",
            "  looking at 0",
            "  Traceback (most recent call last):",
            '    File "functions/opportunities/strategies/risk_management.py", line 43, in find',
            '      return prices["KABOOM"]',
            "  KeyError: 'KABOOM'\n",
        )
    )


def test_invocations_of_one_moment_are_not_mixed() -> None:
    mixed = [event for pair in zip(invocation(1, "a", "b"), invocation(1, "c", "d"), strict=True) for event in pair]
    assert [entry.lines for entry in logs.entries(iter(mixed))] == [("a", "b"), ("c", "d")]


def test_one_strategy_alone_is_shown_and_others_are_not() -> None:
    events = invocation(1, *TRACEBACK) + invocation(2, METRIC) + invocation(3, "ambiguous")
    assert "KABOOM" in shown(events, "--strategy", "risk_management")
    assert "Outcomes" not in shown(events, "--strategy", "risk_management")
    assert "strategy=funding_arbitrage status=complete Outcomes=1" in shown(events, "--strategy", "funding_arbitrage")
    assert shown(events, "--strategy", "management") == ""


def test_last_keeps_the_newest_and_the_newest_stands_last() -> None:
    events = invocation(3, "third") + invocation(1, "first") + invocation(2, "second") + invocation(4)
    lines = shown(events, "--last", "2").splitlines()
    assert [line.strip() for line in lines if line.startswith(" ")] == ["second", "third"]


@pytest.mark.parametrize("page", [4, 5, 7, 100])
def test_no_event_is_lost_or_doubled_between_pages(monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    monkeypatch.setattr(logs, "_PAGE", page)
    printed = shown([event for at in range(10) for event in invocation(1000 * at, f"line {at}")])
    assert [line.strip() for line in printed.splitlines() if "line" in line] == [f"line {at}" for at in range(10)]


def test_log_lines_cannot_drive_the_terminal() -> None:
    assert "\x1b" not in shown(invocation(1, "\x1b[2J"))


def test_nothing_logged_is_said() -> None:
    ended = run(FakeApi(), "logs", stack=FakeStack(FakeRunning(logs=FakeLogs([]))))
    assert (ended.exit_code, ended.stdout) == (0, "")
    assert "Nothing was logged." in ended.stderr
