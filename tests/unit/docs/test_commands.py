"""Every command that a document names exists, and CI runs it in its short form."""

import re

from opscan.main import app
from tests.e2e.test_commands import COMMANDS
from tests.support.template import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("tests/**/*.md")])


MAKEFILE = (ROOT / "Makefile").read_text()
# What CI cannot run as it stands, with the reason.
NOT_IN_CI = {"verify": "its parts are run in their short forms; the whole takes hours"}


def code(text: str) -> str:
    """What a document sets as code: its fenced blocks and its inline pieces."""
    pieces = re.findall(r"^```\w*\n(.*?)^```|`([^`]+)`", text, re.DOTALL | re.MULTILINE)
    return "\n".join(fenced or inline for fenced, inline in pieces)


def targets() -> dict[str, str]:
    """Each target of the Makefile with its prerequisites and its recipe."""
    rules = re.findall(r"^([a-z-]+):(?!=)(.*\n(?:(?:\t.*|#.*)\n)*)", MAKEFILE, re.MULTILINE)
    return {name: "".join(text for one, text in rules if one == name) for name, _ in rules}


def run_by_ci() -> set[str]:
    """The targets that `.ci/run` asks make for, and those that these ask it for in turn."""
    known, waiting, run = targets(), [(ROOT / ".ci" / "run").read_text()], set[str]()
    while waiting:
        text = waiting.pop()
        asked = re.findall(r"(?:^|\s)(?:make|\$\(MAKE\))((?: -j \d+)?(?: [a-z-]+)+)", text)
        first, _, _ = text.partition("\n")
        names = {name for words in asked for name in words.split()} | set(first.partition("##")[0].split())
        new = names & known.keys() - run
        run |= new
        waiting += [known[name] for name in new]
    return run


def named(pattern: str) -> set[tuple[str, ...]]:
    """What the documents name by a pattern of two groups."""
    return {found for document in DOCUMENTS for found in re.findall(pattern, code(document.read_text()))}


def test_every_make_target_that_a_document_names_exists_and_is_run_by_ci() -> None:
    documented = {name for name, _ in named(r"(?<![\w-])make ([a-z]+(?:-[a-z]+)*)()")}
    assert {"scan", "bench", "audit", "verify"} <= documented
    assert documented - targets().keys() == set()
    assert documented - run_by_ci() - NOT_IN_CI.keys() == set()


def test_targets_that_ci_leaves_out_are_run_in_parts() -> None:
    parts = set(targets()["verify"].partition("##")[0].split())
    assert len(parts) > 5
    assert parts <= run_by_ci()


def test_every_target_with_a_word_of_help_is_run_by_ci() -> None:
    helped = {name for name, text in targets().items() if "##" in text}
    assert helped - run_by_ci() - NOT_IN_CI.keys() - {"short"} == set()


def test_every_opscan_command_that_a_document_names_exists_and_is_run_on_a_stack() -> None:
    groups = {group.name for group in app.registered_groups}
    documented = {
        f"{name} {inner}".strip() if name in groups else name
        for name, inner in named(r"(?<!from )opscan ([a-z][a-z-]*) ?([a-z]*)")
    }
    assert {"scan", "token", "snapshot build"} <= documented
    tried = {" ".join(command.split()[: 1 + (command.split()[0] in groups)]) for command in COMMANDS}
    # tests/unit/opscan/test_new_strategy.py runs new-strategy, in a copy of the tree that it writes to
    assert documented - tried - {"up", "down", "new-strategy"} == set()


def test_dev_container_and_commit_hook_ask_make_for_targets_that_exist() -> None:
    rules = set(re.findall(r"^([\w./-]+):(?!=)", MAKEFILE, re.MULTILINE))
    for file in (".devcontainer/devcontainer.json", ".pre-commit-config.yaml"):
        asked = {
            name for names in re.findall(r"make ([\w./ -]+)\b", (ROOT / file).read_text()) for name in names.split()
        }
        assert asked
        assert asked <= rules, file
