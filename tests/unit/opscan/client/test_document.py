"""What README.md and docs/client.md show runs as it stands there, against an API that answers over HTTP."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import httpx
import pytest

import opscan
from tests.support.cli_fakes import DONE, FakeApi, status
from tests.support.local_http import Reply, Request, server

ROOT = Path(__file__).parents[4]
DOCUMENT = ROOT / "docs" / "client.md"


def snippets(document: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", document.read_text("utf-8"), re.DOTALL)


SNIPPETS = snippets(DOCUMENT)


@pytest.fixture
def api() -> Iterator[tuple[FakeApi, str]]:
    fake = FakeApi(status=[status(), status("complete", "The scan is complete.", **DONE)])

    def respond(request: Request) -> Reply:
        headers = {**request.headers}
        answer = fake.handle_request(
            httpx.Request(request.method, f"http://local{request.path}", headers=headers, content=request.body)
        )
        return Reply(answer.status_code, {"Content-Type": "application/json"}, answer.content)

    http = server(respond)
    thread = Thread(target=http.serve_forever)
    thread.start()
    try:
        yield fake, f"http://127.0.0.1:{http.server_port}/api"
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def printed(snippet: str, url: str) -> list[str]:
    environment = {**os.environ, "OPSCAN_API_URL": url, "OPSCAN_TOKEN": "secret"}
    done = subprocess.run(
        [sys.executable, "-c", snippet], capture_output=True, text=True, check=False, env=environment, timeout=60
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_first_snippet_scans_and_prints_what_to_do(api: tuple[FakeApi, str]) -> None:
    fake, url = api
    assert printed(SNIPPETS[0], url) == [f"buy 0.036 COIN{n}/USDT {312.5 - n} 127.4" for n in range(3)]
    assert fake.bodies("POST") == [{"symbols": ["BTC"]}]
    assert fake.paths() == ["discover", "status", "status", "results"]
    assert fake.requests[0].headers["authorization"] == "Bearer secret"


def test_snippet_of_the_readme_does_so_too(api: tuple[FakeApi, str]) -> None:
    (snippet,) = snippets(ROOT / "README.md")
    assert printed(snippet, api[1]) == [f"buy 0.036 COIN{n}/USDT 127.4" for n in range(3)]


def test_asynchronous_snippet_does_the_same(api: tuple[FakeApi, str]) -> None:
    fake, url = api
    assert printed(SNIPPETS[1], url) == [f"buy 0.036 COIN{n}/USDT 0.71" for n in range(3)]
    assert fake.bodies("POST") == [{"strategy_ids": ["funding_arbitrage"], "max_required_capital": 5_000}]


def test_snippet_about_errors_goes_on_with_a_scan_and_says_what_went_wrong(api: tuple[FakeApi, str]) -> None:
    fake, url = api
    assert printed(SNIPPETS[2], url) == ["complete"]
    gone = {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "No such scan."}
    fake.status = [httpx.Response(404, json=gone)]
    assert printed(SNIPPETS[2], url) == ["404 No such scan."]


def test_every_snippet_is_run_and_every_error_is_told() -> None:
    assert len(SNIPPETS) == 3
    text = DOCUMENT.read_text("utf-8")
    errors = [
        name
        for name in opscan.__all__
        if isinstance(kind := getattr(opscan, name), type) and issubclass(kind, Exception)
    ]
    assert all(f"`{name}`" in text for name in errors)
