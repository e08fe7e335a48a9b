"""That a mutant counts as killed only if a test noticed it, and that nobody explains mutants that there are not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants import equivalent
from tests.mutants.trial import Verdict, verdict

ROOT = Path(__file__).parents[2]
HERE = "tests/mutants/test_operators.py::test_a_mutant_is_named_by_where_it_is_and_what_changed"
NOWHERE = "tests/mutants/test_operators.py::test_that_nobody_wrote"

# A process of its own: forks are made by one that has not yet imported what they change.
TRIALS = """
import json, os, sys
from pathlib import Path
from tests.mutants import trial
from tests.mutants.operators import unchanged

for source, tests in json.loads(sys.argv[1]):
    store = unchanged("aws/store", source)
    _, status = os.waitpid(trial.start(store, Path("m.py"), tests), 0)
    print(trial.verdict(status).name, trial.control_passes(store, Path("m.py"), tests))
"""


def tried(*stores: tuple[str, list[str]]) -> list[str]:
    """Of stores of this source, each on these tests: the verdict, and whether it would do as a control."""
    command = [sys.executable, "-c", TRIALS, json.dumps(stores)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def test_tests_that_are_not_collected_and_modules_that_cannot_be_imported_are_told_apart() -> None:
    assert tried(
        ("", [HERE]),
        ("", [HERE, NOWHERE]),
        ("", [NOWHERE]),
        ("", ["tests/mutants/test_nothing.py::test_that_nobody_wrote"]),
        ("raise ImportError", ["tests/unit/aws/test_items.py::test_any"]),
    ) == ["SURVIVED True", "SURVIVED False", "NOT_TRIED False", "NOT_TRIED False", "KILLED False"]


@pytest.mark.parametrize(
    ("code", "meant"),
    [
        (0, Verdict.SURVIVED),
        (1, Verdict.KILLED),
        (2, Verdict.KILLED),
        (3, Verdict.KILLED),
        (4, Verdict.NOT_TRIED),
        (5, Verdict.NOT_TRIED),
        (70, Verdict.NOT_TRIED),
    ],
)
def test_only_what_pytest_says_of_failing_tests_kills(code: int, meant: Verdict) -> None:
    assert verdict(code << 8) is meant


def test_a_mutant_that_a_signal_ended_is_killed() -> None:
    assert verdict(14) is Verdict.KILLED


def test_an_explanation_of_no_mutant_is_found() -> None:
    explained = {"store put: a → b", "store get: a → b", "gone module: 1 → 2"}
    assert equivalent.without_mutant(explained, {"store put: a → b"}, []) == {"store get: a → b", "gone module: 1 → 2"}
    assert equivalent.without_mutant(explained, {"store put: a → b"}, ["store"]) == {"store get: a → b"}
    assert equivalent.without_mutant(explained, {"store put: a → b"}, ["wire"]) == set()
