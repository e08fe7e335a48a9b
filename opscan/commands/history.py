"""`opscan list`, `cancel` and `delete`: the scans that there are, and their end."""

# ruff: noqa: PLC0415 - httpx is for the commands that use it; --help must not wait for it
from typing import Annotated

import typer
from typer import Option

from opscan.commands import options
from opscan.commands.options import ApiUrl, AsDocument, Token, context_of, moment_of, several_of
from opscan.responses import RUNNING, TERMINAL

_STATES = (RUNNING, *TERMINAL)

ScanId = Annotated[str, typer.Argument(help="As `opscan list` shows it.", callback=options.scan_id)]


def show(
    ctx: typer.Context,
    *,
    status: Annotated[list[str] | None, Option(callback=several_of(_STATES), help=", ".join(_STATES))] = None,
    created_after: Annotated[
        str | None, Option(metavar="TIME", help="Not older, as in 2026-11-21T20:00:00Z; a day with Z is its midnight.")
    ] = None,
    created_before: Annotated[str | None, Option(metavar="TIME", help="Not newer.")] = None,
    limit: Annotated[int, Option(min=1, help="At most so many, the newest.", rich_help_panel="Output")] = 20,
    as_json: AsDocument = False,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """List your scans of the last week, newest first."""
    from opscan import deployment
    from opscan.commands import scan

    query = {
        "status": ",".join(status or []),
        "created_after": _moment("--created-after", created_after),
        "created_before": _moment("--created-before", created_before),
    }
    given = {name: value for name, value in query.items() if value}
    context = context_of(ctx)
    scan.show_scans(given, deployment.target(api_url, token, context), context, at_most=limit, as_json=as_json)


def cancel(
    ctx: typer.Context, scan_id: ScanId, *, as_json: AsDocument = False, api_url: ApiUrl = None, token: Token = None
) -> None:
    """End a scan that runs."""
    from opscan import deployment
    from opscan.commands import scan

    context = context_of(ctx)
    scan.cancel(scan_id, deployment.target(api_url, token, context), context, as_json=as_json)


def delete(ctx: typer.Context, scan_id: ScanId, *, api_url: ApiUrl = None, token: Token = None) -> None:
    """Forget a scan that has ended, and its results."""
    from opscan import deployment
    from opscan.commands import scan

    context = context_of(ctx)
    scan.delete(scan_id, deployment.target(api_url, token, context), context)


def _moment(option: str, given: str | None) -> str:
    return moment_of(option, given).isoformat().replace("+00:00", "Z") if given else ""
