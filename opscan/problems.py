"""What an HTTP error means to the person at the keyboard: the sentence, the next step, the exit code."""

import httpx

from opportunities.domain import Json
from opscan.commands.request_options import option_of
from opscan.context import Target
from opscan.errors import BadInput, NoAnswer, NotCompleted, OpscanError, WrongState
from opscan.responses import mapping, text


def refusal(response: httpx.Response, target: Target) -> OpscanError:
    """The error that `response`, which is not a success, stands for."""
    status = response.status_code
    problem = _problem(response)
    detail = text(problem.get("detail")) or text(problem.get("message")) or text(problem.get("title"))
    if status in (400, 413, 415, 422):
        return _bad_input(problem, detail)
    if status in (401, 403):
        return NoAnswer(
            f"The API does not accept the token ({status}{_because(detail)}).",
            "Leave out --token and OPSCAN_TOKEN, or take a fresh one: `opscan token NAME`."
            if target.local
            else "Give a valid one with --token or OPSCAN_TOKEN.",
        )
    if status == 409 or (status == 404 and problem.get("status") == "not_found"):
        return _about_the_scan(status, detail, target)
    if status in (429, 503):
        return NoAnswer(f"The API is too busy to answer ({status}{_because(detail)}).", "Try again in a minute.")
    if status >= 500:
        where = "`opscan logs` shows them" if target.local else "their group is the deployment's output LogGroupName"
        return NoAnswer(f"The API failed inside ({status}{_because(detail)}).", f"Look at the logs: {where}.")
    return NoAnswer(
        f"{response.request.url} answers {status}, which the Opportunity Scan API does not.",
        "Check the address: it is the stack's output ApiUrl.",
    )


def _about_the_scan(status: int, detail: str, target: Target) -> OpscanError:
    if status == 409:
        return WrongState(detail or "The scan is not in a state for this.", f"See it in {target.command('list')}.")
    return NotCompleted(
        "The API knows no such scan for this token: the id is wrong, someone else's, deleted, or has expired.",
        f"{target.command('list')} shows yours, {target.command('scan')} starts a new one.",
    )


def _bad_input(problem: dict[str, Json], detail: str) -> BadInput:
    fields = [f"{option_of(text(field))}: {text(what)}" for field, what in mapping(problem.get("errors")).items()]
    if not fields:
        what = f"The API refuses the request: {detail or 'it does not say why'}."
        return BadInput(what, "See what the command takes with --help.")
    return BadInput("\n  ".join(["The API refuses the request:", *fields]), "Correct it and run the command again.")


def _problem(response: httpx.Response) -> dict[str, Json]:
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _because(detail: str) -> str:
    return f": {detail.rstrip('.')}" if detail else ""
