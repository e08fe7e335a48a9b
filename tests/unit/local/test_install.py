"""`make scan` on a machine that lacks something says in one sentence what, and what to do about it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.template import ROOT

FILES = ("Makefile", "infra/install.sh", "pyproject.toml", "uv.lock", ".python-version", "README.md")
TOOLS = ("sh", "mkdir", "touch", "cat", "sed", "grep", "head", "tail")
# The discard port: nothing listens there, so that every download is refused at once.
NO_NETWORK = {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
AT_MOST_TWICE = {"UV_HTTP_RETRIES": "0", "PIP_RETRIES": "1", "PIP_CONFIG_FILE": os.devnull}


def uv() -> Path:
    found = shutil.which("uv")
    return Path(found) if found else ROOT / ".uv" / "bin" / "uv"


def python() -> Path:
    """Of this version, out of any virtual environment."""
    return Path(sys.base_prefix) / "bin" / "python3.13"


class Machine:
    """A fresh clone on a machine whose PATH holds a shell's tools and nothing else, and whose home is empty."""

    def __init__(self, directory: Path) -> None:
        self.clone, self.home, self.bin = directory / "clone", directory / "home", directory / "bin"
        self.home.mkdir()
        self.bin.mkdir()
        for name in FILES:
            (self.clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.clone / name)
        for name in TOOLS:
            found = shutil.which(name)
            assert found, name
            self.has(name, Path(found))

    def has(self, name: str, program: Path) -> None:
        (self.bin / name).symlink_to(program)

    def scan(self, **environment: str) -> tuple[int, list[str]]:
        """The exit code of `make scan`, and what it says, but for make's own line."""
        make = shutil.which("make")
        assert make
        done = subprocess.run(
            [make, "scan"],
            cwd=self.clone,
            env={"PATH": str(self.bin), "HOME": str(self.home), **AT_MOST_TWICE, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, [line for line in done.stdout.splitlines() if not line.startswith("make: ***")]

    @property
    def log(self) -> str:
        return (self.clone / ".opscan" / "install.log").read_text()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("unreachable", [NO_NETWORK, {"UV_OFFLINE": "1"}], ids=["no network", "offline"])
def test_a_missing_python_that_cannot_be_downloaded_is_named(machine: Machine, unreachable: dict[str, str]) -> None:
    machine.has("uv", uv())
    code, said = machine.scan(**unreachable)
    assert code
    [step, sentence] = said
    assert step == "Installing the project's packages …"
    assert sentence.startswith("Python 3.13 was not found and could not be downloaded (")
    assert sentence.endswith("): install it, or put it on the PATH. The whole story: .opscan/install.log")
    assert "error: " in machine.log


@pytest.mark.parametrize(
    ("unreachable", "reason"),
    [
        (NO_NETWORK, "Connection refused"),
        ({"UV_OFFLINE": "1"}, "Network connectivity is disabled"),
        ({"UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple", **NO_NETWORK}, "Connection refused"),
    ],
    ids=["no network", "offline", "a closed index"],
)
def test_packages_that_cannot_be_downloaded_are_not_taken_for_a_missing_python(
    machine: Machine, unreachable: dict[str, str], reason: str
) -> None:
    machine.has("uv", uv())
    machine.has("python3.13", python())
    code, said = machine.scan(**unreachable)
    assert code
    [_, sentence] = said
    assert sentence.startswith("The packages could not be downloaded (")
    assert reason in sentence
    assert "see that this machine reaches pypi.org" in sentence
    assert re.search("Failed to (download|fetch)|error sending request|connectivity is disabled", machine.log)


def test_other_failures_are_not_laid_to_the_network(machine: Machine) -> None:
    machine.has("uv", uv())
    machine.has("python3.13", python())
    (machine.clone / "uv.lock").write_text("no lock at all")
    code, said = machine.scan()
    assert code
    [_, sentence] = said
    assert sentence.startswith("uv could not install the packages: ")
    assert "pypi.org" not in sentence


def test_uv_that_cannot_be_downloaded_is_named(machine: Machine) -> None:
    machine.has("python3", python())
    code, said = machine.scan(**NO_NETWORK)
    assert code
    [sentence] = said
    assert sentence.startswith("uv could not be downloaded (")
    assert "Connection refused" in sentence
    assert "put uv on the PATH" in sentence
    assert "uv==" in machine.log
