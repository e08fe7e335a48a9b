"""Knows a process again: by pid and start time, so that a recycled pid is never taken for it, let alone ended."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """The leader of a process group that we started."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> "Process | None":
        """The process that has this pid now; None when there is none, or only its unread exit code."""
        started = _start_time(pid)
        return None if started is None else cls(pid, started)

    def is_alive(self) -> bool:
        _reap(self.pid)
        return Process.of(self.pid) == self

    def end(self, grace_seconds: float = 10) -> bool:
        """Ends the process and its group; False when it had ended before."""
        if not self.is_alive():
            return False
        for signal_, seconds in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, grace_seconds)):
            try:
                os.killpg(self.pid, signal_)
            except ProcessLookupError:
                break
            if _group_ends(self.pid, seconds):
                break
        return True


def _group_ends(pid: int, seconds: float) -> bool:
    """While a member lives the kernel gives the group's id to nobody else."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        _reap(pid)
        try:
            os.killpg(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def _reap(pid: int) -> None:
    """Reads the exit code if it is our own child; otherwise it would stay a zombie, and look alive."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _start_time(pid: int) -> str | None:
    if not _PROC.joinpath("self/stat").exists():
        return _start_time_from_ps(pid)
    try:
        stat = _PROC.joinpath(str(pid), "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()  # the name before it may hold anything
    if fields[0] == "Z":
        return None
    # ticks since boot say nothing after a reboot, so the boot is part of the name
    return f"{_PROC.joinpath('sys/kernel/random/boot_id').read_text().strip()}/{fields[19]}"


def _start_time_from_ps(pid: int) -> str | None:
    shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout.strip() or None
