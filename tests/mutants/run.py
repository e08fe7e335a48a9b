"""`make mutants`: changes the modules that the promise rests on, one small thing at a time; the tests must notice.

mutmut 3 and cosmic-ray were tried first (docs/decisions.md says why neither can be used here). Ends with 1 if less than
90 % were noticed, if a mutant survived that `equivalent.toml` does not explain, if it explains one that did not or that
there is not, or if one could not be tried; an unchanged module is tried first, and must pass.
`--every 3` tries each third one, evenly over each module: a sample, where there is no time for all.
"""

import argparse
import gc
import importlib
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.mutants import covering, equivalent, trial
from tests.mutants.operators import Mutant, mutants, unchanged
from tests.mutants.trial import Verdict
from tests.support.template import template

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "functions" / "opportunities"
MODULES = [
    "scans", "serialization", "api/http",
    *(f"aws/{name}" for name in ("dynamodb", "items", "snapshots", "store", "workflow")),
    *(f"services/{name}" for name in (
        "cancel", "capture", "delete", "discover", "list", "long_poll", "lookup", "pagination", "results", "status",
        "strategy",
    )),
    *(f"handlers/{path.stem}" for path in sorted((PACKAGE / "handlers").glob("[a-z]*.py"))),
]  # fmt: skip
TESTS = [
    *(f"tests/unit/{name}" for name in (
        "api/test_http.py", "api/test_openapi.py", "aws/test_dynamodb.py", "aws/test_items.py", "aws/test_scan_size.py",
        "aws/test_workflow.py", "handlers", "services", "test_scans.py", "test_serialization.py",
    )),
    "tests/contract/test_store.py",
    "-k", "not ministack and not dynamodb_local",
]  # fmt: skip
LEAST_KILLED = 0.9
_PROGRESS = 25
_OURS = ("opportunities", "opscan", "infra", "tests", "conftest", "__")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="such as store or services/discover; all")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="try every Nth mutant of each module")
    arguments = parser.parse_args()
    chosen = arguments.modules or MODULES
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    sys.dont_write_bytecode = False  # what one fork compiles the others read
    console = Console(width=160)
    began = time.monotonic()
    reach = _reach()
    console.print(f"{len(reach.seconds)} tests pass, {time.monotonic() - began:.0f} s")
    _control(chosen[0], reach)
    console.print(f"they pass where mutants are tried, {time.monotonic() - began:.0f} s")
    named = {module: list(_named(module)) for module in chosen}
    known = [one for of_module in named.values() for one in of_module[:: arguments.every]]
    verdicts = dict[str, Verdict]()
    for name, verdict in _tried(known, reach):
        verdicts[name] = verdict
        if verdict is not Verdict.KILLED:
            console.print(f"{verdict.value}: {name}", markup=False, soft_wrap=True)
        if len(verdicts) % _PROGRESS == 0:
            console.print(f"{len(verdicts)} of {len(known)} tried, {time.monotonic() - began:.0f} s")
    explanations = equivalent.explanations()
    survivors = {name for name, verdict in verdicts.items() if verdict is Verdict.SURVIVED}
    explained = explanations & verdicts.keys()
    console.print(_report(known, survivors, explained))
    wrong = {
        "survived: {}\n  write a test that notices, or say in equivalent.toml why none can": survivors - explained,
        "explained, but did not survive: {}\n  take it out of equivalent.toml": explained - survivors,
        "explained, but there is no such mutant: {}\n  take it out of equivalent.toml": equivalent.without_mutant(
            explanations,
            {name for of_module in named.values() for name, _ in of_module},
            arguments.modules,
        ),
        "could not be tried: {}\n  see trial.py": {
            name for name, verdict in verdicts.items() if verdict is Verdict.NOT_TRIED
        },
    }
    for said, names in wrong.items():
        for name in sorted(names):
            console.print(said.format(name), markup=False)
    killed = 1 - len(survivors) / len(known)
    return int(killed < LEAST_KILLED or any(wrong.values()))


def _report(known: list[tuple[str, Mutant]], survivors: set[str], explained: set[str]) -> Table:
    report = Table("module", "tried", "killed", "explained", "unexplained", "killed of tried")
    for module in [*dict.fromkeys(mutant.module for _, mutant in known), ""]:
        names = {name for name, mutant in known if module in ("", mutant.module)}
        alive = names & survivors
        counts = len(names), len(names - alive), len(alive & explained), len(alive - explained)
        report.add_row(module or "all", *map(str, counts), f"{counts[1] / counts[0]:.1%}")
    return report


def _named(module: str) -> Iterator[tuple[str, Mutant]]:
    """The mutants of a module; of those that look alike in one function the second is `... (2)`, and so on."""
    seen = Counter[str]()
    for mutant in mutants(module, (PACKAGE / f"{module}.py").read_text()):
        seen[mutant.name] += 1
        count = seen[mutant.name]
        yield (mutant.name if count == 1 else f"{mutant.name} ({count})"), mutant


def _reach() -> covering.Reach:
    """Runs the tests once, unchanged, in a process of its own: this one must not import what will be changed.

    But it imports what is not ours, and reads the template, once for all forks.
    """
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "measured.json"

        def measure() -> int:
            plugin = covering.Covering(frozenset(str(PACKAGE / f"{module}.py") for module in MODULES))
            plugin.start()
            code = trial.run_tests(TESTS, plugin)
            imported = [name for name in sys.modules if not name.startswith(_OURS)]
            file.write_text(json.dumps(plugin.measured() | {"imported": imported}))
            return code

        _, status = os.waitpid(trial.in_fork(measure), 0)
        if status:
            raise SystemExit("The tests fail on the unchanged code: mend that first.")
        measured = json.loads(file.read_text())
    for name in measured["imported"]:
        with suppress(ImportError):  # an alias of some package's own making
            importlib.import_module(name)
    if any(name.partition(".")[0] == "opportunities" for name in sys.modules):
        raise SystemExit("What is to be changed was imported before the forks, so no fork would: add to _OURS.")
    template()  # parsing it takes as long as most mutants' tests
    gc.freeze()
    return covering.Reach.of(measured)


def _control(module: str, reach: covering.Reach) -> None:
    path = PACKAGE / f"{module}.py"
    if not trial.control_passes(unchanged(module, path.read_text()), path, list(reach.seconds)):
        raise SystemExit(f"{module}, unchanged, fails where mutants are tried, or tests are missing: see trial.py.")


def _tried(known: list[tuple[str, Mutant]], reach: covering.Reach) -> Iterator[tuple[str, Verdict]]:
    """Each mutant's name, and what became of it; as many at a time as there are processors."""
    trying: dict[int, str] = {}
    for name, mutant in known:
        path = PACKAGE / f"{mutant.module}.py"
        tests = reach.tests(path, mutant.lines)
        if not tests:
            yield name, Verdict.SURVIVED
            continue
        while len(trying) >= (os.cpu_count() or 1):
            yield _ended(trying)
        trying[trial.start(mutant, path, tests)] = name
    while trying:
        yield _ended(trying)


def _ended(trying: dict[int, str]) -> tuple[str, Verdict]:
    process, status = os.wait()
    return trying.pop(process), trial.verdict(status)


if __name__ == "__main__":
    sys.exit(main())
