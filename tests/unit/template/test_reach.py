"""Every module that ships is used: a handler reaches it, else it would lie in every Lambda."""

import shutil
import sys
from pathlib import Path

import pytest

from opportunities import strategies
from opportunities.market.planted import demo
from tests.support.imports import imports, reached
from tests.support.template import ROOT, functions

FUNCTIONS = ROOT / "functions"
AT_ONCE = imports(FUNCTIONS, at_once=True)
HANDLERS = {function["Handler"].removesuffix(".handler") for function in functions().values()}
# Imported by a name that is only known when it runs: `strategies.load` and `demo.planted_market` do.
BY_NAME = {
    *(f"opportunities.strategies.{name}" for name in strategies.names()),
    *(f"opportunities.market.planted.{kind}" for kind in demo.kinds()),
}
# What no handler reaches, and why it ships all the same.
REASONS: dict[str, str] = {}
# The packages that the Lambda runtime has; all others come with a layer.
IN_THE_RUNTIME = {"botocore"}


def unreached(folder: Path) -> set[str]:
    graph = imports(folder)
    return set(graph) - {name for start in HANDLERS | BY_NAME for name in reached(graph, start)}


def test_every_module_is_reached_from_a_handler_or_says_why_it_is_not() -> None:
    assert unreached(FUNCTIONS) == set(REASONS)


@pytest.mark.parametrize(
    ("path", "name"),
    [("market/orphan.py", "opportunities.market.orphan"), ("forgotten/__init__.py", "opportunities.forgotten")],
)
def test_module_that_nobody_imports_is_found(tmp_path: Path, path: str, name: str) -> None:
    shutil.copytree(FUNCTIONS, tmp_path / "functions", ignore=shutil.ignore_patterns("__pycache__"))
    orphan = tmp_path / "functions" / "opportunities" / path
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_text("from opportunities import scans\n")
    assert unreached(tmp_path / "functions") == {name, *REASONS}


def test_module_that_is_imported_for_its_types_alone_is_not_reached(tmp_path: Path) -> None:
    shutil.copytree(FUNCTIONS, tmp_path / "functions", ignore=shutil.ignore_patterns("__pycache__"))
    package = tmp_path / "functions" / "opportunities"
    (package / "shapes.py").write_text("")
    with (package / "scans.py").open("a") as scans:
        scans.write("\nfrom typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from opportunities import shapes\n")
    assert unreached(tmp_path / "functions") == {"opportunities.shapes", *REASONS}


@pytest.mark.parametrize(
    "handler", sorted({one["Handler"].removesuffix(".handler") for one in functions().values() if "Layers" not in one})
)
def test_lambda_without_a_layer_starts_with_what_the_runtime_has(handler: str) -> None:
    others = {name.partition(".")[0] for name in reached(AT_ONCE, handler)} - {"opportunities"}
    assert others - set(sys.stdlib_module_names) <= IN_THE_RUNTIME
