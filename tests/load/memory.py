"""What the emulator and its Lambdas hold in memory, sampled while something else runs."""

import os
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from types import TracebackType

_PAGE = os.sysconf("SC_PAGE_SIZE")
_EVERY_SECONDS = 2.0


@dataclass
class MemorySampler:
    """Samples the process group of `leader` until it is left: the leader, and all others together, in MB."""

    leader: int
    samples: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    workers: list[int] = field(default_factory=list)
    _done: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "MemorySampler":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def growth(self, name: str) -> float:
        """By which share the mean of the last quarter of the time exceeds that of the quarter before."""
        samples = self.samples[name]
        quarter = len(samples) // 4
        return fmean(samples[-quarter:]) / fmean(samples[-2 * quarter : -quarter]) - 1

    def _run(self) -> None:
        while not self._done.wait(_EVERY_SECONDS):
            held = _resident(self.leader)
            leader = held.pop(self.leader, 0)
            self.samples["emulator"].append(leader / 1e6)
            self.samples["Lambdas"].append(sum(held.values()) / 1e6)
            self.workers.append(len(held))


def _resident(group: int) -> dict[int, int]:
    """Resident bytes of each process of a group."""
    held = {}
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            stat = (directory / "stat").read_text().rpartition(")")[2].split()
            if int(stat[2]) == group:
                held[int(directory.name)] = int((directory / "statm").read_text().split()[1]) * _PAGE
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended in the meantime
    return held
