"""Everything that a person sees of results: the warning, the tables, what they mean, and what stands under them."""

from datetime import datetime

from rich.text import Text

from opscan.client.opportunity import RISK_REDUCTION
from opscan.client.results import Results
from opscan.view.console import results_console
from opscan.view.market import warning_of
from opscan.view.opportunities import legend_of, table_of
from opscan.view.summary import summary_of


def show(results: Results, now: datetime, *, local: bool) -> None:
    """Prints it; `local` where the scan ran on the local stack, whose logs are at hand."""
    console = results_console()
    console.print()
    if warning := warning_of(results):
        console.print(Text(warning, style="bold yellow"))
        console.print()
    reductions = tuple(found for found in results if found.purpose == RISK_REDUCTION)
    profits = tuple(found for found in results if found.purpose != RISK_REDUCTION)
    if not len(results):
        console.print(
            "No strategy could judge this market." if results.unjudged else "No opportunity met the conditions."
        )
        console.print()
    for title, found in (("Profits", profits), ("Risk reductions: what they save is no profit", reductions)):
        if found:
            console.print(Text(title, style="bold"))
            console.print(table_of(found, console.width))
            console.print()
    if len(results):
        console.print(legend_of(results.opportunities))
        console.print()
    console.print(summary_of(results, now, local=local))
