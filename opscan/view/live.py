"""A scan as it runs: a live table on a terminal, plain lines everywhere else."""

from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from opscan.client.scans import Status, StrategyState
from opscan.context import Clock
from opscan.view.console import can_redraw
from opscan.view.numbers import many
from opscan.view.strategies import best_of, explained

_LOOK = {"waiting": "dim", "running": "cyan", "complete": "green", "skipped": "yellow", "failed": "red"}
_WORDS = {"complete": "done"}
_ENDED = ("complete", "skipped", "failed")


class View(Protocol):
    """Where the progress of one scan is shown."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def show(self, status: Status) -> None: ...
    def note(self, sentence: str) -> None: ...


def view_on(console: Console, clock: Clock, *, local: bool = False) -> View:
    """The live table where it can be drawn; lines in a pipe, whatever colour settings say."""
    if can_redraw(console):
        return LiveView(console, clock, local=local)
    return PlainView(console, clock, local=local)


class LiveView:
    """One row per strategy, redrawn in place, and the total below them."""

    def __init__(self, console: Console, clock: Clock, *, local: bool = False) -> None:
        self._console = console
        self._local = local
        self._clock = clock
        self._started = clock.now()
        self._status: Status | None = None
        self._spinner = Spinner("dots", style="cyan")
        self._live = Live(console=console, get_renderable=self._table, refresh_per_second=10)

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, status: Status) -> None:
        self._status = status
        self._live.refresh()

    def note(self, sentence: str) -> None:
        self._console.print(Text(sentence, style="dim"))

    def _table(self) -> RenderableType:
        seconds = self._clock.now() - self._started
        if self._status is None:
            self._spinner.update(text=Text(f"Waiting for the scan … {seconds:.1f} s", style="dim"))
            return self._spinner
        return progress_table(self._status, seconds, self._spinner, local=self._local)


class PlainView:
    """One line per event, without control characters."""

    def __init__(self, console: Console, clock: Clock, *, local: bool = False) -> None:
        self._console = console
        self._local = local
        self._clock = clock
        self._started = clock.now()
        self._said: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, status: Status) -> None:
        for strategy in status.strategies:
            if strategy.status not in ("waiting", self._said.get(strategy.strategy_id)):
                self._said[strategy.strategy_id] = strategy.status
                self.note(f"{strategy.strategy_id}: {in_words(strategy, local=self._local)}")

    def note(self, sentence: str) -> None:
        seconds = self._clock.now() - self._started
        self._console.print(Text(f"{seconds:6.1f} s  {sentence}"), soft_wrap=True)


def in_words(strategy: StrategyState, *, local: bool) -> str:
    """What one strategy did, for a line of its own."""
    if strategy.status == "complete":
        best = f", best {best_of(strategy)}" if strategy.best else ""
        return f"done, {_finds(strategy.opportunities)}{_took(strategy)}{best}"
    why = explained(strategy, local=local)
    return f"{strategy.status}{_took(strategy)}" + (f": {why}" if why else "")


def progress_table(status: Status, seconds: float, spinner: Spinner, *, local: bool = False) -> RenderableType:
    """The rows of `status`, `seconds` after the scan was asked for."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("strategy", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("found", justify="right", no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("best find, or why there is none", ratio=1)
    for strategy in status.strategies:
        look = _LOOK.get(strategy.status, "")
        ended = strategy.status in _ENDED
        if strategy.status == "running":
            spinner.update(text=Text("running", style=look))
        table.add_row(
            Text(strategy.strategy_id),
            spinner if strategy.status == "running" else Text(_WORDS.get(strategy.status, strategy.status), style=look),
            Text(str(strategy.opportunities) if strategy.status == "complete" else ""),
            Text("" if strategy.seconds is None or not ended else f"{strategy.seconds:.2f} s"),
            Text(
                explained(strategy, local=local) or best_of(strategy),
                style=look if explained(strategy, local=local) else "",
            ),
        )
    ended_count = max(status.progress.ended, sum(strategy.status in _ENDED for strategy in status.strategies))
    total = max(status.progress.total, len(status.strategies), 1)
    bar = Table.grid(padding=(0, 2, 0, 0))
    bar.add_row(
        ProgressBar(
            total=total, completed=min(ended_count, total), width=24, complete_style="cyan", finished_style="green"
        ),
        Text(f"{ended_count}/{total} strategies"),
        Text(_finds(status.progress.found)),
        Text(f"{seconds:.1f} s"),
        Text(_remaining(status), style="dim"),
    )
    return Group(table, Text(""), bar)


def _finds(count: int) -> str:
    return many(count, "opportunity", "opportunities")


def _took(strategy: StrategyState) -> str:
    return "" if strategy.seconds is None or strategy.status not in _ENDED else f" in {strategy.seconds:.2f} s"


def _remaining(status: Status) -> str:
    if status.terminal:
        return ""
    return "" if status.remaining_seconds is None else f"about {max(0.0, status.remaining_seconds):.0f} s left"
