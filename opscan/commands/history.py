"""`opscan list`, `cancel` and `delete`: the scans that there are, and their end."""

# ruff: noqa: PLC0415 - httpx is for the commands that use it; --help must not wait for it
from typing import Annotated

import typer
from typer import Option

from opscan.client.scans import RUNNING, TERMINAL
from opscan.commands import options
from opscan.commands.options import ApiUrl, AsDocument, Token, context_of, moment_of, several_of
from opscan.errors import WrongState

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
    from opscan.client.requests import ListFields
    from opscan.commands.calling import calling, print_document
    from opscan.view.console import results_console
    from opscan.view.tables import scans_table

    fields = ListFields(
        status=status or [],
        created_after=moment_of("--created-after", created_after) if created_after else None,
        created_before=moment_of("--created-before", created_before) if created_before else None,
    )
    context = context_of(ctx)
    with calling(deployment.target(api_url, token, context), context) as client:
        scans = client.scans(limit=limit, **fields)
    if as_json:
        print_document(scans.document)
    elif not len(scans):
        asked = any(fields.values())
        typer.echo("No scan of yours matches." if asked else "There is no scan yet: `opscan scan` makes one.")
    else:
        results_console().print(scans_table(scans.scans, context.clock.wall()))
        if scans.more:
            typer.echo(f"There are older ones: --limit {2 * limit} shows more.")


def cancel(
    ctx: typer.Context, scan_id: ScanId, *, as_json: AsDocument = False, api_url: ApiUrl = None, token: Token = None
) -> None:
    """End a scan that runs."""
    from opscan import deployment
    from opscan.commands.calling import calling, print_document

    context = context_of(ctx)
    target = deployment.target(api_url, token, context)
    delete_it = target.command(f"delete {scan_id}")
    try:
        with calling(target, context) as client:
            status = client.scan(scan_id).cancel()
    except WrongState as ended:
        raise WrongState(
            "The scan has ended already; nothing was changed.",
            f"{target.command(f'follow {scan_id}')} shows how, {delete_it} forgets it.",
        ) from ended
    if as_json:
        print_document(status.document)
        return
    progress = status.progress
    typer.echo(f"The scan is {status.state}; {progress.ended} of its {progress.total} strategies had ended.")
    typer.echo(f"{delete_it} forgets it.")


def delete(ctx: typer.Context, scan_id: ScanId, *, api_url: ApiUrl = None, token: Token = None) -> None:
    """Forget a scan that has ended, and its results."""
    from opscan import deployment
    from opscan.commands.calling import calling

    context = context_of(ctx)
    target = deployment.target(api_url, token, context)
    try:
        with calling(target, context) as client:
            client.scan(scan_id).delete()
    except WrongState as running:
        raise WrongState(
            "The scan runs: only one that has ended can be deleted.",
            f"{target.command(f'cancel {scan_id}')} ends it, {target.command(f'follow {scan_id}')} waits for it.",
        ) from running
    typer.echo("The scan and its results are deleted.")
