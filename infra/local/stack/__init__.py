"""The local stack: the real template, deployed to an emulator on this machine."""

# ruff: noqa: PLC0415 - botocore is for those who use the stack; who only names it must not wait for it
from typing import TYPE_CHECKING

from infra.local.stack.errors import StackError
from infra.local.stack.reporting import Report, on_stderr

if TYPE_CHECKING:
    from infra.local.stack.state import Stack

__all__ = ["Report", "StackError", "down", "load", "make_user", "on_stderr", "up"]


def up(report: Report = on_stderr, **parameters: str) -> "Stack":
    """Starts the stack, or deploys what is in the working tree now to the one that runs.

    `parameters` are the template's, in place of the local stack's own.
    """
    from infra.local.stack import lifecycle

    return lifecycle.up(report, **parameters)


def down(report: Report = on_stderr) -> bool:
    """Ends exactly what `up` started; False when nothing was running."""
    from infra.local.stack import lifecycle

    return lifecycle.down(report)


def load() -> "Stack | None":
    """The stack that is up, its token renewed when it is about to expire; None when there is none."""
    from infra.local.stack import state

    return state.load()


def make_user(stack: "Stack", name: str) -> str:
    """Another user's access token; made if there is none of that name."""
    from infra.local.stack import lifecycle

    return lifecycle.make_user(stack, name)
