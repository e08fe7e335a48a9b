"""The environments of what the local stack starts: whatever lies in the caller's, nothing in these reaches real AWS."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from infra.local.stack.places import SAM_HOME

REGION = "us-east-1"
# MiniStack takes these for the account's root. They mean nothing to AWS.
ACCESS_KEY_ID = "test"
SECRET_ACCESS_KEY = "test"  # noqa: S105

_NEVER_PASSED_ON = ("AWS_", "BOTO_", "SAM_", "__SAM_")
_LOOPBACK = ("127.0.0.1", "localhost")


def for_tools(endpoint_url: str, inherited: Mapping[str, str] | None = None) -> dict[str, str]:
    """The caller's environment (pip needs its proxies and certificates), bound to the emulator."""
    inherited = os.environ if inherited is None else inherited
    kept = {name: value for name, value in inherited.items() if not name.upper().startswith(_NEVER_PASSED_ON)}
    # a proxy must not see what is meant for the emulator; both spellings are in use
    bypassed = ",".join([*filter(None, [kept.get("no_proxy") or kept.get("NO_PROXY")]), *_LOOPBACK])
    return kept | {
        "NO_PROXY": bypassed,
        "no_proxy": bypassed,
        # sam builds with the python3.13 and the pip that stand first here: the project's own
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)]),
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        **_NO_CONFIGURATION,
        "SAM_CLI_TELEMETRY": "0",
        "__SAM_CLI_APP_DIR": str(SAM_HOME),
    }


def for_emulator(port: int, tmp: Path) -> dict[str, str]:
    """A bare environment: MiniStack hands it on to every Lambda."""
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "HOME": str(tmp),
        "TMPDIR": str(tmp),
        "STATE_DIR": str(tmp / "state"),  # or the keys that sign tokens lie in /tmp, for everybody to read
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "AUTH": "true",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # Lambdas must not look for containers: the workers are processes
        "DOCKER_HOST": f"unix://{tmp}/no-docker.sock",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        **_NO_CONFIGURATION,
    }


@contextmanager
def applied(environment: Mapping[str, str]) -> Iterator[None]:
    """Replaces this process' environment for a moment; botocore reads it when it makes a client."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


_NO_CONFIGURATION = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
