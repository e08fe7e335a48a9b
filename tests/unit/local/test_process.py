import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from infra.local.stack.process import Process

STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(worker.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], text=True, start_new_session=True
    ) as p:
        yield p
        p.kill()


def running(process: subprocess.Popen[str]) -> Process:
    found = Process.of(process.pid)
    assert found
    return found


def test_a_process_is_known_again(sleeper: subprocess.Popen[str]) -> None:
    process = running(sleeper)
    assert process == running(sleeper)
    assert process.is_alive()


def test_a_recycled_pid_is_another_process_and_is_left_alone(sleeper: subprocess.Popen[str]) -> None:
    earlier = Process(sleeper.pid, "another boot/1")
    assert not earlier.is_alive()
    assert earlier.end() is False
    assert sleeper.poll() is None


def test_ending_a_process_ends_it(sleeper: subprocess.Popen[str]) -> None:
    process = running(sleeper)
    assert process.end() is True
    assert not process.is_alive()
    assert process.end() is False


def test_workers_of_a_process_that_does_not_obey_end_with_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as leader:
        assert leader.stdout
        worker = int(leader.stdout.readline())
        assert running(leader).end(grace_seconds=0.5) is True
    until = time.monotonic() + 5
    while Process.of(worker) and time.monotonic() < until:
        time.sleep(0.05)
    assert Process.of(worker) is None


def test_a_process_whose_exit_code_nobody_read_counts_as_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as ended:
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        assert Process.of(ended.pid) is None


def test_pid_that_was_never_given_has_no_process() -> None:
    assert Process.of(2**22 + 1) is None
    with pytest.raises(ProcessLookupError):
        os.kill(2**22 + 1, signal.SIGTERM)
