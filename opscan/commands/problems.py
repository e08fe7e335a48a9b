"""What an error of the API means to the person at the keyboard: the sentence, the next step, the exit code."""

from opscan.client.errors import (
    ApiError,
    Conflict,
    InvalidRequest,
    NotFound,
    RequestTimeout,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UnexpectedAnswer,
    Unreachable,
)
from opscan.context import Target
from opscan.errors import BadInput, NoAnswer, NotCompleted, OpscanError, WrongState
from opscan.view.request_options import option_of

_CHECK_ADDRESS = "Check the address: it is the stack's output ApiUrl."


def problem(error: ApiError, target: Target) -> OpscanError:
    """The error of the command line that `error` is."""
    match error:
        case InvalidRequest():
            return _bad_input(error)
        case Unauthorized():
            return NoAnswer(
                f"The API does not accept the token ({_said(error)}).",
                "Leave out --token and OPSCAN_TOKEN, or take a fresh one: `opscan token NAME`."
                if target.local
                else "Give a valid one with --token or OPSCAN_TOKEN.",
            )
        case NotFound():
            return NotCompleted(
                "The API knows no such scan for this token: the id is wrong, someone else's, deleted, or has expired.",
                f"{target.command('list')} shows yours, {target.command('scan')} starts a new one.",
            )
        case Conflict():
            what = error.detail or "The scan is not in a state for this."
            return WrongState(what, f"See it in {target.command('list')}.")
        case _:
            return _no_answer(error, target)


def _no_answer(error: ApiError, target: Target) -> NoAnswer:
    """Where the API is busy or broken, nobody answered, or somebody else did."""
    match error:
        case TooManyRequests() | Unavailable(status_code=503):
            return NoAnswer(f"The API is too busy to answer ({_said(error)}).", "Try again in a minute.")
        case Unavailable():
            where = (
                "`opscan logs` shows them" if target.local else "their group is the deployment's output LogGroupName"
            )
            return NoAnswer(f"The API failed inside ({_said(error)}).", f"Look at the logs: {where}.")
        case RequestTimeout():
            return NoAnswer(
                str(error), "It may be busy: run the command again; a scan that was started after all is joined."
            )
        case Unreachable():
            return NoAnswer(
                str(error),
                "Run `opscan up` to start the local stack." if target.local else "Check --api-url and the network.",
            )
        case UnexpectedAnswer(status_code=int(status)):
            return NoAnswer(f"{target.url} answers {status}, which the Opportunity Scan API does not.", _CHECK_ADDRESS)
        case _:
            return NoAnswer(str(error), _CHECK_ADDRESS)


def _bad_input(error: InvalidRequest) -> BadInput:
    fields = [f"{option_of(field)}: {what}" for field, what in error.fields.items()]
    if not fields:
        what = f"The API refuses the request: {error.detail or 'it does not say why'}."
        return BadInput(what, "See what the command takes with --help.")
    return BadInput("\n  ".join(["The API refuses the request:", *fields]), "Correct it and run the command again.")


def _said(error: ApiError) -> str:
    """The status code, and what the API said beside it."""
    return f"{error.status_code}: {error.detail.rstrip('.')}" if error.detail else f"{error.status_code}"
