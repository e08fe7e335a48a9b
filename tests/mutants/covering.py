"""Which tests run which lines, by the interpreter's own events: a mutant is tried on the tests that reach it."""

import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any


@dataclass(eq=False)  # pytest keeps its plugins in sets
class Covering:
    """A pytest plugin. `lines` by test and file; `seconds` by test."""

    files: frozenset[str]
    lines: dict[str, dict[str, set[int]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(set)))
    seconds: dict[str, float] = field(default_factory=dict)
    _test: str = ""
    _began: float = 0.0

    def start(self) -> None:
        """Before pytest, which imports some of what it tests before it calls any plugin."""
        monitoring = sys.monitoring
        monitoring.use_tool_id(monitoring.COVERAGE_ID, "mutants")
        monitoring.register_callback(monitoring.COVERAGE_ID, monitoring.events.LINE, self._on_line)
        monitoring.set_events(monitoring.COVERAGE_ID, monitoring.events.LINE)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._test, self._began = nodeid, time.perf_counter()
        sys.monitoring.restart_events()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.seconds[nodeid] = time.perf_counter() - self._began

    def _on_line(self, code: CodeType, line: int) -> Any:
        if code.co_filename in self.files:
            self.lines[self._test][code.co_filename].add(line)
        return sys.monitoring.DISABLE

    def measured(self) -> dict[str, Any]:
        """As JSON; what ran before the first test, while modules were imported, stands under ""."""
        lines = {test: {file: sorted(some) for file, some in by_file.items()} for test, by_file in self.lines.items()}
        return {"lines": lines, "seconds": self.seconds}


@dataclass(frozen=True)
class Reach:
    """What `Covering` has measured."""

    lines: dict[str, dict[str, set[int]]]
    seconds: dict[str, float]

    @classmethod
    def of(cls, measured: dict[str, Any]) -> "Reach":
        lines = {
            test: {file: set(some) for file, some in by_file.items()} for test, by_file in measured["lines"].items()
        }
        return cls(lines, measured["seconds"])

    def tests(self, file: Path, lines: Iterable[int]) -> list[str]:
        """Those that run one of the lines, the quickest first; of what runs at import, all tests."""
        wanted = set(lines)
        at_import = bool(wanted & self.lines.get("", {}).get(str(file), set()))
        reaching = [
            test for test in self.seconds if at_import or wanted & self.lines.get(test, {}).get(str(file), set())
        ]
        return sorted(reaching, key=self.seconds.__getitem__)
