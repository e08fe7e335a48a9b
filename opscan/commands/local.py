"""The local stack from the command line: start it, end it, tell how to call it, and as whom."""

import typer

from opscan.context import Context, RunningStack, Steps
from opscan.deployment import running_stack


def up(context: Context, steps: Steps) -> None:
    """Starts the stack, or deploys anew to the one that runs."""
    _tell(context.stack().up(steps))


def down(context: Context, steps: Steps) -> None:
    """Ends exactly what was started."""
    ended = context.stack().down(steps)
    typer.echo("The local stack is down." if ended else "The local stack was not up.")


def status(context: Context) -> None:
    """Tells how to call the stack, if it is up."""
    _tell(running_stack(context))


def token(name: str, context: Context) -> None:
    """Prints an access token of this user, who is made if there is none of that name."""
    typer.echo(context.stack().make_user(running_stack(context), name))


def _tell(running: RunningStack) -> None:
    url = running.api_url.rstrip("/")
    typer.echo(f"The local stack is up at {url}")
    typer.echo("\nStart a scan with `opscan scan`, or by hand:")
    typer.echo(f"\nexport URL={url}")
    typer.echo(f"export TOKEN={running.token}")
    typer.echo("""curl "$URL/opportunities/discover" -H "Authorization: Bearer $TOKEN" --json '{}'""")
