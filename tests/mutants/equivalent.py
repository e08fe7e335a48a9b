"""The explanations in equivalent.toml: which survivors are known, and which explanations are of nothing."""

import tomllib
from collections.abc import Collection
from pathlib import Path


def explanations() -> set[str]:
    """The names of the mutants that are explained."""
    sections: dict[str, dict[str, str]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
    return {f"{where}: {change}" for where, changes in sections.items() for change in changes}


def without_mutant(explained: Collection[str], mutants: Collection[str], modules: Collection[str]) -> set[str]:
    """What explains none of the mutants of these modules; no `modules` means that `mutants` are all there are."""
    return {name for name in explained if name not in mutants and (not modules or name.partition(" ")[0] in modules)}
