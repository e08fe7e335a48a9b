"""The local stack from the command line: start it, end it, tell how to call it, and as whom."""

import typer

from opscan.deployment import running_stack
from opscan.surroundings import RunningStack, Steps, Surroundings


def up(world: Surroundings, steps: Steps) -> None:
    """Starts the stack, or deploys anew to the one that runs."""
    _tell(world.stack().up(steps))


def down(world: Surroundings, steps: Steps) -> None:
    """Ends exactly what was started."""
    ended = world.stack().down(steps)
    typer.echo("The local stack is down." if ended else "The local stack was not up.")


def status(world: Surroundings) -> None:
    """Tells how to call the stack, if it is up."""
    _tell(running_stack(world))


def token(name: str, world: Surroundings) -> None:
    """Prints an access token of this user, who is made if there is none of that name."""
    typer.echo(world.stack().make_user(running_stack(world), name))


def _tell(running: RunningStack) -> None:
    url = running.api_url.rstrip("/")
    typer.echo(f"The local stack is up at {url}")
    typer.echo("\nStart a scan with `opscan scan`, or by hand:")
    typer.echo(f"\nexport URL={url}")
    typer.echo(f"export TOKEN={running.token}")
    typer.echo("""curl "$URL/opportunities/discover" -H "Authorization: Bearer $TOKEN" --json '{}'""")
