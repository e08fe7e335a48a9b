"""`opscan`: the command line. Options in, one call of what does it."""

# ruff: noqa: PLC0415 - httpx and numpy are for the commands that use them; --help must not wait for them
from typing import Annotated

import typer
from typer import Option

from opportunities.domain import AssetTier, Json, RiskLevel, Timeframe
from opscan.commands import history, logs, options, profile, snapshots
from opscan.commands.exit_codes import Polite
from opscan.commands.options import (
    ApiUrl,
    AsDocument,
    AsJson,
    Timeout,
    Token,
    Top,
    context_of,
    finite,
    several,
    several_of,
)
from opscan.view.console import progress_console, steps_on

_EXIT_CODES = """
Exit codes: 0 done; 1 the scan failed, was cancelled, is not known or not in a state for it; 2 wrong options or input;
3 no answer (unreachable, not authorised, not done within --timeout); 130 interrupted.
"""


app = typer.Typer(
    cls=Polite,
    no_args_is_help=True,
    help="Crypto opportunity scans.",
    epilog=_EXIT_CODES,
    pretty_exceptions_enable=False,
)
app.add_typer(profile.app, name="profile")
app.add_typer(snapshots.app, name="snapshot")
app.command("logs")(logs.show)

_FILTERS = "What to look for"


@app.command(epilog=_EXIT_CODES)
def scan(
    ctx: typer.Context,
    *,
    strategy: Annotated[
        list[str] | None,
        Option(callback=several, help="Run only this one (see `opscan strategies`).", rich_help_panel=_FILTERS),
    ] = None,
    symbol: Annotated[
        list[str] | None, Option(callback=several, help="BTC, BTC/USDT or BTC/USDT:USDT.", rich_help_panel=_FILTERS)
    ] = None,
    asset_tier: Annotated[
        list[str] | None,
        Option(callback=several_of(AssetTier), help=", ".join(AssetTier), rich_help_panel=_FILTERS),
    ] = None,
    opportunity_type: Annotated[
        list[str] | None,
        Option("--type", callback=several, help="As `opscan strategies` lists them.", rich_help_panel=_FILTERS),
    ] = None,
    timeframe: Annotated[
        list[str] | None,
        Option(callback=several_of(Timeframe), help=", ".join(Timeframe), rich_help_panel=_FILTERS),
    ] = None,
    risk_level: Annotated[RiskLevel | None, Option(help="This level only.", rich_help_panel=_FILTERS)] = None,
    min_profit: Annotated[
        float | None, Option(min=0, callback=finite, help="Least profit, USD.", rich_help_panel=_FILTERS)
    ] = None,
    max_capital: Annotated[
        float | None, Option(min=0, callback=finite, help="Most capital needed, USD.", rich_help_panel=_FILTERS)
    ] = None,
    snapshot: Annotated[
        str | None,
        Option(metavar="FILE|NAME", help="Scan this recorded market instead of today's.", rich_help_panel=_FILTERS),
    ] = None,
    force_refresh: Annotated[
        bool, Option("--force-refresh", help="A new scan, even if an identical one exists.")
    ] = False,
    strategy_recommendations: Annotated[bool, Option(help="Whether to ask for recommendations.")] = True,
    top: Top = 15,
    as_json: AsJson = False,
    timeout: Timeout = 150,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """Scan the market and show the best opportunities.

    Lists: repeat the option, or use commas. Without --api-url it is the local stack, started if it is down.
    """
    from opscan import deployment
    from opscan.commands import pinning, scan

    given: dict[str, Json] = {
        "strategy_ids": [*(strategy or [])],
        "symbols": [*(symbol or [])],
        "asset_tiers": [*(asset_tier or [])],
        "opportunity_type": [*(opportunity_type or [])],
        "preferred_timeframes": [*(timeframe or [])],
        "filter_by_risk_level": risk_level and risk_level.value,
        "min_profit_potential": min_profit,
        "max_required_capital": max_capital,
        "force_refresh": force_refresh,
        "include_strategy_recommendations": strategy_recommendations,
    }
    request = {name: value for name, value in given.items() if value not in (None, [])}
    context = context_of(ctx)
    recorded = pinning.recorded(snapshot, on_local_stack=not api_url) if snapshot else None
    target = deployment.target(api_url, token, context, steps_on(progress_console(on_stderr=as_json)))
    if recorded:
        request["snapshot"] = pinning.brought(recorded, context)
    scan.scan(request, target, context, top=top, as_json=as_json, timeout=timeout)


@app.command(epilog=_EXIT_CODES)
def follow(
    ctx: typer.Context,
    scan_id: Annotated[str, typer.Argument(help="As `opscan scan` named it.", callback=options.scan_id)],
    *,
    top: Top = 15,
    as_json: AsJson = False,
    timeout: Timeout = 150,
    api_url: ApiUrl = None,
    token: Token = None,
) -> None:
    """See a scan through that was started before, and show its results."""
    from opscan import deployment
    from opscan.commands import scan

    context = context_of(ctx)
    target = deployment.target(api_url, token, context)
    scan.join(scan_id, target, context, top=top, as_json=as_json, timeout=timeout)


app.command("list")(history.show)
app.command()(history.cancel)
app.command()(history.delete)


@app.command()
def strategies(ctx: typer.Context, *, as_json: AsDocument = False, api_url: ApiUrl = None, token: Token = None) -> None:
    """List the strategies: what they look for and what they need."""
    from opscan import deployment
    from opscan.commands import scan

    context = context_of(ctx)
    scan.show_strategies(deployment.target(api_url, token, context), context, as_json=as_json)


@app.command()
def up(ctx: typer.Context) -> None:
    """Start the local stack, or deploy anew to the one that runs."""
    from opscan.commands import local

    local.up(context_of(ctx), steps_on(progress_console(on_stderr=True)))


@app.command()
def down(ctx: typer.Context) -> None:
    """End the local stack and everything in it."""
    from opscan.commands import local

    local.down(context_of(ctx), steps_on(progress_console(on_stderr=True)))


@app.command()
def token(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Made if there is no such user.", callback=options.username)],
) -> None:
    """Print a token of another user of the local stack, for OPSCAN_TOKEN or curl."""
    from opscan.commands import local

    local.token(name, context_of(ctx))


@app.command()
def status(ctx: typer.Context) -> None:
    """Tell whether the local stack is up, and how to call it."""
    from opscan.commands import local

    local.status(context_of(ctx))
