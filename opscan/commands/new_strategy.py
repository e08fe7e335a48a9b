"""`opscan new-strategy`: a sample that works, for whoever writes one of their own."""

from pathlib import Path
from typing import Annotated

import typer

from opscan.authoring import new_strategy as authoring


def new_strategy(
    name: Annotated[str, typer.Argument(help="As in dip_buying: what its module will be called.")],
) -> None:
    """Write a new strategy into this checkout: a small working sample to change."""
    root = authoring.checkout_of(Path.cwd())
    for path in authoring.write(root, name):
        typer.echo(f"{'changed' if path.name == 'template.yaml' else 'wrote'} {path.relative_to(root)}")
    typer.echo("\nChange them as you like, and see what comes of it:")
    for command in (
        f"opscan run {name}",
        f'make test ARGS="tests/unit/strategies -k {name}"',
        "make openapi",
        "make check",
    ):
        typer.echo(f"  {command}")
