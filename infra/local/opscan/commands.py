"""What each command does, once its options are read."""

import json
from collections.abc import Mapping

import typer
from rich.console import RenderableType

from opportunities.domain import Json
from opscan.client import Api
from opscan.consoles import progress_console, results_console
from opscan.errors import Interrupted, NotCompleted
from opscan.follow import follow
from opscan.live import View, view_on
from opscan.pictures import catalogue_picture, investor_picture
from opscan.replies import Status, mapping
from opscan.results import Results
from opscan.summary import summary_of
from opscan.surroundings import Report, Surroundings, Target
from opscan.table import table_of


def scan(
    request: Mapping[str, Json], target: Target, world: Surroundings, *, top: int, as_json: bool, timeout: float
) -> None:
    """Starts a scan, or joins an identical one, and sees it through."""
    with view_on(progress_console(as_json=as_json), world.clock) as view:
        api = _api(target, world, view.note)
        receipt = api.discover(request)
        joined = "an identical scan of this market exists, joining it (--force-refresh starts a new one)"
        view.note(f"{receipt.scan_id}: {joined if receipt.reused else 'started'}")
        status = _see_through(api, receipt.scan_id, view, world, pause=receipt.polling_seconds, timeout=timeout)
    _finish(api, status, receipt.scan_id, world, top=top, as_json=as_json)


def join(scan_id: str, target: Target, world: Surroundings, *, top: int, as_json: bool, timeout: float) -> None:
    """Sees through a scan that was started before."""
    with view_on(progress_console(as_json=as_json), world.clock) as view:
        api = _api(target, world, view.note)
        status = _see_through(api, scan_id, view, world, pause=1.0, timeout=timeout)
    _finish(api, status, scan_id, world, top=top, as_json=as_json)


def show_profile(target: Target, world: Surroundings) -> None:
    """Prints the investor."""
    _print(investor_picture(mapping(_api(target, world, _ignore).profile().get("profile"))))


def set_profile(changes: Mapping[str, Json], target: Target, world: Surroundings) -> None:
    """Stores the investor with `changes`; whatever they do not name stays as it was."""
    api = _api(target, world, _ignore)
    stored = mapping(api.profile().get("profile"))
    profile = {
        name: _merged(stored.get(name), changes.get(name))
        for name in ("capital_usd", "risk_tolerance", "holdings", "fees")
        if name in stored or name in changes
    }
    _print(investor_picture(mapping(api.put_profile(profile).get("profile"))))


def show_strategies(target: Target, world: Surroundings) -> None:
    """Prints the catalogue."""
    _print(catalogue_picture(_api(target, world, _ignore).strategies()))


def _print(picture: RenderableType) -> None:
    results_console().print(picture)


def _merged(stored: Json, change: Json) -> Json:
    """Objects are merged by key, and a null takes its key away; everything else is replaced."""
    if isinstance(change, dict):
        return {name: value for name, value in {**mapping(stored), **change}.items() if value is not None}
    return stored if change is None else change


def _api(target: Target, world: Surroundings, say: Report) -> Api:
    return Api(target, clock=world.clock, transport=world.transport, say=say)


def _ignore(_sentence: str) -> None: ...


def _see_through(api: Api, scan_id: str, view: View, world: Surroundings, *, pause: float, timeout: float) -> Status:
    try:
        return follow(api, scan_id, view, world.clock, pause=pause, timeout=timeout)
    except KeyboardInterrupt as error:
        raise Interrupted(
            "Interrupted; the scan goes on without us.", f"See it with `opscan follow {scan_id}`."
        ) from error


def _finish(api: Api, status: Status, scan_id: str, world: Surroundings, *, top: int, as_json: bool) -> None:
    results = api.results(scan_id, None if as_json else top)
    complete = status.state == "complete"
    if as_json:
        typer.echo(json.dumps(results.document))
    elif complete or results.opportunities:
        _show(results, world)
    if not complete:
        raise NotCompleted(
            status.message or f"The scan ended as {status.state}.",
            "Run `opscan scan` again: a scan that failed or was cancelled is not used again.",
        )


def _show(results: Results, world: Surroundings) -> None:
    console = results_console()
    found = results.opportunities
    console.print()
    console.print(table_of(found, console.width) if found else "No opportunity met the conditions.")
    console.print()
    console.print(summary_of(results, world.clock.wall()))
