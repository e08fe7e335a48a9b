"""What `sam build` made, imported by a bare interpreter that sees the artifact, its layers and botocore only."""

import json
import subprocess
from pathlib import Path

import pytest

from infra.local.stack.places import RUNTIME_PYTHON, SAM_HOME
from infra.local.stack.state import Stack
from tests.support.template import functions, template

BUILD = SAM_HOME / ".aws-sam" / "build"
LOOK = """
import importlib, json, sys
sys.path[:0] = sys.argv[2:]
importlib.import_module(sys.argv[1])
print(json.dumps(sorted(name.partition('.')[0] for name in sys.modules)))
"""


@pytest.fixture(scope="session", autouse=True)
def built(stack: Stack) -> None:
    assert stack.api_url


def imported(function: str) -> set[str]:
    """The top-level packages that importing the function's handler brings in."""
    properties = functions()[function]
    layers = [BUILD / layer["Ref"] / "python" for layer in properties.get("Layers", [])]
    path = [str(BUILD / function), *map(str, layers)]
    module = properties["Handler"].rpartition(".")[0]
    done = subprocess.run(
        [str(RUNTIME_PYTHON), "-I", "-c", LOOK, module, *path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def size(directory: Path, pattern: str = "*") -> int:
    return sum(path.stat().st_size for path in directory.rglob(pattern) if path.is_file())


@pytest.mark.parametrize("function", functions())
def test_every_function_has_what_it_imports(function: str) -> None:
    assert "opportunities" in imported(function)


def test_the_bare_interpreter_really_lacks_what_the_layers_bring() -> None:
    done = subprocess.run([str(RUNTIME_PYTHON), "-I", "-c", "import pydantic"], capture_output=True, check=False)
    assert done.returncode != 0


def test_status_imports_neither_pydantic_nor_boto3_nor_a_tracer() -> None:
    assert not functions()["StatusFunction"].get("Layers")
    assert not imported("StatusFunction") & {"pydantic", "boto3", "aws_xray_sdk", "aws_lambda_powertools", "numpy"}


@pytest.mark.parametrize("function", functions())
def test_a_function_carries_own_code_only(function: str) -> None:
    assert [path.name for path in (BUILD / function).iterdir()] == ["opportunities"]
    assert size(BUILD / function, "*.py") < 1_000_000  # the tests above have left bytecode there


@pytest.mark.parametrize(
    "layer",
    [name for name, one in template()["Resources"].items() if one["Type"] == "AWS::Serverless::LayerVersion"],
)
def test_a_layer_stays_under_its_limit(layer: str) -> None:
    assert 0 < size(BUILD / layer) < (200_000_000 if layer == "CaptureLayer" else 110_000_000)
