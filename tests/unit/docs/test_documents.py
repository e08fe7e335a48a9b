"""What the documents promise is there."""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.template import ROOT, template

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("tests/**/*.md")])
PACKAGE = ROOT / "functions/opportunities"
every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())

# `<name>` stands for whatever is there.
PATH = re.compile(r"(?:[a-z.<][\w.<>-]*/)+[\w.<>-]*|[\w<>-]+\.(?:py|md|yaml|toml)|[a-z.-]+\.json")
DOTTED = re.compile(r"\w+(?:\.\w+)+")
KEYS_OF_S3 = {"pinned/", "windows/"}


def spans(document: Path) -> Iterator[str]:
    """The `code` of the text, what stands in fenced blocks aside."""
    text = re.sub(r"^ *```.*?^ *```", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(r"`([^`\n]+)`", text)


def there(path: str, document: Path) -> bool:
    """Whether a path leads somewhere from the root, the Lambdas' package or the document."""
    pattern = re.sub(r"<\w+>", "*", path).rstrip("/")
    return any(any(base.glob(pattern)) for base in (ROOT, PACKAGE, document.parent))


@cache
def names() -> dict[str, set[str]]:
    """What each module and class defines, by every ending of its dotted name: `trading.bracket`, `bracket`."""
    found: dict[str, set[str]] = {}
    for root in (ROOT / "functions", ROOT / "opscan", ROOT / "infra", ROOT / "tests"):
        for file in root.rglob("*.py"):
            parts = file.relative_to(ROOT).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            tree = ast.parse(file.read_text())
            beside = {one.stem for one in file.parent.glob("*")} if file.stem == "__init__" else set()
            for start in range(len(parts)):
                found.setdefault(".".join(parts[start:]), set()).update(defined(tree), beside)
            for node in tree.body:
                if isinstance(node, ast.ClassDef):
                    found.setdefault(node.name, set()).update(defined(node))
    return found


def defined(node: ast.Module | ast.ClassDef) -> Iterator[str]:
    for one in node.body:
        if isinstance(one, ast.FunctionDef | ast.ClassDef):
            yield one.name
        elif isinstance(one, ast.Assign):
            yield from (target.id for target in one.targets if isinstance(target, ast.Name))
        elif isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            yield one.target.id
        elif isinstance(one, ast.TypeAlias):
            yield one.name.id


def known(dotted: str) -> bool:
    """Whether it is a module or what one defines. What begins like none of ours is somebody else's, hence known."""
    owner, _, last = dotted.rpartition(".")
    if dotted in names() or last in names().get(owner, ()):
        return True
    return dotted.partition(".")[0] not in names()


@every_document
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


@every_document
def test_every_path_that_is_named_exists(document: Path) -> None:
    paths = [span for span in spans(document) if PATH.fullmatch(span) and span not in KEYS_OF_S3]
    assert [path for path in paths if not there(path, document)] == []


@every_document
def test_every_module_and_name_of_one_that_is_written_exists(document: Path) -> None:
    dotted = [one for one in spans(document) if DOTTED.fullmatch(one) and not PATH.fullmatch(one)]
    assert [name for name in dotted if not known(name)] == []


def test_the_checks_of_paths_and_names_find_what_is_missing(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text(
        "`market/gone.py`, `aws/store.py`, `ranking.score`, `ranking.selected`, `Store.gone`\n```\n`x/y`\n```"
    )
    assert [span for span in spans(document) if PATH.fullmatch(span) and not there(span, document)] == [
        "market/gone.py"
    ]
    assert [one for one in spans(document) if DOTTED.fullmatch(one) and not known(one)] == [
        "ranking.selected",
        "Store.gone",
    ]


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 120


def test_the_picture_of_the_rooms_follows_the_import_rule() -> None:
    """Every room of the rule is in the picture, and none above one that may import it."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [rule] = [one for one in contracts if one["type"] == "layers"]
    picture = (ROOT / "docs/architecture.md").read_text().split("```")[1].splitlines()
    lines = [
        [
            next(i for i, line in enumerate(picture) if re.search(rf"\b{room.strip()[14:]}(?:/|\.py)", line))
            for room in layer
        ]
        for layer in (layer.split(":") for layer in rule["layers"])
    ]
    branches = [[place for layer in lines for place in layer[:1]], [layer[-1] for layer in lines]]
    assert branches == [sorted(branch) for branch in branches]


def test_every_parameter_in_the_table_of_deploying_is_the_templates() -> None:
    rows = re.findall(r"^\| (`[A-Z].*?) \|", (ROOT / "docs/deploying.md").read_text(), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert len(named) >= 5
    assert named <= set(template()["Parameters"])


def test_every_decision_has_its_four_parts_and_the_newest_comes_first() -> None:
    """An entry may be amended behind its last part."""
    _, *entries = re.split(r"^## ", (ROOT / "docs/decisions.md").read_text(), flags=re.MULTILINE)
    dates = [entry[:10] for entry in entries]
    assert dates == sorted(dates, reverse=True)
    labels = {entry.partition("\n")[0]: re.findall(r"^\*\*(\w+)\*\*: \S", entry, re.MULTILINE) for entry in entries}
    assert {title: found for title, found in labels.items() if found != ["Decided", "Options", "Why", "Undo"]} == {}


def test_the_changelog_begins_with_what_is_not_released_and_dates_the_rest() -> None:
    first, *releases = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert first == "Unreleased"
    assert releases
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ - \d{4}-\d\d-\d\d", release) for release in releases)
