"""`sam local invoke` in a real Lambda container, layers included, against an emulator of AWS."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from ipaddress import ip_network
from pathlib import Path
from socket import create_connection, create_server, socket
from typing import Any

import pytest

from infra.local.stack import environment
from infra.local.stack.deploy import architecture
from infra.local.stack.emulator import Emulator
from infra.local.stack.places import ROOT, SAM_HOME
from infra.local.stack.state import Stack
from tests.events.prepare import prepare

# A stand-in of Lambda's image for machines that cannot pull it; without it sam pulls the real one.
IMAGE = os.environ.get("LAMBDA_IMAGE")
LAMBDA = "public.ecr.aws/lambda/python:3.13"


def _bridge() -> str:
    """The address at which containers reach this machine; the tests are skipped where Docker does not run."""
    docker = shutil.which("docker")
    if docker is None:
        pytest.skip("`sam local invoke` needs Docker, which is not installed here")
    inspected = subprocess.run(
        [docker, "network", "inspect", "bridge", "-f", "{{(index .IPAM.Config 0).Subnet}}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if inspected.returncode != 0:
        pytest.skip("`sam local invoke` needs a running Docker engine: " + inspected.stderr.strip())
    if not IMAGE:
        pulled = subprocess.run(
            [docker, "pull", "-q", f"{LAMBDA}-{architecture()}"], capture_output=True, text=True, check=False
        )
        if pulled.returncode != 0:
            pytest.skip("Lambda's image cannot be pulled, and LAMBDA_IMAGE names none: " + pulled.stderr.strip())
    return str(next(ip_network(inspected.stdout.strip()).hosts()))


def _forward(listener: socket, port: int) -> None:
    """Hands every connection on to 127.0.0.1, where the emulator listens and containers cannot look."""

    def pump(source: socket, target: socket) -> None:
        with closing(target):
            while data := source.recv(65_536):
                target.sendall(data)

    while True:
        try:
            inward, _ = listener.accept()
        except OSError:  # the listener was closed: the tests are over
            return
        outward = create_connection(("127.0.0.1", port))
        for pair in ((inward, outward), (outward, inward)):
            threading.Thread(target=pump, args=pair, daemon=True).start()


@pytest.fixture(scope="module")
def endpoint_url(stack: Stack, ministack: Emulator) -> Iterator[str]:
    bridge = _bridge()
    prepare(stack.endpoint_url)
    with create_server((bridge, 0)) as listener:
        threading.Thread(target=_forward, args=(listener, ministack.port), daemon=True).start()
        yield f"http://{bridge}:{listener.getsockname()[1]}"


def invoke(function: str, event: str, endpoint_url: str) -> Any:
    image = ["--invoke-image", IMAGE, "--skip-pull-image"] if IMAGE else []
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("sam")),
            *("local", "invoke", function),
            *("--config-file", str(ROOT / "samconfig.toml")),
            *("--template", str(SAM_HOME / ".aws-sam/build/template.yaml")),
            *("--event", str(ROOT / f"tests/events/{event}.json")),
            *("--env-vars", str(ROOT / "tests/events/environment.json")),
            *("--parameter-overrides", f"Architecture={architecture()}", f"EndpointUrl={endpoint_url}"),
            *image,
        ],
        env=environment.for_tools(endpoint_url),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


# First: those below cancel and delete the scan that it belongs to.
def test_a_strategy_runs_in_its_container(endpoint_url: str) -> None:
    assert invoke("SpotMomentumStrategy", "strategy", endpoint_url) == {"status": "complete"}


@pytest.mark.parametrize(
    ("function", "event", "status"),
    [
        ("DiscoverFunction", "discover", 202),
        ("StatusFunction", "status", 200),
        ("ResultsFunction", "results", 200),
        ("ListFunction", "list", 200),
        ("CancelFunction", "cancel", 200),
        ("DeleteFunction", "delete", 204),
        ("OpenApiFunction", "openapi", 200),
        ("UnknownFunction", "unknown", 405),
        ("ProfileFunction", "profile-put", 200),
        ("ProfileFunction", "profile-get", 200),
        ("StrategiesFunction", "strategies", 200),
    ],
)
def test_an_api_lambda_answers_in_its_container(function: str, event: str, status: int, endpoint_url: str) -> None:
    answer = invoke(function, event, endpoint_url)
    assert answer["statusCode"] == status, answer


def test_capture_runs_in_its_container(endpoint_url: str) -> None:
    assert invoke("CaptureFunction", "capture", endpoint_url) == {"snapshot_key": "windows/simulated-7/1795291200"}


def test_the_end_of_an_execution_is_dealt_with_in_its_container(endpoint_url: str) -> None:
    assert invoke("EndedFunction", "ended", endpoint_url).keys() == {"failed"}
