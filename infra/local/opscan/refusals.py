"""What an HTTP error means to the person at the keyboard: the sentence, the next step, the exit code."""

import httpx

from opportunities.domain import Json
from opscan.errors import BadInput, NoAnswer, NotCompleted, OpscanError
from opscan.replies import mapping, text

# Where a request field comes from, so that a refusal names what the user typed.
OPTIONS = {
    "force_refresh": "--force-refresh",
    "include_strategy_recommendations": "--strategy-recommendations",
    "filter_by_risk_level": "--risk-level",
    "min_profit_potential": "--min-profit",
    "max_required_capital": "--max-capital",
    "preferred_timeframes": "--timeframe",
    "opportunity_type": "--type",
    "symbols": "--symbol",
    "asset_tiers": "--asset-tier",
    "strategy_ids": "--strategy",
    "snapshot": "--snapshot",
    "capital_usd": "--capital",
    "risk_tolerance": "--risk",
    "holdings": "--holding",
    "fees": "--fee",
}


def refusal(response: httpx.Response, *, local: bool) -> OpscanError:
    """The error that `response`, which is not a success, stands for."""
    status = response.status_code
    problem = _problem(response)
    detail = text(problem.get("detail")) or text(problem.get("message")) or text(problem.get("title"))
    if status in (400, 409, 413, 415, 422):
        return _bad_input(problem, detail)
    if status in (401, 403):
        return NoAnswer(
            f"The API does not accept the token ({status}{_because(detail)}).",
            "Leave out --token and OPSCAN_TOKEN, or run `opscan up` for a fresh one."
            if local
            else "Give a valid one with --token or OPSCAN_TOKEN.",
        )
    if status == 404 and problem.get("status") == "not_found":
        return NotCompleted(
            "The API knows no such scan for this token: the id is wrong, someone else's, or has expired.",
            "Start a new one with `opscan scan`.",
        )
    if status in (429, 503):
        return NoAnswer(f"The API is too busy to answer ({status}{_because(detail)}).", "Try again in a minute.")
    if status >= 500:
        where = "`opscan logs` shows them" if local else "their group is the deployment's output LogGroupName"
        return NoAnswer(f"The API failed inside ({status}{_because(detail)}).", f"Look at the logs: {where}.")
    return NoAnswer(
        f"{response.request.url} answers {status}, which the Opportunity Scan API does not.",
        "Check the address: it is the stack's output ApiUrl.",
    )


def _bad_input(problem: dict[str, Json], detail: str) -> BadInput:
    fields = [f"{_option(text(field))}: {text(what)}" for field, what in mapping(problem.get("errors")).items()]
    if not fields:
        return BadInput(f"The API refuses the request: {detail or 'it does not say why'}.", "See `opscan scan --help`.")
    return BadInput("\n  ".join(["The API refuses the request:", *fields]), "Correct it and run the command again.")


def _option(field: str) -> str:
    """A field of a list or an object ("preferred_timeframes.0") comes from the option of the whole."""
    return OPTIONS.get(field.partition(".")[0], field)


def _problem(response: httpx.Response) -> dict[str, Json]:
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _because(detail: str) -> str:
    return f": {detail.rstrip('.')}" if detail else ""
