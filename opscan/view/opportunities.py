"""The best opportunities as a table, stacked so that all of their numbers fit into 100 columns and less."""

from collections.abc import Callable
from dataclasses import dataclass

from rich import box
from rich.console import JustifyMethod
from rich.table import Table
from rich.text import Text

from opscan.results import Opportunity
from opscan.view.numbers import NOTHING, confidence, money, price

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
    behind = found.confidence
    if behind.value is None:
        return NOTHING
    value = f"{behind.value:.3g}" if abs(behind.value) >= 1e-3 or behind.value == 0 else f"{behind.value:.0e}"
    return value + (f", n={behind.n}" if behind.n else "")


def _plain(said: Callable[[Opportunity], str], style: str = "") -> Cell:
    return lambda found: Text(said(found) or NOTHING, style=style)


def _price(amount: Callable[[Opportunity], float | None], style: str = "") -> Cell:
    return lambda found: Text(price(amount(found)), style=style)


def _money(amount: Callable[[Opportunity], float | None], style: str = "") -> Cell:
    return lambda found: Text(money(amount(found)), style=style)


def _gain(amount: Callable[[Opportunity], float | None]) -> Cell:
    return lambda found: Text(money(amount(found)), style="red" if (amount(found) or 0) < 0 else "green")


def _score(found: Opportunity) -> Text:
    return Text(confidence(found.confidence.score))


def _risk(found: Opportunity) -> Text:
    return Text(found.risk or NOTHING, style=_RISK.get(found.risk, ""))


_SYMBOL = (
    ("symbol", _plain(lambda found: found.symbol, "bold")),
    ("exchange", _plain(lambda found: found.exchange, "dim")),
)
_STRATEGY = (("strategy", _plain(lambda found: found.strategy)), ("type", _plain(lambda found: found.kind, "dim")))
_PRICES = (("entry", _price(lambda found: found.entry)), ("exit", _price(lambda found: found.exit)))
_STOP = ("stop", _price(lambda found: found.stop))
_NUMBERS = (
    Column(
        (("profit $", _gain(lambda found: found.profit)), ("EV $", _gain(lambda found: found.expected_value))), "right"
    ),
    Column((("confidence", _score), ("statistic", _plain(statistic, "dim"))), "right"),
    Column((("risk", _risk), ("horizon", _plain(lambda found: found.timeframe)))),
    Column(
        (("capital $", _money(lambda found: found.capital)), ("fees $", _money(lambda found: found.fees, "dim"))),
        "right",
    ),
)
_EXTRA = (
    Column(
        (_STOP, ("slippage $", _money(lambda found: found.slippage, "dim"))),
        "right",
    ),
    Column((("tier", _plain(lambda found: found.tier)), ("rank score", _price(lambda found: found.score, "dim")))),
)


def table_of(opportunities: tuple[Opportunity, ...], width: int) -> Table:
    """The opportunities in the API's own order, for a console of `width` columns."""
    names = (Column(_SYMBOL), Column(_STRATEGY)) if width >= NORMAL else (Column(_SYMBOL + _STRATEGY),)
    stopped = width < WIDE and any(found.stop is not None for found in opportunities)
    prices = Column((*_PRICES, _STOP) if stopped else _PRICES, "right")
    columns = (*names, prices, *_NUMBERS, *(_EXTRA if width >= WIDE else ()))
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
        "Profit: if the target is reached. EV: expectation without drift. Confidence: of the statistic, not of the"
        " profit. Ranked by EV × confidence / capital / day, ten rounds a day at most; an expected loss comes last."
    )
    repeats = " = #3: the same trade as number 3." if any(found.repeats for found in opportunities) else ""
    return Text(said + repeats, style="dim")
