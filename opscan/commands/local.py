"""`opscan up`, `down`, `status` and `token`: the local stack, how to call it, and as whom."""

from typing import Annotated

import typer

from opscan.commands import options
from opscan.commands.options import context_of
from opscan.context import RunningStack
from opscan.deployment import running_stack
from opscan.view.console import progress_console, steps_on


def up(ctx: typer.Context) -> None:
    """Start the local stack, or deploy anew to the one that runs."""
    _tell(context_of(ctx).stack().up(steps_on(progress_console(on_stderr=True))))


def down(ctx: typer.Context) -> None:
    """End the local stack and everything in it."""
    ended = context_of(ctx).stack().down(steps_on(progress_console(on_stderr=True)))
    typer.echo("The local stack is down." if ended else "The local stack was not up.")


def status(ctx: typer.Context) -> None:
    """Tell whether the local stack is up, and how to call it."""
    _tell(running_stack(context_of(ctx)))


def token(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Made if there is no such user.", callback=options.username)],
) -> None:
    """Print a token of another user of the local stack, for OPSCAN_TOKEN or curl."""
    context = context_of(ctx)
    typer.echo(context.stack().make_user(running_stack(context), name))


def _tell(running: RunningStack) -> None:
    url = running.api_url.rstrip("/")
    typer.echo(f"The local stack is up at {url}")
    typer.echo("\nStart a scan with `opscan scan`, or by hand:")
    typer.echo(f"\nexport URL={url}")
    typer.echo(f"export TOKEN={running.token}")
    typer.echo("""curl "$URL/opportunities/discover" -H "Authorization: Bearer $TOKEN" --json '{}'""")
