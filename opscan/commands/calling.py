"""A client of the deployment that a command talks to; its errors become those of the command line."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import typer

from opportunities.domain import Json
from opscan.client.blocking import Client
from opscan.client.errors import ApiError
from opscan.commands.problems import problem
from opscan.context import Context, Target


def on_stderr(sentence: str) -> None:
    """Where a command that prints one answer says that it is still at work."""
    typer.echo(sentence, err=True)


@contextmanager
def calling(target: Target, context: Context, told: Callable[[str], object] = on_stderr) -> Iterator[Client]:
    """A client of `target`. Raises `OpscanError` for every `ApiError` of what is done with it."""
    clock = context.clock
    with Client(
        target.url, target.token, told=told, transport=context.transport, now=clock.now, sleep=clock.sleep
    ) as client:
        try:
            yield client
        except ApiError as error:
            raise problem(error, target) from error


def print_document(document: Mapping[str, Json]) -> None:
    """The API's own answer, for machines."""
    typer.echo(json.dumps(document, indent=2))
