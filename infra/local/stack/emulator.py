"""Starts, finds and ends the emulator (MiniStack), the only process of the local stack that stays."""

import http.client
import json
import os
import shutil
import socket
import time
from dataclasses import asdict, dataclass
from typing import Any

import botocore.session

from infra.local.stack import environment
from infra.local.stack.errors import StackError
from infra.local.stack.places import EMULATOR_LOG, EMULATOR_PYTHON, EMULATOR_STATE, EMULATOR_TMP, RUNTIME_PYTHON, SERVE
from infra.local.stack.private_file import write_private
from infra.local.stack.process import Process

_SECONDS_TO_START = 60


@dataclass(frozen=True)
class Emulator:
    """A running MiniStack."""

    pid: int
    started: str
    port: int

    @property
    def process(self) -> Process:
        return Process(self.pid, self.started)

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, service: str) -> Any:  # noqa: ANN401 - botocore makes its clients' methods at run time
        """A botocore client that can only reach this emulator, as the account's root."""
        with environment.applied(environment.for_tools(self.endpoint_url)):
            return botocore.session.Session().create_client(service)


def find() -> Emulator | None:
    """The emulator that an earlier command left running."""
    if not EMULATOR_STATE.exists():
        return None
    emulator = Emulator(**json.loads(EMULATOR_STATE.read_text()))
    return emulator if emulator.process.is_alive() else None


def start() -> Emulator:
    """Starts MiniStack on 127.0.0.1 and waits until it answers."""
    for python in (EMULATOR_PYTHON, RUNTIME_PYTHON):
        if not python.exists():
            message = f"The emulator is not installed ({python} is missing): run `make up`, which installs it."
            raise StackError(message)
    _empty_tmp()
    port = _free_port()
    pid = os.posix_spawn(
        EMULATOR_PYTHON,
        [str(EMULATOR_PYTHON), str(SERVE), str(RUNTIME_PYTHON)],
        environment.for_emulator(port, EMULATOR_TMP),
        setsid=True,  # its own group, to be ended with its workers, and out of reach of the terminal's Ctrl-C
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(EMULATOR_LOG), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
    )
    process = Process.of(pid)
    if process is None:
        raise StackError("The emulator ended as soon as it was started.", EMULATOR_LOG)
    emulator = Emulator(process.pid, process.started, port)
    # at once, so that `make down` finds it whatever happens to this command
    write_private(EMULATOR_STATE, json.dumps(asdict(emulator)))
    _wait_until_ready(emulator)
    return emulator


def has_left_files() -> bool:
    """Whether an emulator that ran has left what its Lambdas unpacked: gigabytes, that take a while to remove."""
    return EMULATOR_TMP.exists()


def remove_files() -> None:
    """Removes what an emulator that has ended left behind."""
    shutil.rmtree(EMULATOR_TMP, ignore_errors=True)
    EMULATOR_STATE.unlink(missing_ok=True)


def _wait_until_ready(emulator: Emulator) -> None:
    until = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < until:
        if not emulator.process.is_alive():
            raise StackError("The emulator ended while it started.", EMULATOR_LOG)
        if _answers(emulator.port):
            return
        time.sleep(0.1)
    message = f"The emulator did not answer within {_SECONDS_TO_START} s: run `make down`, then try again."
    raise StackError(message, EMULATOR_LOG)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _empty_tmp() -> None:
    shutil.rmtree(EMULATOR_TMP, ignore_errors=True)
    EMULATOR_TMP.mkdir(parents=True, mode=0o700)
