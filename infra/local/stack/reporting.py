"""How the long steps tell that they run, and how long they took."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

# Called with one line about a step; entered when the step begins, left when it ends. rich's Console.status is one.
type Report = Callable[[str], AbstractContextManager[object]]


@contextmanager
def on_stderr(step: str) -> Iterator[None]:
    """The plain report: one line a step, with its time."""
    began = time.monotonic()
    sys.stderr.write(f"{step} … ")
    sys.stderr.flush()
    ending = "failed"
    try:
        yield
        ending = f"{time.monotonic() - began:.0f} s"
    finally:
        sys.stderr.write(f"{ending}\n")
