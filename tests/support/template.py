"""template.yaml, its loops written out, and the workflow's definition as data."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from infra.checks.expanded import expanded

ROOT = Path(__file__).parents[2]


@cache
def template() -> dict[str, Any]:
    return expanded()


def functions() -> dict[str, dict[str, Any]]:
    """The properties of every Lambda by logical id."""
    resources = template()["Resources"]
    return {name: one["Properties"] for name, one in resources.items() if one["Type"] == "AWS::Serverless::Function"}


def logical_id(strategy: str) -> str:
    """What the template calls a strategy's Lambda: a logical id has no underscores."""
    return "".join(map(str.capitalize, strategy.split("_")))


def environment(function: dict[str, Any]) -> dict[str, Any]:
    """The variables that a function is given, the common ones included."""
    common = template()["Globals"]["Function"]["Environment"]["Variables"]
    return {**common, **function.get("Environment", {}).get("Variables", {})}


def table() -> dict[str, Any]:
    """CreateTable arguments of the template's table."""
    properties = template()["Resources"]["Table"]["Properties"]
    names = ("BillingMode", "AttributeDefinitions", "KeySchema", "LocalSecondaryIndexes")
    return {name: properties[name] for name in names}


def definition(substitutions: dict[str, str] | None = None) -> dict[str, Any]:
    """The state machine's definition; `${Name}` is replaced as CloudFormation would."""
    text = (ROOT / "infra" / "scan.asl.json").read_text()
    if substitutions:
        text = re.sub(r"\$\{(\w+)\}", lambda match: substitutions[match[1]], text)
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def event(name: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads((ROOT / "tests" / "events" / f"{name}.json").read_text())
    return parsed
