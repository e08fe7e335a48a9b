"""`opscan profile`: the investor that the strategies reckon with, shown and changed."""

# ruff: noqa: PLC0415 - httpx is for the commands that use it; --help must not wait for it
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from opportunities.domain import RiskTolerance
from opscan.client.requests import ProfileFields
from opscan.commands.options import ApiUrl, AsDocument, Token, allowed, context_of, fees_of, holdings_of, positive

if TYPE_CHECKING:
    from opscan.client.investor import Profile

app = typer.Typer(help="The investor that the strategies reckon with.", invoke_without_command=True)


@app.callback()
def show(ctx: typer.Context, *, as_json: AsDocument = False, api_url: ApiUrl = None, token: Token = None) -> None:
    """Show the investor that the strategies reckon with; `opscan profile set` changes it."""
    from opscan import deployment
    from opscan.commands.calling import calling

    if ctx.invoked_subcommand is None:
        context = context_of(ctx)
        with calling(deployment.target(api_url, token, context), context) as client:
            _print(client.profile(), as_json=as_json)
        return
    for name in ("as_json", "api_url", "token"):
        source = ctx.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(f"write --json, --api-url and --token after `{ctx.invoked_subcommand}`")


@app.command("set")
def set_profile(
    ctx: typer.Context,
    *,
    capital: Annotated[float | None, Option(callback=positive, help="USD, above 0.")] = None,
    risk: Annotated[RiskTolerance | None, Option(help="Risk tolerance.")] = None,
    holding: Annotated[list[str] | None, Option(help="BTC=0.4; BTC=0 takes it away.")] = None,
    fee: Annotated[
        list[str] | None,
        Option(help="Taker fees: binance=0.001/0.0005 (spot/perpetual), binance=default."),
    ] = None,
    exchanges: Annotated[
        list[str] | None, Option("--allow-exchange", help="Trade on these only; any lifts the limit.")
    ] = None,
    assets: Annotated[
        list[str] | None, Option("--allow-asset", help="Trade in these only; any lifts the limit.")
    ] = None,
    as_json: AsDocument = False,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """Change the investor; what is not named stays as it was."""
    from opscan import deployment
    from opscan.commands.calling import calling

    holdings, fees = holdings_of(holding), fees_of(fee)
    changes = ProfileFields()
    if capital is not None:
        changes["capital_usd"] = capital
    if risk is not None:
        changes["risk_tolerance"] = risk.value
    if (names := allowed(exchanges)) is not None:
        changes["allowed_exchanges"] = names
    if (names := allowed(assets)) is not None:
        changes["allowed_assets"] = names
    if not (changes or holdings or fees):
        raise typer.BadParameter("name at least one thing to change; --help lists them")
    context = context_of(ctx)
    with calling(deployment.target(api_url, token, context), context) as client:
        stored = client.profile()
        changes["holdings"] = _merged(stored.holdings, holdings)
        changes["fees"] = _merged(
            stored.fees,
            {exchange: rates and {**stored.fees.get(exchange, {}), **rates} for exchange, rates in fees.items()},
        )
        _print(client.put_profile(**stored.fields | changes), as_json=as_json)


def _merged[Value](stored: Mapping[str, Value], changes: Mapping[str, Value | None]) -> dict[str, Value]:
    """What is changed to None goes away."""
    return {name: value for name, value in {**stored, **changes}.items() if value is not None}


def _print(profile: "Profile", *, as_json: bool) -> None:
    from opscan.commands.calling import print_document
    from opscan.view.console import results_console
    from opscan.view.tables import investor_table

    if as_json:
        print_document(profile.document)
    else:
        results_console().print(investor_table(profile))
