"""Which deployment a command talks to: the one it was given, or the local stack."""

import re
from urllib.parse import urlsplit

import typer

from opscan.context import Context, RunningStack, Steps, Target
from opscan.errors import BadInput, NoAnswer

_ELSEWHERE = ", or name a deployment with --api-url and --token"


def target(api_url: str | None, token: str | None, context: Context, steps: Steps | None = None) -> Target:
    """Where to call, and as whom. A local stack that is down is started where there are `steps` to tell of it."""
    token = _token(token)
    if api_url:
        return _remote(api_url, token)
    running = _started(context, steps) if steps else running_stack(context, _ELSEWHERE)
    return Target(running.api_url.rstrip("/"), token or running.token, local=True)


def running_stack(context: Context, otherwise: str = "") -> RunningStack:
    """The local stack, that must be up; `otherwise` is what the command could do without it."""
    running = context.stack().load()
    if running is None:
        raise NoAnswer("The local stack is not up.", f"Run `opscan up` to start it{otherwise}.")
    return running


def _started(context: Context, steps: Steps) -> RunningStack:
    running = context.stack().load()
    if running is None:
        return context.stack().up(steps)
    if not running.is_current:
        typer.echo("The stack was deployed from other sources: run `make up` to bring in your changes.", err=True)
    return running


def _remote(url: str, token: str) -> Target:
    if not _is_address(url):
        raise BadInput(
            f"--api-url {url!r} is not the address of an API.", "It looks like https://host or https://host/stage."
        )
    if not token:
        raise BadInput("--api-url needs a token.", "Give it with --token or in OPSCAN_TOKEN.")
    return Target(url.rstrip("/"), token, local=False)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port  # reading it is what checks it
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query and not parts.fragment


def _token(token: str | None) -> str:
    """The one that was given, without what a shell left around it; empty where none was."""
    token = (token or "").strip()
    if not re.fullmatch(r"[!-~]*", token):
        raise BadInput("The token has characters that no token has.", "Check --token or OPSCAN_TOKEN.")
    return token
