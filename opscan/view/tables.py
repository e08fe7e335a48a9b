"""The investor, the catalogue and the list of scans, for reading."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from opscan.client.investor import Profile, Strategy
from opscan.client.scans import ScanSummary
from opscan.view.numbers import NOTHING, ago, money
from opscan.view.request_options import as_options

_LOOK = {"scanning": "cyan", "complete": "green", "cancelled": "yellow", "failed": "red"}


def investor_table(profile: Profile) -> RenderableType:
    """What the service knows of the caller."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column()
    grid.add_row("Capital", Text(f"{money(profile.capital_usd)} USD"))
    grid.add_row("Risk tolerance", Text(profile.risk_tolerance or NOTHING))
    grid.add_row("Holdings", Text(_pairs(profile.holdings) or "none"))
    for exchange, fees in profile.fees.items():
        taker = f"spot {_rate(fees.get('spot_taker'))}, perpetual {_rate(fees.get('perpetual_taker'))}"
        grid.add_row(Text(f"Fees {exchange}"), Text(taker))
    for title, allowed in (("Exchanges", profile.allowed_exchanges), ("Assets", profile.allowed_assets)):
        grid.add_row(title, Text(", ".join(allowed) or "any"))
    return grid


def catalogue_table(strategies: Sequence[Strategy]) -> RenderableType:
    """Every strategy with what it looks for."""
    table = Table(box=box.SIMPLE_HEAD, header_style="bold")
    for title in ("strategy", "what it does", "opportunity types", "needs"):
        table.add_column(title)
    for strategy in strategies:
        table.add_row(
            Text(strategy.strategy_id, style="bold"),
            Text(strategy.summary or strategy.name),
            Text("\n".join(strategy.opportunity_types)),
            Text("\n".join(strategy.needs), style="dim"),
        )
    return table


def scans_table(scans: Sequence[ScanSummary], now: datetime) -> RenderableType:
    """Two lines a scan and more: its id above its time, and what it was asked for above why it failed."""
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column(Text("scan").append("\ncreated", style="dim"), no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column(Text("strategies").append("\nfailed", style="dim"), justify="right", no_wrap=True)
    table.add_column("found", justify="right", no_wrap=True)
    table.add_column(Text("asked for").append("\nreason", style="dim"), overflow="fold")
    for scan in scans:
        progress = scan.progress
        table.add_row(
            Text(scan.scan_id).append(f"\n{_created(scan.created_at, now)}", style="dim"),
            Text(scan.state or NOTHING, style=_LOOK.get(scan.state, "")),
            Text(f"{progress.ended}/{progress.total}").append(f"\n{progress.failed or ''}", style="red"),
            Text(str(progress.found)),
            Text(as_options(scan.filters) or "everything").append(f"\n{scan.reason}", style="red"),
        )
    return table


def _created(moment: datetime | None, now: datetime) -> str:
    return NOTHING if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC, {ago(now - moment)}"


def _pairs(holdings: Mapping[str, float]) -> str:
    return ", ".join(f"{asset} {quantity:g}" for asset, quantity in holdings.items())


def _rate(rate: float | None) -> str:
    return NOTHING if rate is None else f"{rate:.3%}"
