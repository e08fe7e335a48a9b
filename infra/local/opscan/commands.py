"""What each command does, once its options are read."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import typer
from rich.console import RenderableType

from opportunities.domain import Json
from opscan.client import Api
from opscan.consoles import progress_console, results_console
from opscan.errors import Interrupted, NotCompleted
from opscan.follow import follow
from opscan.live import view_on
from opscan.pictures import catalogue_picture, investor_picture
from opscan.replies import Status, items, mapping
from opscan.results import Results
from opscan.summary import summary_of
from opscan.surroundings import Report, Surroundings, Target
from opscan.table import legend_of, table_of


def scan(
    request: Mapping[str, Json], target: Target, world: Surroundings, *, top: int, as_json: bool, timeout: float
) -> None:
    """Starts a scan, or joins an identical one, and sees it through."""
    with view_on(progress_console(as_json=as_json), world.clock, local=target.local) as view:
        api = _api(target, world, view.note)
        receipt = api.discover(request)
        with _goes_on(receipt.scan_id):
            joined = "an identical scan of this market exists, joining it (--force-refresh starts a new one)"
            view.note(f"{receipt.scan_id}: {joined if receipt.reused else 'started'}")
            pause = receipt.polling_seconds
            status = follow(api, receipt.scan_id, view, world.clock, pause=pause, timeout=timeout)
    _finish(api, status, receipt.scan_id, target, world, top=top, as_json=as_json)


def join(scan_id: str, target: Target, world: Surroundings, *, top: int, as_json: bool, timeout: float) -> None:
    """Sees through a scan that was started before."""
    with _goes_on(scan_id), view_on(progress_console(as_json=as_json), world.clock, local=target.local) as view:
        api = _api(target, world, view.note)
        status = follow(api, scan_id, view, world.clock, pause=1.0, timeout=timeout)
    _finish(api, status, scan_id, target, world, top=top, as_json=as_json)


def show_profile(target: Target, world: Surroundings, *, as_json: bool) -> None:
    """Prints the investor."""
    answer = _api(target, world, _ignore).profile()
    _print(answer if as_json else investor_picture(mapping(answer.get("profile"))))


def set_profile(changes: Mapping[str, Json], target: Target, world: Surroundings, *, as_json: bool) -> None:
    """Stores the investor with `changes`; whatever they do not name stays as it was."""
    api = _api(target, world, _ignore)
    stored = mapping(api.profile().get("profile"))
    profile = {
        name: _merged(stored.get(name), changes.get(name))
        for name in {**stored, **changes}
        if name != "version"  # the service counts it
    }
    answer = api.put_profile(profile)
    _print(answer if as_json else investor_picture(mapping(answer.get("profile"))))


def show_strategies(target: Target, world: Surroundings, *, as_json: bool) -> None:
    """Prints the catalogue."""
    answer = _api(target, world, _ignore).strategies()
    _print(answer if as_json else catalogue_picture([mapping(one) for one in items(answer.get("strategies"))]))


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


def _api(target: Target, world: Surroundings, say: Report) -> Api:
    return Api(target, clock=world.clock, transport=world.transport, say=say)


def _ignore(_sentence: str) -> None: ...


@contextmanager
def _goes_on(scan_id: str) -> Iterator[None]:
    """From the moment that the scan has an id, Ctrl-C ends the command and not the scan."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interrupted(
            "Interrupted; the scan goes on without us.", f"See it with `opscan follow {scan_id}`."
        ) from error


def _finish(
    api: Api, status: Status, scan_id: str, target: Target, world: Surroundings, *, top: int, as_json: bool
) -> None:
    results = api.results(scan_id, None if as_json else top)
    complete = status.state == "complete"
    if as_json:
        typer.echo(json.dumps(results.document))
    elif complete or results.opportunities:
        _show(results, world, local=target.local)
    if not complete:
        raise NotCompleted(
            status.message or f"The scan ended as {status.state}.",
            "See why with `opscan logs`; the next `opscan scan` starts anew."
            if target.local and status.state == "failed"
            else "Run `opscan scan` again: a scan that failed or was cancelled is not used again.",
        )


def _show(results: Results, world: Surroundings, *, local: bool) -> None:
    console = results_console()
    found = results.opportunities
    console.print()
    console.print(table_of(found, console.width) if found else "No opportunity met the conditions.")
    console.print()
    if found:
        console.print(legend_of(found))
        console.print()
    console.print(summary_of(results, world.clock.wall(), local=local))
