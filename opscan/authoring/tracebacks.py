"""What a strategy's own code raises, shown from that code on: not what has called it."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import typer

from opportunities import strategies
from opscan.errors import NotCompleted

_CATALOGUE = strategies.__file__
_PACKAGE = str(Path(_CATALOGUE).parents[1])


@contextmanager
def shown(name: str) -> Iterator[None]:
    """Prints the traceback of what the strategy `name` raises, and raises NotCompleted. What others raise goes on."""
    try:
        yield
    except Exception as error:
        trace = _own(error.__traceback__)
        if trace is None and not isinstance(error, SyntaxError):
            raise
        typer.echo("".join(traceback.format_exception(type(error), error, trace)), err=True)
        what = traceback.format_exception_only(error)[-1].strip()
        raise NotCompleted(f"{name} broke: {what}", "Mend what the traceback shows, and run it again.") from error


def _own(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.startswith(_PACKAGE) and file != _CATALOGUE:
            return trace
        trace = trace.tb_next
    return None
