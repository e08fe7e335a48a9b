"""`opscan scan` and `follow`: start a scan or join one, see it through, show what it found."""

# ruff: noqa: PLC0415 - httpx and rich's parts are for the commands that use them; --help must not wait for them
from typing import Annotated

import typer
from typer import Option

from opportunities.domain import AssetTier, RiskLevel, Timeframe
from opscan.commands import options
from opscan.commands.options import (
    ApiUrl,
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

_FILTERS = "What to look for"


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
    from opscan.client.requests import ScanFields
    from opscan.commands import pinning
    from opscan.commands.following import Following

    context = context_of(ctx)
    recorded = pinning.recorded(snapshot, on_local_stack=not api_url) if snapshot else None
    target = deployment.target(api_url, token, context, steps_on(progress_console(on_stderr=as_json)))
    request = ScanFields(
        strategy_ids=strategy or [],
        symbols=symbol or [],
        asset_tiers=asset_tier or [],
        opportunity_type=opportunity_type or [],
        preferred_timeframes=timeframe or [],
        filter_by_risk_level=risk_level and risk_level.value,
        min_profit_potential=min_profit,
        max_required_capital=max_capital,
        snapshot=pinning.brought(recorded, context) if recorded else None,
        force_refresh=force_refresh,
        include_strategy_recommendations=strategy_recommendations,
    )
    Following(target, context, top=top, as_json=as_json, timeout=timeout).start(request)


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
    from opscan.commands.following import Following

    context = context_of(ctx)
    target = deployment.target(api_url, token, context)
    Following(target, context, top=top, as_json=as_json, timeout=timeout).join(scan_id)
