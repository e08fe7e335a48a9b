"""What the emulator and its Lambdas hold in memory, sampled while something else runs."""

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from types import TracebackType

_PAGE = os.sysconf("SC_PAGE_SIZE")
_EVERY_SECONDS = 2.0


@dataclass
class MemorySampler:
    """Samples the process group of `leader` until it is left: what each process holds, in MB, by its id."""

    leader: int
    samples: list[dict[int, float]] = field(default_factory=list)
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

    def of_leader(self) -> list[float]:
        return [sample[self.leader] for sample in self.samples]

    def of_others(self) -> list[float]:
        """Of all others together, at each moment."""
        return [sum(sample.values()) - sample[self.leader] for sample in self.samples]

    def of_lasting(self) -> list[float]:
        """In the second half of the time, those of the others that lived through all of it: none is just starting."""
        half = self.samples[len(self.samples) // 2 :]
        lasting = set.intersection(*map(set, half)) - {self.leader}
        return [sum(sample[process] for process in lasting) for sample in half]

    def _run(self) -> None:
        while not self._done.wait(_EVERY_SECONDS):
            self.samples.append(_resident(self.leader))


def growth(samples: list[float]) -> float:
    """By which share the mean of the second half exceeds that of the first."""
    half = len(samples) // 2
    return fmean(samples[half:]) / fmean(samples[:half]) - 1


def _resident(group: int) -> dict[int, float]:
    """Resident MB of each process of a group."""
    held = {}
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            stat = (directory / "stat").read_text().rpartition(")")[2].split()
            if int(stat[2]) == group:
                held[int(directory.name)] = int((directory / "statm").read_text().split()[1]) * _PAGE / 1e6
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended in the meantime
    return held
