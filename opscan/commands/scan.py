"""What each command does, once its options are read."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import typer
from rich.console import RenderableType
from rich.text import Text

from opportunities.domain import Json
from opscan.client import Api
from opscan.context import Context, Report, Target
from opscan.errors import Interrupted, NotCompleted, WrongState
from opscan.follow import follow
from opscan.responses import ListedScan, Status, items, mapping
from opscan.results import Results
from opscan.view.console import progress_console, results_console
from opscan.view.live import view_on
from opscan.view.market import warning_of
from opscan.view.opportunities import legend_of, table_of
from opscan.view.summary import summary_of
from opscan.view.tables import catalogue_picture, investor_picture, scans_picture


def scan(
    request: Mapping[str, Json], target: Target, context: Context, *, top: int, as_json: bool, timeout: float
) -> None:
    """Starts a scan, or joins an identical one, and sees it through."""
    with view_on(progress_console(on_stderr=as_json), context.clock, local=target.local) as view:
        api = _api(target, context, view.note)
        receipt = api.discover(request)
        with _goes_on(receipt.scan_id, target):
            joined = "an identical scan of this market exists, joining it (--force-refresh starts a new one)"
            view.note(f"{receipt.scan_id}: {joined if receipt.reused else 'started'}")
            pause = receipt.polling_seconds
            status = follow(api, receipt.scan_id, view, context.clock, pause=pause, timeout=timeout)
    _finish(api, status, receipt.scan_id, target, context, top=top, as_json=as_json)


def join(scan_id: str, target: Target, context: Context, *, top: int, as_json: bool, timeout: float) -> None:
    """Sees through a scan that was started before."""
    with (
        _goes_on(scan_id, target),
        view_on(progress_console(on_stderr=as_json), context.clock, local=target.local) as view,
    ):
        api = _api(target, context, view.note)
        status = follow(api, scan_id, view, context.clock, pause=1.0, timeout=timeout)
    _finish(api, status, scan_id, target, context, top=top, as_json=as_json)


def show_profile(target: Target, context: Context, *, as_json: bool) -> None:
    """Prints the investor."""
    answer = _api(target, context, _on_stderr).profile()
    _print(answer if as_json else investor_picture(mapping(answer.get("profile"))))


def set_profile(changes: Mapping[str, Json], target: Target, context: Context, *, as_json: bool) -> None:
    """Stores the investor with `changes`; whatever they do not name stays as it was."""
    api = _api(target, context, _on_stderr)
    stored = mapping(api.profile().get("profile"))
    profile = {
        name: _merged(stored.get(name), changes.get(name))
        for name in {**stored, **changes}
        if name != "version"  # the service counts it
    }
    answer = api.put_profile(profile)
    _print(answer if as_json else investor_picture(mapping(answer.get("profile"))))


def show_strategies(target: Target, context: Context, *, as_json: bool) -> None:
    """Prints the catalogue."""
    answer = _api(target, context, _on_stderr).strategies()
    _print(answer if as_json else catalogue_picture([mapping(one) for one in items(answer.get("strategies"))]))


def show_scans(query: Mapping[str, str], target: Target, context: Context, *, at_most: int, as_json: bool) -> None:
    """Prints the newest scans that `query` lets through."""
    answer = _api(target, context, _on_stderr).scans(query, at_most)
    if as_json:
        _print(answer)
        return
    scans = [ListedScan.of(one) for one in items(answer.get("scans"))]
    if not scans:
        typer.echo("No scan of yours matches." if query else "There is no scan yet: `opscan scan` makes one.")
        return
    _print(scans_picture(scans, context.clock.wall()))
    if answer.get("next_cursor"):
        typer.echo(f"There are older ones: --limit {2 * at_most} shows more.")


def cancel(scan_id: str, target: Target, context: Context, *, as_json: bool) -> None:
    """Ends a scan that runs."""
    try:
        answer = _api(target, context, _on_stderr).cancel(scan_id)
    except WrongState as ended:
        raise WrongState(
            "The scan has ended already; nothing was changed.",
            f"{target.command(f'follow {scan_id}')} shows how, {target.command(f'delete {scan_id}')} forgets it.",
        ) from ended
    if as_json:
        _print(answer)
        return
    status = Status.of(answer)
    typer.echo(f"The scan is {status.state}; {status.completed} of its {status.total} strategies had ended.")
    typer.echo(f"{target.command(f'delete {scan_id}')} forgets it.")


def delete(scan_id: str, target: Target, context: Context) -> None:
    """Forgets a scan that has ended."""
    try:
        _api(target, context, _on_stderr).delete(scan_id)
    except WrongState as running:
        raise WrongState(
            "The scan runs: only one that has ended can be deleted.",
            f"{target.command(f'cancel {scan_id}')} ends it, {target.command(f'follow {scan_id}')} waits for it.",
        ) from running
    typer.echo("The scan and its results are deleted.")


def _print(shown: RenderableType | Mapping[str, Json]) -> None:
    """A picture for people, or the API's own answer for machines."""
    if isinstance(shown, Mapping):
        typer.echo(json.dumps(shown, indent=2))
    else:
        results_console().print(shown)


def _merged(stored: Json, change: Json) -> Json:
    """Objects are merged by key, and a null takes its key away; everything else is replaced."""
    if isinstance(change, dict):
        before = mapping(stored)
        merged = {**before, **{name: _merged(before.get(name), value) for name, value in change.items() if value}}
        return {name: value for name, value in merged.items() if change.get(name, value) is not None}
    return stored if change is None else change


def _api(target: Target, context: Context, say: Report) -> Api:
    return Api(target, clock=context.clock, transport=context.transport, say=say)


def _on_stderr(sentence: str) -> None:
    typer.echo(sentence, err=True)


@contextmanager
def _goes_on(scan_id: str, target: Target) -> Iterator[None]:
    """From the moment that the scan has an id, Ctrl-C ends the command and not the scan."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interrupted(
            "Interrupted; the scan goes on without us.",
            f"{target.command(f'follow {scan_id}')} shows it; {target.command(f'cancel {scan_id}')} ends it.",
        ) from error


def _finish(
    api: Api, status: Status, scan_id: str, target: Target, context: Context, *, top: int, as_json: bool
) -> None:
    results = api.results(scan_id, None if as_json else top)
    complete = status.state == "complete"
    if as_json:
        typer.echo(json.dumps(results.document))
    elif complete or results.opportunities:
        _show(results, context, local=target.local)
    if not complete:
        raise NotCompleted(
            status.message or f"The scan ended as {status.state}.",
            "See why with `opscan logs`; the next `opscan scan` starts anew."
            if target.local and status.state == "failed"
            else "Run `opscan scan` again: a scan that failed or was cancelled is not used again.",
        )


def _show(results: Results, context: Context, *, local: bool) -> None:
    console = results_console()
    found = results.opportunities
    console.print()
    if warning := warning_of(results):
        console.print(Text(warning, style="bold yellow"))
        console.print()
    nothing = "No strategy could judge this market." if results.unjudged else "No opportunity met the conditions."
    console.print(table_of(found, console.width) if found else nothing)
    console.print()
    if found:
        console.print(legend_of(found))
        console.print()
    console.print(summary_of(results, context.clock.wall(), local=local))
