"""The best opportunities as tables, stacked so that all of their numbers fit into 80 columns.

What to do stands first. Profits and risk reductions have a table each: what a hedge saves is no profit.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rich import box
from rich.console import JustifyMethod
from rich.table import Table
from rich.text import Text

from opscan.client.opportunity import RISK_REDUCTION, Opportunity
from opscan.view.numbers import NOTHING, confidence, duration, money, price

NORMAL = 100
WIDE = 130
_RISK = {"low": "green", "medium": "yellow", "high": "red", "very_high": "bold red"}

type Cell = Callable[[Opportunity], Text]


@dataclass(frozen=True)
class Column:
    """One column: titled cells, one below the other."""

    lines: tuple[tuple[str, Cell], ...]
    justify: JustifyMethod = "left"


def statistic(found: Opportunity) -> str:
    """The statistic behind the confidence, as in "2.31, n=512"; its name stands in the summary."""
    behind = found.evidence
    if behind.value is None:
        return NOTHING
    value = f"{behind.value:.3g}" if abs(behind.value) >= 1e-3 or behind.value == 0 else f"{behind.value:.0e}"
    return value + (f", n={behind.n}" if behind.n else "")


def stop(found: Opportunity) -> str:
    """Where the trade is given up: a price, or as in "z 4.5 or 12 h"."""
    behind = found.stop
    if behind is None:
        return NOTHING
    if behind.price is not None:
        return price(behind.price)
    level = "" if behind.level is None else f"{behind.name} {behind.level:.3g}"
    return " or ".join(filter(None, (level, "" if behind.hours is None else duration(behind.hours))))


def _plain(said: Callable[[Opportunity], str], style: str = "") -> Cell:
    return lambda found: Text(said(found) or NOTHING, style=style)


def _kind(found: Opportunity) -> str:
    """The type, where it says more than the strategy's name, and where to trade."""
    kind = "" if found.opportunity_type == found.strategy_id else found.opportunity_type
    return ", ".join(filter(None, (kind, found.exchange)))


def _horizon(found: Opportunity) -> str:
    return duration(found.horizon_hours) if found.horizon_hours else found.estimated_timeframe


def _money(amount: Callable[[Opportunity], float | None], style: str = "") -> Cell:
    return lambda found: Text(money(amount(found)), style=style)


def _profit(found: Opportunity) -> Text:
    """Green where a gain is expected; a target that is seldom reached is none."""
    pays = (found.expected_value_usd or 0) > 0 and (found.profit_potential_usd or 0) > 0
    return Text(money(found.profit_potential_usd), style="green" if pays else "")


def _expected(found: Opportunity) -> Text:
    value = found.expected_value_usd
    return Text(money(value), style="red" if value is not None and value < 0 else "")


def _max_loss(found: Opportunity) -> Text:
    return Text("unlimited", style="bold red") if found.unlimited_loss else Text(money(found.max_loss_usd))


def _risk(found: Opportunity) -> Text:
    return Text(found.risk_level or NOTHING, style=_RISK.get(found.risk_level, ""))


_ACTION = ("what to do", _plain(lambda found: found.action or found.symbol, "bold"))
_STRATEGY = (
    ("strategy", _plain(lambda found: found.strategy_id)),
    ("type, exchange", _plain(_kind, "dim")),
)
_PRICES = Column(
    (
        ("entry", _plain(lambda found: price(found.entry_price))),
        ("exit", _plain(lambda found: price(found.exit_price))),
        ("stop", _plain(stop)),
    ),
    "right",
)
_MAX_LOSS = ("max loss $", _max_loss)
_PROFITS = Column((("profit $", _profit), ("EV $", _expected), _MAX_LOSS), "right")
_SAVINGS = Column((("saves $", _money(lambda found: found.risk_reduction_usd)), _MAX_LOSS), "right")
_CONFIDENCE = (
    ("confidence", _plain(lambda found: confidence(found.confidence_score))),
    ("statistic", _plain(statistic, "dim")),
)
_RISK_LEVEL = ("risk", _risk)
_HORIZON = ("horizon", _plain(_horizon))
_CAPITAL = (
    ("capital $", _money(lambda found: found.required_capital_usd)),
    ("fees $", _money(lambda found: found.fees_usd, "dim")),
)
_EXTRA = Column(
    (
        ("tier", _plain(lambda found: found.asset_tier)),
        ("rank score", _plain(lambda found: price(found.score), "dim")),
        ("slippage $", _money(lambda found: found.slippage_usd, "dim")),
    )
)


def _columns(width: int, outcome: Column) -> tuple[Column, ...]:
    """The columns for a console of `width`; `outcome` is what may come of it."""
    names = (Column((_ACTION,)), Column(_STRATEGY)) if width >= WIDE else (Column((_ACTION, *_STRATEGY)),)
    judged = (
        (Column(_CONFIDENCE, "right"), Column((_RISK_LEVEL, _HORIZON)), Column(_CAPITAL, "right"))
        if width >= NORMAL
        else (Column((*_CONFIDENCE, _RISK_LEVEL), "right"), Column((*_CAPITAL, _HORIZON), "right"))
    )
    return (*names, outcome, _PRICES, *judged, *((_EXTRA,) if width >= WIDE else ()))


def table_of(opportunities: tuple[Opportunity, ...], width: int) -> Table:
    """Opportunities of one purpose in the API's own order, for a console of `width` columns."""
    saves = any(found.purpose == RISK_REDUCTION for found in opportunities)
    columns = _columns(width, _SAVINGS if saves else _PROFITS)
    gap = 1 if width >= WIDE else 0  # beside the space that the frame draws
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", padding=(0, gap, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("#", justify="right", style="dim", no_wrap=True)
    for column in columns:
        (first, _), *others = column.lines
        title = Text(first).append("".join(f"\n{other}" for other, _ in others), style="dim")
        # a name may go on in the next line; a number must stay whole
        table.add_column(title, justify=column.justify, no_wrap=column.justify == "right", overflow="fold")
    for place, found in enumerate(opportunities, start=1):
        repeats = f"\n= #{found.repeats}" if found.repeats else ""
        table.add_row(
            f"{found.rank or place}{repeats}",
            *(Text("\n").join(cell(found) for _, cell in column.lines) for column in columns),
        )
    return table


def legend_of(opportunities: tuple[Opportunity, ...]) -> Text:
    """What the table's numbers mean, in one line."""
    said = (
        "Profit: if the target is reached. EV: expectation without drift. Max loss: the worst that the orders alone can"
        " lose by prices, with this stop; funding to come is not in it. Confidence: of the statistic, not of the"
        " profit. Ranked by EV × confidence / capital / day, ten rounds a day at most; an expected loss comes last."
    )
    repeats = " = #3: the same trade as number 3." if any(found.repeats for found in opportunities) else ""
    return Text(said + repeats, style="dim")
