"""Tries a mutant: a fork of this process imports it in place of the module, and runs the tests that reach it."""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import CodeType, ModuleType

import pytest

from tests.mutants.operators import Mutant

# A mutant that never ends: the slowest tests of one mutant take some seconds of a processor.
_CPU_SECONDS, _WALL_SECONDS = 60, 300
_PASSED, _NO_TESTS, _CRASHED = 0, 5, 70


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


def start(mutant: Mutant, path: Path, tests: list[str]) -> int:
    """The id of the process that tries it; it ends with `survived`'s exit code."""
    return in_fork(lambda: _try(mutant, path, tests))


def run_tests(selection: list[str], *plugins: object) -> int:
    """pytest's exit code. What this process has imported already it cannot rewrite, which is all right here."""
    ignored = "ignore::pytest.PytestAssertRewriteWarning"
    return int(pytest.main([*selection, "-q", "-p", "no:cacheprovider", "-W", ignored], plugins=plugins))


def survived(wait_status: int) -> bool:
    """What ends in any other way (a test fails, the module cannot be imported, it runs too long) is killed."""
    code = os.waitstatus_to_exitcode(wait_status)
    if code == _NO_TESTS:
        raise LookupError("none of the tests that reached a line was collected again")
    return code == _PASSED


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


def _try(mutant: Mutant, path: Path, tests: list[str]) -> int:
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    signal.alarm(_WALL_SECONDS)
    sys.meta_path.insert(0, _InPlace(mutant, path))
    return run_tests([*tests, "-x"])
