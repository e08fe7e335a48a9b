"""The options that several commands share, and how their values are read."""

import math
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Annotated

import typer

from opportunities import scans
from opscan.context import Context
from opscan.errors import BadInput

_DAY = r"\d{4}-\d\d-\d\d"


def context_of(ctx: typer.Context) -> Context:
    """The real ones, unless a test has brought others."""
    return ctx.obj or Context()


def finite(value: float | None) -> float | None:
    """Refuses nan and inf, which JSON does not know."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter("it must be a finite number")
    return value


def positive(value: float | None) -> float | None:
    """Refuses 0 too, which a least value as typer knows it lets through."""
    if (amount := finite(value)) is not None and amount <= 0:
        raise typer.BadParameter("it must be above 0")
    return value


_DEPLOYMENT = "Deployment (the local stack by default)"

ApiUrl = Annotated[
    str | None,
    typer.Option(envvar="OPSCAN_API_URL", help="Address of another deployment.", rich_help_panel=_DEPLOYMENT),
]
Token = Annotated[
    str | None,
    typer.Option(envvar="OPSCAN_TOKEN", help="Access token for it.", rich_help_panel=_DEPLOYMENT, show_envvar=True),
]
Top = Annotated[int, typer.Option(min=1, help="Rows of the table.", rich_help_panel="Output")]
AsJson = Annotated[
    bool, typer.Option("--json", help="All results as one JSON document on stdout.", rich_help_panel="Output")
]
AsDocument = Annotated[
    bool, typer.Option("--json", help="The API's answer as one JSON document on stdout.", rich_help_panel="Output")
]
Timeout = Annotated[
    float, typer.Option(min=0, callback=finite, help="Seconds to wait for the scan to end.", rich_help_panel="Output")
]


def several(values: list[str] | None) -> list[str]:
    """Repeated options and comma-separated values alike."""
    return [value.strip() for given in values or [] for value in given.split(",") if value.strip()]


def several_of(choices: Iterable[str]) -> Callable[[list[str] | None], list[str]]:
    """As `several`, each one of `choices`."""
    known = [*map(str, choices)]

    def read(values: list[str] | None) -> list[str]:
        asked = [value.lower() for value in several(values)]
        for value in asked:
            if value not in known:
                raise typer.BadParameter(f"{value!r} is not one of {', '.join(known)}")
        return asked

    return read


def scan_id(value: str) -> str:
    """Refuses what is not an id, before anything is asked."""
    if not scans.is_scan_id(value):
        raise typer.BadParameter("an id is scan_ and 32 hexadecimal digits")
    return value


def username(value: str) -> str:
    """Refuses what the user pool would."""
    if not re.fullmatch(r"[\w.@+-]{1,128}", value):
        raise typer.BadParameter("a name is 1 to 128 letters, digits and _.@+-")
    return value


def moment_of(option: str, given: str) -> datetime:
    """A point in time, in UTC. ISO 8601 with its zone; a day with Z is its midnight."""
    try:
        # a day may have a zone too, which ISO 8601 does not know
        moment = datetime.fromisoformat(f"{given[:-1]}T00:00:00Z" if re.fullmatch(_DAY + "Z", given) else given)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment
    except (ValueError, OverflowError) as error:
        raise BadInput(f"{option} {given} is not a date and time.", "Give it like 2024-04-08T15:00:00Z.") from error
    if moment.tzinfo is None:
        whole = f"{given}T00:00:00Z" if re.fullmatch(_DAY, given) else f"{given}Z"
        raise BadInput(f"{option} {given} does not say its zone.", f"Give {whole} for UTC.")
    return moment


def holdings_of(values: list[str] | None) -> dict[str, float | None]:
    """BTC=0.4 as a quantity by asset; BTC=0 as None, which takes it away."""
    quantities: dict[str, float | None] = {}
    for value in several(values):
        asset, _, quantity = value.partition("=")
        quantities[asset.strip().upper()] = _amount(quantity, f"{value!r} is not like BTC=0.4") or None
    return quantities


def fees_of(values: list[str] | None) -> dict[str, dict[str, float] | None]:
    """binance=0.001/0.0005 as the taker fees of spot and perpetual by exchange; binance=default as None."""
    by_exchange: dict[str, dict[str, float] | None] = {}
    for value in several(values):
        exchange, _, both = value.partition("=")
        if both == "default":
            by_exchange[exchange.strip().lower()] = None
            continue
        spot, _, perpetual = both.partition("/")
        wrong = f"{value!r} is not like binance=0.001/0.0005"
        by_exchange[exchange.strip().lower()] = {
            "spot_taker": _amount(spot, wrong),
            "perpetual_taker": _amount(perpetual, wrong),
        }
    return by_exchange


def allowed(values: list[str] | None) -> list[str] | None:
    """The names given; the word "any" as an empty list, which allows all, and nothing as None."""
    names = several(values)
    return None if not names else [] if names == ["any"] else names


def _amount(given: str, wrong: str) -> float:
    try:
        amount = float(given)
    except ValueError:
        raise typer.BadParameter(wrong) from None
    if not math.isfinite(amount):
        raise typer.BadParameter(wrong)
    return amount
