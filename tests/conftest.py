"""One emulator for the whole run, apart from the one that somebody may be working with."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ["OPSCAN_HOME"] = str(Path(__file__).parents[1] / ".opscan" / "tests")

from opscan.stack import down, emulator
from opscan.stack.emulator import Emulator


@pytest.fixture(scope="session")
def ministack() -> Iterator[Emulator]:
    """A fresh MiniStack with IAM enforced."""
    down()
    yield emulator.start()
    down()
