"""`opscan new-strategy`: what it writes works as it stands, in a copy of the tree."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from samcli.yamlhelper import yaml_parse

from opportunities import strategies
from opscan.authoring.new_strategy import with_word, write
from opscan.errors import BadInput
from tests.support.cli_fakes import FakeApi, run
from tests.support.template import ROOT

NAME = "dip_buying"
TEMPLATE = (ROOT / "template.yaml").read_text("utf-8")


def in_copy(copy: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Runs a module of this environment's Python in the copy, whose packages come first."""
    environment = {**os.environ, "PYTHONPATH": f"{copy / 'functions'}:{copy}", "COLUMNS": "120"}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )


def listed(template: str) -> list[str]:
    _, words, _ = yaml_parse(template)["Resources"]["Fn::ForEach::Strategies"]
    return [*words]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree with a new strategy in it, written by the command."""
    copy = tmp_path_factory.mktemp("checkout") / "tree"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "__pycache__", "node_modules"))
    for name in ("functions/opportunities/strategies", "tests/unit"):
        assert (copy / name).is_dir()
    written = in_copy(copy, "opscan", "new-strategy", NAME)
    assert (written.returncode, written.stderr) == (0, "")
    said = written.stdout
    for path in (
        f"wrote functions/opportunities/strategies/{NAME}.py",
        f"wrote functions/opportunities/market/planted/{NAME}.py",
        f"wrote tests/unit/strategies/test_{NAME}.py",
        "changed template.yaml",
        f"opscan run {NAME}",
        "make openapi",
        'make test ARGS="',
    ):
        assert path in said
    return copy


def test_sample_passes_its_own_tests_and_those_of_every_strategy_and_disturbs_no_other(copy: Path) -> None:
    tests = ("tests/unit/strategies", "tests/unit/market/test_planted.py", "tests/unit/template/test_agreement.py")
    ended = in_copy(
        copy,
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-n",
        "0",
        *tests,
        "-k",
        f"{NAME} or every_strategy_has or it_finds_what_was_planted",
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    passed = re.search(r"(\d+) passed", ended.stdout)
    assert passed
    assert int(passed[1]) >= 30


def test_sample_is_run_by_the_command_that_is_named_next(copy: Path) -> None:
    ended = in_copy(copy, "opscan", "run", NAME)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert f"{NAME} examined 50 instruments" in ended.stdout
    assert "what to do" in ended.stdout


def test_sample_is_formatted_and_lints(copy: Path) -> None:
    for command in (("format", "--check"), ("check",)):
        ended = in_copy(copy, "ruff", *command, *(str(path) for path in copy.rglob(f"*{NAME}.py")))
        assert ended.returncode == 0, ended.stdout


def test_sample_is_typed(copy: Path) -> None:
    package = "opportunities"
    modules = (f"{package}.strategies.{NAME}", f"{package}.market.planted.{NAME}")
    options = ("--follow-imports", "silent", "--cache-dir", str(copy / ".mypy_cache"))
    ended = in_copy(copy, "mypy", *options, *(part for module in modules for part in ("-m", module)))
    assert ended.returncode == 0, ended.stdout


def test_word_is_added_in_order_and_nothing_else_changes() -> None:
    before = listed(TEMPLATE)
    for name, word in (("a_first", "AFirst"), (NAME, "DipBuying"), ("zebra", "Zebra")):
        text = with_word(TEMPLATE, name)
        assert listed(text) == sorted([*before, word])
        assert strategies.named(word) == name
        lines = text.splitlines()
        lines.remove(f"    - - {word}" if name == "a_first" else f"      - {word}")
        assert [line.strip(" -") for line in lines] == [
            line.strip(" -") for line in TEMPLATE.splitlines()
        ] or name == "a_first"
    everything = yaml_parse(with_word(TEMPLATE, NAME))
    everything["Resources"]["Fn::ForEach::Strategies"][1].remove("DipBuying")
    assert everything == yaml_parse(TEMPLATE)


def test_template_without_the_list_or_with_the_word_is_refused() -> None:
    with pytest.raises(BadInput, match="no list of strategies"):
        with_word("Resources: {}\n", NAME)
    with pytest.raises(BadInput, match="has DipBuying already"):
        with_word(with_word(TEMPLATE, NAME), NAME)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folders that are written to, and a template."""
    for folder in (
        "functions/opportunities/strategies",
        "functions/opportunities/market/planted",
        "tests/unit/strategies",
    ):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "template.yaml").write_text(TEMPLATE, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(checkout: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in checkout.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "name",
    ["", "DipBuying", "dip-buying", "2nd", "dip_2", "_dip", "dip__buying", "../dip", "class", "d" * 31, "dip buying"],
)
def test_malformed_name_is_refused_and_nothing_is_written(checkout: Path, name: str) -> None:
    before = contents(checkout)
    ended = run(FakeApi(), "new-strategy", "--", name)
    assert ended.exit_code == 2
    assert "is no name for a strategy" in ended.stderr
    assert contents(checkout) == before


@pytest.mark.parametrize(
    "taken",
    [
        "functions/opportunities/strategies/dip_buying.py",
        "functions/opportunities/market/planted/dip_buying.py",
        "tests/unit/strategies/test_dip_buying.py",
    ],
)
def test_existing_name_is_refused_and_nothing_is_written(checkout: Path, taken: str) -> None:
    (checkout / taken).write_text("mine", "utf-8")
    before = contents(checkout)
    ended = run(FakeApi(), "new-strategy", NAME)
    assert ended.exit_code == 2
    assert f"{taken} exists" in ended.stderr
    assert contents(checkout) == before


def test_word_that_the_template_has_is_refused_and_nothing_is_written(checkout: Path) -> None:
    before = contents(checkout)
    with pytest.raises(BadInput, match="has PairsTrading already"):
        write(checkout, "pairs_trading")
    assert contents(checkout) == before


def test_place_that_is_no_checkout_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ended = run(FakeApi(), "new-strategy", NAME)
    assert ended.exit_code == 2
    assert "lies in no checkout of the service" in ended.stderr
    assert "Go to the folder" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_folder_below_a_checkout_will_do(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout / "functions")
    assert run(FakeApi(), "new-strategy", NAME).exit_code == 0
    assert (checkout / f"functions/opportunities/strategies/{NAME}.py").is_file()
