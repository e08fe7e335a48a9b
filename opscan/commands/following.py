"""Seeing one scan through: its progress while it runs, its results when it has ended, and the way on if it has not."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass

import typer

from opscan.client.blocking import Scan
from opscan.client.errors import ScanFailed, ScanTimeout
from opscan.client.requests import ScanFields
from opscan.client.scans import Status
from opscan.commands.calling import calling
from opscan.context import Context, Target
from opscan.errors import Interrupted, NoAnswer, NotCompleted
from opscan.view.console import progress_console
from opscan.view.live import View, view_on
from opscan.view.page import show


@dataclass(frozen=True)
class Following:
    """How scans of one deployment are followed: the best `top` of the results, `timeout` seconds at most."""

    target: Target
    context: Context
    _: KW_ONLY
    top: int
    as_json: bool
    timeout: float

    def start(self, request: ScanFields) -> None:
        """Starts a scan, or joins an identical one, and sees it through."""
        view = self._view()
        with calling(self.target, self.context, view.note) as client:
            with view:
                scan = client.discover(join=not request.get("force_refresh"), **request)
                with self._goes_on(scan):
                    joined = "an identical scan of this market exists, joining it (--force-refresh starts a new one)"
                    view.note(f"{scan.scan_id}: {joined if scan.reused else 'started'}")
                    status = self._end(scan, view)
            self._finish(scan, status)

    def join(self, scan_id: str) -> None:
        """Sees through a scan that was started before."""
        view = self._view()
        with calling(self.target, self.context, view.note) as client:
            scan = client.scan(scan_id)
            with self._goes_on(scan), view:
                status = self._end(scan, view)
            self._finish(scan, status)

    def _view(self) -> View:
        return view_on(progress_console(on_stderr=self.as_json), self.context.clock, local=self.target.local)

    @contextmanager
    def _goes_on(self, scan: Scan) -> Iterator[None]:
        """From the moment that the scan has an id, Ctrl-C ends the command and not the scan."""
        try:
            yield
        except KeyboardInterrupt as error:
            follow, cancel = (self.target.command(f"{command} {scan.scan_id}") for command in ("follow", "cancel"))
            raise Interrupted(
                "Interrupted; the scan goes on without us.", f"{follow} shows it; {cancel} ends it."
            ) from error

    def _end(self, scan: Scan, view: View) -> Status:
        """The scan's last status, also where it has failed or was cancelled."""
        try:
            return scan.wait(self.timeout, seen=view.show)
        except ScanFailed as ended:
            return ended.status
        except ScanTimeout as late:
            raise NoAnswer(
                f"The scan is not done after {self.timeout:g} s; it goes on without us.",
                f"See it with {self.target.command(f'follow {scan.scan_id}')}, or wait longer with --timeout.",
            ) from late

    def _finish(self, scan: Scan, status: Status) -> None:
        """Shows what was found, and raises NotCompleted where the scan did not complete."""
        complete = status.state == "complete"
        try:
            results = scan.results(None if self.as_json else self.top, partial=not complete)
        except ScanTimeout as late:
            raise NoAnswer("The scan ended, but its results did not become readable.", "Run the scan again.") from late
        if self.as_json:
            typer.echo(json.dumps(results.document))
        elif complete or results.opportunities:
            show(results, self.context.clock.wall(), local=self.target.local)
        if not complete:
            raise NotCompleted(
                status.message or f"The scan ended as {status.state}.",
                "See why with `opscan logs`; the next `opscan scan` starts anew."
                if self.target.local and status.state == "failed"
                else "Run `opscan scan` again: a scan that failed or was cancelled is not used again.",
            )
