from pathlib import Path

import pytest

from infra.local.stack.sources import digest


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("functions/a.py", "infra/layers/api/requirements.txt", "infra/scan.asl.json", "template.yaml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


@pytest.mark.parametrize(
    "name", ["functions/a.py", "functions/b.py", "infra/layers/api/requirements.txt", "infra/scan.asl.json"]
)
def test_every_edit_of_what_is_deployed_shows(tree: Path, name: str) -> None:
    before = digest(tree)
    (tree / name).write_text("edited")
    assert digest(tree) != before


def test_a_file_that_was_renamed_shows(tree: Path) -> None:
    before = digest(tree)
    (tree / "functions/a.py").rename(tree / "functions/c.py")
    assert digest(tree) != before


def test_undeployed_sources_do_not_count(tree: Path) -> None:
    before = digest(tree)
    for name in ("functions/__pycache__/a.pyc", "README.md"):
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_text("x")
    assert digest(tree) == before
