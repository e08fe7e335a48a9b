"""Every expected error as a sentence on stderr and an exit code."""

import sys
from io import TextIOWrapper
from typing import Any

import typer
from typer.core import TyperGroup

from infra.local.stack.errors import StackError
from opportunities.errors import OpportunityError
from opscan.errors import Interrupted, OpscanError

EXIT_CODES = """
Exit codes: 0 done; 1 the scan failed, was cancelled, is not known or not in a state for it, or a strategy broke;
2 wrong options or input; 3 no answer (unreachable, not authorised, not done within --timeout); 130 interrupted.
"""


class ExitCodes(TyperGroup):
    """Says expected errors in a sentence on stderr; surprises keep their traceback."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer's own signature
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):  # a terminal that does not know a character shows another
                stream.reconfigure(errors="replace")
        try:
            return super().invoke(ctx)
        except OpscanError as error:
            _say(error.what, error.next_step)
            raise typer.Exit(error.exit_code) from error
        except StackError as error:
            _say(str(error))
            raise typer.Exit(3) from error
        except OpportunityError as error:  # recorded data that is not what it should be
            _say(str(error))
            raise typer.Exit(2) from error
        except KeyboardInterrupt as error:
            _say("Interrupted.")
            raise typer.Exit(Interrupted.exit_code) from error


def _say(what: str, next_step: str = "") -> None:
    typer.secho("Error: ", fg="red", bold=True, nl=False, err=True)
    typer.echo(what, err=True)
    if next_step:
        typer.echo(f"       {next_step}", err=True)
