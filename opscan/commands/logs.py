"""`opscan logs`: what the Lambdas of the local stack logged."""

# ruff: noqa: PLC0415 - typer reads the signature; the rest waits until the command runs
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Annotated, Any

import typer
from typer import Option

from opportunities import strategies
from opscan.client.values import items, printable, text
from opscan.commands.options import context_of

# Of Lambda itself, about every invocation.
_PLATFORM = re.compile(r"(START|END|REPORT|INIT_START) ")
# The log group is one for all Lambdas: on AWS a stream is named after its function. MiniStack names none, but a
# traceback passes through the function's own directory, and a strategy's metric says which strategy it is.
_NAMES = (
    re.compile(r"^\d+/\d+/\d+/([\w-]+)\["),
    re.compile(r"/ministack-lambda-([\w-]+?)-\w{8}/"),
    re.compile(r'"strategy":"(\w+)"'),
)

# Where MiniStack unpacks a function, instead of where its source is.
_DEPLOYED_CODE = re.compile(r"/[^\"]*/ministack-lambda-[\w-]+/code/")
_PAGE = 10_000


@dataclass(frozen=True)
class Entry:
    """What one invocation logged. `function` is empty where nothing tells whose it was."""

    at: float
    function: str
    lines: tuple[str, ...]

    def of(self, strategy: str) -> bool:
        """Whether it is this strategy's."""
        return self.function == strategy.replace("-", "_")


def show(
    ctx: typer.Context,
    *,
    strategy: Annotated[str | None, Option(help="Only what this strategy's Lambda logged.")] = None,
    last: Annotated[int, Option(min=1, help="How many invocations, the newest.")] = 50,
) -> None:
    """Show what the Lambdas of the local stack logged, the newest last, tracebacks whole."""
    from opscan.deployment import running_stack

    running = running_stack(context_of(ctx))
    logged = entries(_events(running.client("logs"), running.log_group_name))
    chosen = [entry for entry in logged if strategy is None or entry.of(strategy)][-last:]
    if not chosen:
        typer.echo(f"Nothing was logged{f' by {strategy}' if strategy else ''}.", err=True)
    for entry in chosen:
        at = datetime.fromtimestamp(entry.at, UTC)
        typer.secho(f"{at:%Y-%m-%d %H:%M:%S} UTC  {entry.function or 'a Lambda'}", bold=True)
        for line in entry.lines:
            typer.echo(f"  {line}")


def entries(events: Iterator[Mapping[str, Any]]) -> list[Entry]:
    """One for each invocation that said something, the oldest first."""
    # a stream is one worker's; its events come in their order, between those of others
    streams = groupby(sorted(events, key=lambda event: event["logStreamName"]), lambda event: event["logStreamName"])
    found = [entry for stream, spoken in streams for entry in _invocations(stream, spoken)]
    return sorted(found, key=lambda entry: entry.at)


def _invocations(stream: str, events: Iterator[Mapping[str, Any]]) -> Iterator[Entry]:
    lines: list[str] = []
    at = 0.0
    for event in events:
        message: str = event["message"].rstrip()
        if not _PLATFORM.match(message):
            at = at or event["timestamp"] / 1000
            lines += message.splitlines()
        elif lines and message.startswith(("START ", "REPORT ")):
            yield _entry(at, stream, lines)
            lines, at = [], 0.0
    if lines:
        yield _entry(at, stream, lines)


def _entry(at: float, stream: str, lines: list[str]) -> Entry:
    named = (pattern.search(line) for pattern in _NAMES for line in (stream, *lines))
    function = next((match[1] for match in named if match), "")
    _, _, strategy = function.partition("-strategy-")
    function = strategies.named(strategy) or function
    return Entry(at, function, tuple(map(_readable, lines)))


def _readable(line: str) -> str:
    """A metric by its values, without what CloudWatch wants to know of it."""
    if line.startswith('{"_aws"'):
        values = ((name, items(value)[0] if items(value) else value) for name, value in json.loads(line).items())
        line = " ".join(f"{name}={text(value)}" for name, value in values if name not in ("_aws", "service"))
    return printable(_DEPLOYED_CODE.sub("functions/", line))


def _events(client: Any, group: str) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - botocore's clients are untyped
    """All of them, page by page: MiniStack gives the oldest ones and no token for the next."""
    since = 0
    while True:
        events = client.filter_log_events(logGroupName=group, startTime=since, limit=_PAGE)["events"]
        if len(events) < _PAGE:
            yield from events
            return
        since = events[-1]["timestamp"]
        if events[0]["timestamp"] == since:
            yield from events
            since += 1
        else:
            yield from (event for event in events if event["timestamp"] < since)  # the rest comes with the next page
