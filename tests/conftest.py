"""One emulator for the whole run, apart from the one that somebody may be working with."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ["OPSCAN_HOME"] = str(Path(__file__).parents[1] / ".opscan" / "tests")

from infra.local.stack import down, emulator
from infra.local.stack.emulator import Emulator

ROOT = Path(__file__).parent
_ON_THE_EMULATOR = ("contract", "e2e", "workflow")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--workflow-type",
        choices=["STANDARD", "EXPRESS"],
        default="STANDARD",
        help="the stack parameter WorkflowType of the end-to-end tests",
    )


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks for the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever may use the one emulator runs in one process, where pytest runs several."""
    for item in items:
        if item.path.relative_to(ROOT).parts[0] in _ON_THE_EMULATOR:
            item.add_marker(pytest.mark.xdist_group("emulator"))


@pytest.fixture(scope="session")
def ministack() -> Iterator[Emulator]:
    """A fresh MiniStack with IAM enforced."""
    down()
    yield emulator.start()
    down()
