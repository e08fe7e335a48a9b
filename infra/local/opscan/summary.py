"""What stands under the table: which market it was, what is missing and why, what to do next."""

from datetime import datetime, timedelta

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from opscan.results import Market, Results


def summary_of(results: Results, now: datetime) -> RenderableType:
    """Label and sentence, line by line."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(ratio=1)
    for label, sentence, style in _lines(results, now):
        grid.add_row(label, Text(sentence, style=style))
    return grid


def _lines(results: Results, now: datetime) -> list[tuple[str, str, str]]:
    shown = len(results.opportunities)
    ran = f" in {results.seconds:.1f} s" if results.seconds is not None else ""
    lines = [("Found", f"{results.total} by {len(results.strategies)} strategies{ran}, {shown} shown here", "")]
    if shown < results.total:
        lines.append(("", f"--top {results.total} shows them all, --json gives them to a machine", "dim"))
    lines.append(("Market", _market(results.market, now), ""))
    lines += [("Confidence", _said(strategy, f"from the {name}"), "") for strategy, name in _statistics(results)]
    lines += [("Assumed", _said(name, what), "") for name, what in results.market.assumptions]
    lines += [("Missing", _said(name, what), "yellow") for name, what in results.market.missing]
    lines += [("Excluded", _said(reason, f"{many} markets"), "dim") for reason, many in results.market.excluded]
    for strategy in results.strategies:
        if strategy.status == "failed":
            lines.append(("Failed", _said(strategy.name, strategy.reason or "no reason given"), "red"))
        elif strategy.status == "skipped":
            lines.append(("Skipped", _said(strategy.name, strategy.reason or "no reason given"), "yellow"))
    lines += [("Cut off", f"{name}: {cut} more were found and not kept", "yellow") for name, cut in results.truncated]
    for advice in results.recommendations:
        why = f" ({advice.reason})" if advice.reason else ""
        lines.append(("Advice", _said(advice.name, f"{advice.benefit}{why}"), ""))
    previous = ""
    labelled = []
    for label, sentence, style in lines:
        labelled.append(("" if label == previous else label, sentence, style))
        previous = label
    return labelled


def _statistics(results: Results) -> list[tuple[str, str]]:
    named = ((found.strategy, found.confidence.statistic) for found in results.opportunities)
    return list(dict.fromkeys((strategy, statistic) for strategy, statistic in named if statistic))


def _market(market: Market, now: datetime) -> str:
    captured = "when is not said"
    if market.captured_at is not None:
        captured = f"captured {market.captured_at:%Y-%m-%d %H:%M:%S} UTC ({_ago(now - market.captured_at)})"
    assets = f", {market.assets} assets" if market.assets else ""
    return f"{market.source or 'source not said'}, {captured}{assets}"


def _ago(age: timedelta) -> str:
    seconds = max(0.0, age.total_seconds())
    units = ((86_400, "days"), (3_600, "hours"), (60, "minutes"))
    size, unit = next(((size, unit) for size, unit in units if seconds >= 2 * size), (1, "seconds"))
    return f"{seconds / size:.0f} {unit} ago"


def _said(name: str, what: str) -> str:
    return f"{name}: {what}" if name and what else name or what
