"""`opscan profile`: the investor that the strategies reckon with, shown and changed."""

# ruff: noqa: PLC0415 - httpx is for the commands that use it; --help must not wait for it
from typing import Annotated

import typer
from typer import Option

from opportunities.domain import Json, RiskTolerance
from opscan.commands.options import ApiUrl, AsDocument, Token, allowed, context_of, fees_of, holdings_of, positive

app = typer.Typer(help="The investor that the strategies reckon with.", invoke_without_command=True)


@app.callback()
def show(ctx: typer.Context, *, as_json: AsDocument = False, api_url: ApiUrl = None, token: Token = None) -> None:
    """Show the investor that the strategies reckon with; `opscan profile set` changes it."""
    from opscan import deployment
    from opscan.commands import scan

    if ctx.invoked_subcommand is None:
        context = context_of(ctx)
        scan.show_profile(deployment.target(api_url, token, context), context, as_json=as_json)
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
    from opscan.commands import scan

    given: dict[str, Json] = {
        "capital_usd": capital,
        "risk_tolerance": risk and risk.value,
        "holdings": {**holdings_of(holding)},
        "fees": {**fees_of(fee)},
        "allowed_exchanges": allowed(exchanges),
        "allowed_assets": allowed(assets),
    }
    changes = {name: value for name, value in given.items() if value not in (None, {})}
    if not changes:
        raise typer.BadParameter("name at least one thing to change; --help lists them")
    context = context_of(ctx)
    scan.set_profile(changes, deployment.target(api_url, token, context), context, as_json=as_json)
