"""template.yaml, the modules and the workflow agree: whoever forgets one half of a change is told here."""

import ast
import importlib
import json
import re
import time
from typing import Any

import pytest

from opportunities import strategies
from tests.reliability.states import evaluate
from tests.support.template import ROOT, definition, environment, event, functions, logical_id, template

HANDLERS = ROOT / "functions" / "opportunities" / "handlers"
API_EVENTS = sorted(path.stem for path in (ROOT / "tests" / "events").glob("*.json") if "routeKey" in event(path.stem))
STRATEGY_HANDLER = "opportunities.handlers.strategy.handler"


def strategy_functions() -> dict[str, dict[str, Any]]:
    return {
        strategies.named(environment(function)["STRATEGY"]): function
        for function in functions().values()
        if function["Handler"] == STRATEGY_HANDLER
    }


def test_every_strategy_has_a_function_and_every_such_function_a_strategy() -> None:
    assert sorted(strategy_functions()) == list(strategies.names())


def _invoked(strategy: str) -> str:
    """The function that the workflow calls for a strategy, by the workflow's own expression."""
    stack = {"TableName": "", "CaptureFunction": "", "StrategyFunctionPrefix": "${AWS::StackName}-strategy-"}
    task = _tasks(definition(stack)["States"])["RunStrategy"]
    found: str = evaluate(task["Arguments"]["FunctionName"], {"input": {"strategy": strategy}}, time.time)
    return found


@pytest.mark.parametrize("name", strategies.names())
def test_the_workflow_finds_the_strategys_function_by_its_name(name: str) -> None:
    assert strategy_functions()[name]["FunctionName"] == {"Fn::Sub": _invoked(name)}


@pytest.mark.parametrize("name", ["carry", "dual_momentum", "ema200_cross", "a_b_c"])
def test_the_workflow_and_the_lambda_agree_on_names_that_no_strategy_has_yet(name: str) -> None:
    assert _invoked(name) == f"${{AWS::StackName}}-strategy-{logical_id(name)}"
    assert strategies.named(logical_id(name)) == name


@pytest.mark.parametrize("name", functions())
def test_every_handler_path_imports(name: str) -> None:
    module, _, attribute = functions()[name]["Handler"].rpartition(".")
    assert callable(getattr(importlib.import_module(module), attribute))


def test_every_handler_has_a_function() -> None:
    modules = {f"opportunities.handlers.{path.stem}.handler" for path in HANDLERS.glob("[!_]*.py")}
    assert modules == {function["Handler"] for function in functions().values()}


def _variables_by_setting() -> dict[str, str]:
    """Which environment variable each function of `settings` reads."""
    source = ast.parse((ROOT / "functions" / "opportunities" / "settings.py").read_text())
    return {
        function.name: variable.value
        for function in source.body
        if isinstance(function, ast.FunctionDef) and not function.name.startswith("_")
        for variable in ast.walk(function)
        if isinstance(variable, ast.Constant) and re.fullmatch(r"[A-Z_]+", str(variable.value))
    }


@pytest.mark.parametrize("name", functions())
def test_every_variable_that_a_handler_reads_is_set_and_no_other(name: str) -> None:
    function = functions()[name]
    source = (HANDLERS / f"{function['Handler'].split('.')[2]}.py").read_text()
    read = {_variables_by_setting()[setting] for setting in re.findall(r"settings\.(\w+)\(\)", source)}
    own = set(function.get("Environment", {}).get("Variables", {}))
    assert read <= set(environment(function))
    assert own <= read


def test_only_handlers_and_settings_look_at_the_environment() -> None:
    package = ROOT / "functions" / "opportunities"
    looking = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(r"\bos\.environ|\bgetenv\b", path.read_text())
    }
    assert looking == {"settings.py"}
    calling = {path.parent.name for path in package.rglob("*.py") if "settings." in path.read_text()}
    assert calling == {"handlers"}


def test_the_definitions_placeholders_are_the_templates_substitutions() -> None:
    used = set(re.findall(r"\$\{(\w+)\}", json.dumps(definition())))
    assert used == set(template()["Resources"]["ScanStateMachine"]["Properties"]["DefinitionSubstitutions"])


def _tasks(states: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for name, state in states.items():
        if state["Type"] == "Task":
            found[name] = state
        if state["Type"] == "Map":
            found |= _tasks(state["ItemProcessor"]["States"])
    return found


@pytest.mark.parametrize("name", _tasks(definition()["States"]))
def test_every_task_ends_by_itself_and_retries_with_jitter(name: str) -> None:
    task = _tasks(definition()["States"])[name]
    assert task["TimeoutSeconds"] < definition()["TimeoutSeconds"]
    assert all(retry["JitterStrategy"] == "FULL" for retry in task["Retry"])
    assert not any("States.ALL" in retry["ErrorEquals"] for retry in task["Retry"])


def test_the_workflow_waits_longer_than_its_lambdas_run() -> None:
    tasks = _tasks(definition()["States"])
    assert functions()["CaptureFunction"]["Timeout"] < tasks["CaptureMarket"]["TimeoutSeconds"]
    slowest = max(function["Timeout"] for function in strategy_functions().values())
    assert slowest < tasks["RunStrategy"]["TimeoutSeconds"]


def test_every_lambda_has_an_event_to_invoke_it_with() -> None:
    events = {path.stem.partition("-")[0] for path in (ROOT / "tests" / "events").glob("*.json")} - {"environment"}
    assert events == {path.stem for path in HANDLERS.glob("[!_]*.py")}


@pytest.mark.parametrize("name", API_EVENTS)
def test_the_events_carry_the_routes_of_the_template(name: str) -> None:
    routes = {
        f"{route['Properties']['Method']} {route['Properties']['Path']}"
        for function in functions().values()
        for route in function.get("Events", {}).values()
        if "Path" in route["Properties"]
    }
    assert event(name)["routeKey"] in {*routes, "$default"}
