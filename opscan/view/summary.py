"""What stands under the table: which market it was, what is missing and why, what to do next."""

from collections.abc import Iterator
from datetime import datetime

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from opscan.client.results import Results
from opscan.view.hints import hints_on
from opscan.view.market import market_of
from opscan.view.numbers import many, money
from opscan.view.request_options import as_options
from opscan.view.strategies import explained


def summary_of(results: Results, now: datetime, *, local: bool = False) -> RenderableType:
    """Label and sentence, line by line; `local` where the scan ran on the local stack, whose logs are at hand."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(ratio=1)
    for label, sentence, style in _lines(results, now, local=local):
        grid.add_row(label, Text(sentence, style=style))
    return grid


def _lines(results: Results, now: datetime, *, local: bool) -> list[tuple[str, str, str]]:
    shown = len(results.opportunities)
    ran = f" in {results.seconds:.1f} s" if results.seconds is not None else ""
    lines = [("Found", f"{_found(results)}{ran}, {shown} shown here", "")]
    if shown < results.total:
        lines.append(("", f"--top {results.total} shows them all, --json gives them to a machine", "dim"))
    lines += _totals(results)
    lines += [("Unknown", f"{symbol}: this market has no such symbol", "yellow") for symbol in results.market.unknown]
    if asked := as_options(results.filters):
        lines.append(("Asked for", asked, ""))
    lines.append(("Market", market_of(results, now), ""))
    lines += [("Confidence", _said(strategy, f"from the {name}"), "") for strategy, name in _statistics(results)]
    lines += [("Assumed", _said(name, what), "") for name, what in results.market.assumptions]
    lines += [("Missing", _said(name, what), "yellow") for name, what in results.market.missing]
    lines += [("Excluded", _said(reason, many(number, "market")), "dim") for reason, number in results.market.excluded]
    for strategy in results.strategies:
        if strategy.status == "failed":
            lines.append(
                ("Failed", _said(strategy.strategy_id, explained(strategy, local=local) or "no reason given"), "red")
            )
    lines += [("Skipped", _said(names, reason), "yellow") for reason, names in _skipped(results)]
    for name, cut in results.truncated.items():
        lines.append(("Cut off", f"{name}: {cut:g} more {'was' if cut == 1 else 'were'} found and not kept", "yellow"))
    lines += [("Advice", sentence, "") for sentence in hints_on(results)]
    previous = ""
    labelled = []
    for label, sentence, style in lines:
        labelled.append(("" if label == previous else label, sentence, style))
        previous = label
    return labelled


def _totals(results: Results) -> Iterator[tuple[str, str, str]]:
    """Profits and what risk reductions save, apart; a sum of nothing is left out."""
    if not results.total:
        return
    profit, saved = results.total_profit_potential_usd, results.total_risk_reduction_usd
    if profit is not None and (profit or not saved):
        said = f"{money(profit)} USD if every target is reached, whatever capital it takes; no trade twice"
        yield "Profit", said, ""
    if saved:
        yield "Saves", f"{money(saved)} USD of risk; that is no profit, and in no sum of profits", ""


def _found(results: Results) -> str:
    finders, ran = sum(strategy.opportunities > 0 for strategy in results.strategies), len(results.strategies)
    by = many(ran, "strategy", "strategies")
    return f"{results.total} by {by if finders == ran else f'{finders} of {by}'}"


def _skipped(results: Results) -> Iterator[tuple[str, str]]:
    """Each reason with all the strategies that gave it: a profile that excludes the market is a reason of all."""
    by_reason: dict[str, list[str]] = {}
    for strategy in results.strategies:
        if strategy.status == "skipped":
            by_reason.setdefault(strategy.reason or "no reason given", []).append(strategy.strategy_id)
    for reason, names in by_reason.items():
        everyone = len(names) > 1 and len(names) == len(results.strategies)
        yield reason, f"all {len(names)} strategies" if everyone else ", ".join(names)


def _statistics(results: Results) -> list[tuple[str, str]]:
    named = ((found.strategy_id, found.evidence.statistic) for found in results.opportunities)
    return list(dict.fromkeys((strategy, statistic) for strategy, statistic in named if statistic))


def _said(name: str, what: str) -> str:
    return f"{name}: {what}" if name and what else name or what
