"""Where output goes: results to stdout, progress to where it does not disturb a machine."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from rich.console import Console
from rich.text import Text

from opscan.context import Steps

# Rich takes a pipe for 80 columns; the table is made to be read at 100.
_PIPE_WIDTH = 100


def results_console() -> Console:
    """Stdout; a pipe counts as 100 columns wide unless COLUMNS says otherwise."""
    console = Console(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _PIPE_WIDTH
    return console


def progress_console(*, on_stderr: bool) -> Console:
    """Progress goes to stderr where stdout is for a machine to read, as with --json."""
    return Console(stderr=on_stderr, highlight=False)


def can_redraw(console: Console) -> bool:
    """Whether lines can be drawn over: never in a pipe, whatever colour settings say."""
    return console.file.isatty() and console.is_terminal and not console.is_dumb_terminal


def steps_on(console: Console) -> Steps:
    """Long steps on `console`: a spinner and then a line on a terminal, only the line elsewhere."""

    @contextmanager
    def step(sentence: str) -> Iterator[None]:
        interactive = can_redraw(console)
        waiting: AbstractContextManager[object] = (
            console.status(Text(f"{sentence} …")) if interactive else nullcontext()
        )
        if not interactive:
            console.print(Text(f"{sentence} …"), soft_wrap=True)
        with waiting:
            yield
        if interactive:
            console.print(Text(sentence, style="dim"))

    return step
