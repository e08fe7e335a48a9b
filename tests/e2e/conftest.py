import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.local.stack import make_user, up
from infra.local.stack.emulator import Emulator
from infra.local.stack.state import Stack
from tests.support import conformance


@dataclass(frozen=True)
class Caller:
    """One user of the deployed API."""

    http: httpx.Client

    def discover(self, **body: Any) -> httpx.Response:
        return self.http.post("/opportunities/discover", json=body)

    def status(self, scan_id: str) -> httpx.Response:
        return self.http.get(f"/opportunities/status/{scan_id}")

    def long_poll(self, scan_id: str) -> httpx.Response:
        return self.http.get(f"/opportunities/status/{scan_id}", headers={"Prefer": "wait=20"})

    def cancel(self, scan_id: str) -> httpx.Response:
        return self.http.post(f"/opportunities/cancel/{scan_id}")

    def delete(self, scan_id: str) -> httpx.Response:
        return self.http.delete(f"/opportunities/scans/{scan_id}")

    def list_scans(self, **query: Any) -> httpx.Response:
        return self.http.get("/opportunities/scans", params=query)

    def results(self, scan_id: str, **query: Any) -> httpx.Response:
        return self.http.get(f"/opportunities/results/{scan_id}", params=query)


def _check(response: httpx.Response) -> None:
    """Every answer of the deployed API is one that its description promises."""
    path = response.request.url.path
    text = response.read().decode()
    conformance.check(
        response.request.method, path[path.index("/opportunities") :], response.status_code, response.headers, text
    )


def _client(stack: Stack, token: str | None) -> httpx.Client:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    limits = httpx.Limits(max_connections=64)
    hooks = {"response": [_check]}
    return httpx.Client(
        base_url=stack.api_url, headers=headers, timeout=60, limits=limits, trust_env=False, event_hooks=hooks
    )


@pytest.fixture(scope="session")
def workflow_type(request: pytest.FixtureRequest) -> str:
    kind: str = request.config.getoption("--workflow-type")
    return kind


@pytest.fixture(scope="session")
def around_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home and the temporary directory of whoever brought the stack up, empty before."""
    return tmp_path_factory.mktemp("around-up")


@pytest.fixture(scope="session")
def stack(ministack: Emulator, workflow_type: str, around_up: Path) -> Stack:
    """template.yaml, built and deployed for real, with IAM and JWT enforced."""
    pip_cache = os.environ.get("PIP_CACHE_DIR", str(Path.home() / ".cache" / "pip"))
    rustup = os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(around_up))
        patch.setenv("TMPDIR", str(around_up))
        patch.setenv("PIP_CACHE_DIR", pip_cache)  # pip's own, which is meant to be shared
        patch.setenv(
            "RUSTUP_HOME", rustup
        )  # pip asks rustc for its version, and rustup then looks at its own directory
        patch.setattr(tempfile, "tempdir", str(around_up))
        # one user of the tests asks more often than a person may
        deployed = up(ScansPerMinute="10000", WorkflowType=workflow_type)
    assert deployed.emulator == ministack
    return deployed


@pytest.fixture(scope="session")
def demo(stack: Stack) -> Iterator[Caller]:
    """The demo user, who has holdings."""
    with _client(stack, stack.token) as http:
        yield Caller(http)


@pytest.fixture(scope="session")
def stranger(stack: Stack) -> Iterator[Caller]:
    with _client(stack, make_user(stack, "stranger")) as http:
        yield Caller(http)


@pytest.fixture(scope="session")
def nobody(stack: Stack) -> Iterator[Caller]:
    """Somebody without a token."""
    with _client(stack, None) as http:
        yield Caller(http)
