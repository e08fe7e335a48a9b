"""The installed `opscan`: each command that a document names, on the deployed stack, and what it leaves behind."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.local.stack.places import HOME
from infra.local.stack.state import Stack
from tests.support.recordings import candles, write

OPSCAN = Path(sys.executable).with_name("opscan")
START = "from infra.local.stack import emulator; emulator.start()"
# {recorded} is a directory of recordings, {scan_id} the scan that a test has made.
COMMANDS = [
    "status",
    "strategies",
    "profile",
    "token alice",
    "logs",
    "snapshot build {recorded} --as-of 2024-03-05T04:30:00Z --out {recorded}/march.snapshot",
    "snapshot show {recorded}/march.snapshot",
    "scan --top 2",
    "scan --snapshot {recorded}/march.snapshot",
    "list",
    "follow {scan_id}",
    "delete {scan_id}",
    "run spot_breakout_strategy",
]


@dataclass(frozen=True)
class Terminal:
    """Somebody's shell, whose home and temporary directories are empty."""

    home: Path
    temporary: Path
    opscan_home: Path = HOME

    @property
    def environment(self) -> Mapping[str, str]:
        own = {"HOME": self.home, "TMPDIR": self.temporary, "OPSCAN_HOME": self.opscan_home}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "OPSCAN_"))}
        return kept | {name: str(path) for name, path in own.items()}

    def run(self, *command: object) -> str:
        """What the command writes to stdout; it must end well."""
        done = subprocess.run(
            [*map(str, command)], env=self.environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def left(self) -> list[Path]:
        return [path for directory in (self.home, self.temporary) for path in directory.rglob("*")]


def terminal_in(directory: Path, **changes: Path) -> Terminal:
    terminal = Terminal(directory / "home", directory / "temporary", **changes)
    terminal.home.mkdir()
    terminal.temporary.mkdir()
    return terminal


@pytest.fixture
def terminal(stack: Stack, tmp_path: Path) -> Terminal:
    assert stack.api_url
    return terminal_in(tmp_path)


def test_every_command_does_its_work_and_leaves_nothing_behind(terminal: Terminal, tmp_path: Path) -> None:
    values = {"recorded": str(tmp_path / "recorded"), "scan_id": ""}
    write(Path(values["recorded"]), "BTC_USDT-1h.csv", candles(101))
    for command in COMMANDS:
        said = terminal.run(OPSCAN, *command.format(**values).split())
        assert said.strip(), command
        if found := re.search(r"scan_[0-9a-f]{32}", said):
            values["scan_id"] = found[0]
    assert terminal.left() == []


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Terminal]:
    """Of a stack beside that of the tests; it is ended whatever happens."""
    terminal = terminal_in(tmp_path, opscan_home=tmp_path / "opscan")
    terminal.opscan_home.mkdir()
    yield terminal
    terminal.run(OPSCAN, "down")


def test_an_emulator_that_is_ended_leaves_nothing_behind(other: Terminal) -> None:
    other.run(sys.executable, "-c", START)
    assert "is down" in other.run(OPSCAN, "down")
    assert other.left() == []
    assert not (other.opscan_home / "tmp").exists()


def test_building_and_deploying_leaves_nothing_behind(stack: Stack, around_up: Path) -> None:
    assert stack.api_url
    assert list(around_up.rglob("*")) == []
