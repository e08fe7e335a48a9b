"""The local stack from the command line: start it, end it, tell how to call it."""

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


def _tell(running: RunningStack) -> None:
    headers = f"-H 'Authorization: Bearer {running.token}' -H 'Content-Type: application/json'"
    typer.echo(f"The local stack is up at {running.api_url}")
    typer.echo(f"\nToken:\n{running.token}")
    typer.echo("\nStart a scan with `opscan scan`, or by hand:")
    typer.echo(f"curl -X POST {running.api_url.rstrip('/')}/opportunities/discover {headers} -d '{{}}'")
