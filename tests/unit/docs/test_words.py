"""Retired words do not come back: `make check` runs codespell with a dictionary of our own."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.template import ROOT

DICTIONARY = ROOT / "infra/checks/retired_words.txt"
LINES = DICTIONARY.read_text().splitlines()


def codespell(directory: Path) -> subprocess.CompletedProcess[str]:
    """As `make check` runs it, in a directory that may be another."""
    command = [sys.executable, "-m", "codespell_lib"]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with nothing but this one's settings and dictionary."""
    for name in ("pyproject.toml", str(DICTIONARY.relative_to(ROOT))):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_retired_words_are_absent_from_the_project() -> None:
    done = codespell(ROOT)
    assert (done.stdout, done.returncode) == ("", 0)


@pytest.mark.parametrize(
    "line",
    [
        "shelf = 1",
        "SnapshotShelf = 1",
        "SHELF_KEY = 1",
        "on_the_shelf: int",
        "class Change:",
        "class Listed(Base):",
        "# written by services/waiting.py",
        "infra/scans is a folder",
    ],
)
def test_a_retired_word_in_a_module_fails_the_check(project: Path, line: str) -> None:
    (project / "module.py").write_text(f'"""A module."""\n\n{line}\n')
    done = codespell(project)
    assert done.returncode != 0
    assert done.stdout.startswith("./module.py:3: ")


def test_a_retired_module_name_fails_the_check(project: Path) -> None:
    (project / "selection.py").write_text('"""Empty."""\n')
    assert codespell(project).returncode != 0


@pytest.mark.parametrize(
    "line",
    [
        "a selection of what is waiting on the wire",
        "Change what you like; many are listed, in numbers.",
        "class ChangeOfPrice:",
        "judged = judge(market)",
    ],
)
def test_plain_english_passes_the_check(project: Path, line: str) -> None:
    (project / "module.py").write_text(f"{line}\n")
    done = codespell(project)
    assert (done.stdout, done.returncode) == ("", 0)


def test_the_dictionary_has_one_word_a_line_in_order() -> None:
    """Those still in use stand among them behind a #."""
    words = [line.removeprefix("#").partition("->")[0] for line in LINES if not line.startswith("# ")]
    assert words == sorted(set(words))
    assert all(line.count("->") == 1 for line in LINES)


def test_every_retired_word_stands_in_the_glossary() -> None:
    said = (ROOT / "docs/glossary.md").read_text().partition("## Retired words")[2].lower()
    words = [line.lstrip("#").partition("->")[0] for line in LINES if not line.startswith("# ")]
    plain = [re.sub(r"^(?:class|def) _?|\.py$", "", word).replace("_", " ") for word in words]
    assert len(plain) > 20
    assert [word for word in plain if not re.search(rf"\b{word}s?\b", said)] == []
