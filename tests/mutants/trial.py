"""Tries a mutant: a fork of this process imports it in place of the module, and runs the tests that reach it."""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import runpy
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import CodeType, ModuleType

import pytest

from tests.mutants.operators import Mutant

# A mutant that never ends: the slowest tests of one mutant take some seconds of a processor.
_CPU_SECONDS, _WALL_SECONDS = 60, 300
_ALL_TESTS_SECONDS = 1200
# Exit codes: pytest's, which has others too, and what only a fork of ours ends with.
_PASSED, _FAILED, _USAGE_ERROR, _NO_TESTS = 0, 1, 4, 5
_CRASHED, _SOME_GONE = 70, 71


class Verdict(Enum):
    KILLED = "killed"  # a test fails, the module cannot be imported, it runs too long
    SURVIVED = "survived"
    NOT_TRIED = "could not be tried"  # the fault is the tool's


class _InPlace(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the mutant under the name of its module."""

    def __init__(self, mutant: Mutant, path: Path) -> None:
        self._name = f"opportunities.{mutant.module.replace('/', '.')}"
        self._path = path
        self._code: CodeType = compile(mutant.tree, str(path), "exec")

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_loader(fullname, self, origin=str(self._path))

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(self._path)
        exec(self._code, module.__dict__)  # noqa: S102 - that is what it is for


@dataclass(eq=False)  # pytest keeps its plugins in sets
class _Only:
    """A pytest plugin: of what the files hold only these tests, in this order; `gone` are those that they lack."""

    tests: list[str]
    gone: bool = False

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        by_id = {item.nodeid: item for item in items}
        self.gone = not by_id.keys() >= set(self.tests)
        items[:] = [by_id[test] for test in self.tests if test in by_id]


def start(mutant: Mutant, path: Path, tests: list[str]) -> int:
    """The id of the process that tries it; `verdict` reads its wait status."""
    return in_fork(lambda: _try(mutant, path, tests, _CPU_SECONDS, _WALL_SECONDS))


def control_passes(unchanged: Mutant, path: Path, tests: list[str]) -> bool:
    """Whether a module that nothing was changed in passes all these tests, none missing, where mutants are tried."""
    control = in_fork(lambda: _try(unchanged, path, tests, _ALL_TESTS_SECONDS, _ALL_TESTS_SECONDS))
    _, status = os.waitpid(control, 0)
    return os.waitstatus_to_exitcode(status) == _PASSED


def run_tests(selection: list[str], *plugins: object) -> int:
    """pytest's exit code. What this process has imported already it cannot rewrite, which is all right here."""
    ignored = "ignore::pytest.PytestAssertRewriteWarning"
    return int(pytest.main([*selection, "-q", "-p", "no:cacheprovider", "-W", ignored], plugins=plugins))


def verdict(wait_status: int) -> Verdict:
    code = os.waitstatus_to_exitcode(wait_status)
    if code in (_PASSED, _SOME_GONE):  # a test that the mutant makes disappear has not failed
        return Verdict.SURVIVED
    return Verdict.NOT_TRIED if code in (_USAGE_ERROR, _NO_TESTS, _CRASHED) else Verdict.KILLED


def in_fork(do: Callable[[], int]) -> int:
    """Forks this process, which has imported what is not ours, for speed; the child's exit code is what `do` says."""
    process = os.fork()
    if process:
        return process
    code = _CRASHED
    try:
        code = do()
    except BaseException:  # noqa: BLE001 - nothing may leave the fork but its exit code
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def _try(mutant: Mutant, path: Path, tests: list[str], cpu_seconds: int, wall_seconds: int) -> int:
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    signal.alarm(wall_seconds)
    sys.meta_path.insert(0, _InPlace(mutant, path))
    files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
    only = _Only(tests)
    code = run_tests([*files, "-x"], only)
    if code == _USAGE_ERROR and not _conftests_import(files):
        return _FAILED
    return _SOME_GONE if code == _PASSED and only.gone else code


def _conftests_import(files: list[str]) -> bool:
    """Whether the conftests of these files can be run; where not, pytest says that it was called wrongly."""
    for directory in dict.fromkeys(parent for file in files for parent in Path(file).parents):
        if (directory / "conftest.py").exists():
            try:
                runpy.run_path(str(directory / "conftest.py"))
            except Exception:  # noqa: BLE001 - a mutant may raise anything
                return False
    return True
