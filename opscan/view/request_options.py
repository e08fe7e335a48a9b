"""Request fields as the options that they come from, so that what is said names what a person types."""

from collections.abc import Mapping

from opportunities.domain import Json
from opscan.client.values import items, number, text

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
    "allowed_exchanges": "--allow-exchange",
    "allowed_assets": "--allow-asset",
    "limit": "--limit",
    "status": "--status",
    "created_after": "--created-after",
    "created_before": "--created-before",
}


def option_of(field: str) -> str:
    """A field of a list or an object ("preferred_timeframes.0") comes from the option of the whole."""
    return OPTIONS.get(field.partition(".")[0], field)


def as_options(filters: Mapping[str, Json]) -> str:
    """What a scan was asked for, as `opscan scan` takes it; empty for everything."""
    return " ".join(_option(option_of(text(field)), value) for field, value in filters.items())


def _option(name: str, value: Json) -> str:
    if isinstance(value, bool):
        return name if value else f"--no-{name.removeprefix('--')}"
    return f"{name} {','.join(map(_given, items(value))) if isinstance(value, list) else _given(value)}"


def _given(value: Json) -> str:
    amount = number(value)
    return text(value) if amount is None else f"{amount:.15g}"
