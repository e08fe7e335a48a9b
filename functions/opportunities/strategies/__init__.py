"""The catalogue: what strategies there are, what each says of itself, and the function that runs one.

Every module of this package is a strategy. It holds the literals `TITLE`, `OPPORTUNITY_TYPES` and `NEEDS`, a docstring
whose first line is the summary, and `find(market, investor)`, which returns `Proposals`. Names and descriptions are
read from the source, so that a Lambda without numpy can tell the catalogue.
"""

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from opportunities import ranking
from opportunities.domain import Findings, Investor, Proposals

if TYPE_CHECKING:
    from opportunities.market.snapshot import MarketSnapshot

type Find = Callable[["MarketSnapshot", Investor], Findings]

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Description:
    """What a strategy says of itself; `needs` names what the market or the investor must hold."""

    strategy_id: str
    name: str
    summary: str
    opportunity_types: tuple[str, ...]
    needs: tuple[str, ...]


@cache
def names() -> tuple[str, ...]:
    """The strategies there are, sorted: one per module."""
    return tuple(sorted(path.stem for path in _HERE.glob("*.py") if path.stem != "__init__"))


@cache
def describe(name: str) -> Description:
    """What the strategy says of itself, read without importing it. LookupError for a name that is none."""
    source = ast.parse(_path(name).read_text("utf-8"), str(_path(name)))
    literals = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in source.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in {"TITLE", "OPPORTUNITY_TYPES", "NEEDS"}
    }
    summary = (ast.get_docstring(source) or "").partition("\n")[0]
    return Description(name, literals["TITLE"], summary, literals["OPPORTUNITY_TYPES"], literals["NEEDS"])


def load(name: str) -> Find:
    """The function that runs a strategy on a market for an investor. LookupError for a name that is no strategy.

    What the strategy proposes becomes opportunities, which say who found them and when, in the order of the ranking.
    """
    # Not before a strategy runs: the catalogue's Lambda has no numpy.
    from opportunities.trading.proposals import opportunity  # noqa: PLC0415

    title = describe(name).name
    propose: Callable[[MarketSnapshot, Investor], Proposals] = import_module(f"{__name__}.{name}").find

    def find(market: "MarketSnapshot", investor: Investor) -> Findings:
        proposed, at = propose(market, investor), market.captured_at
        found = [
            opportunity(each, strategy_id=name, strategy_name=title, discovered_at=at) for each in proposed.proposals
        ]
        return Findings(tuple(ranking.ranked(found)), proposed.examined)

    return find


def named(logical_id: str) -> str:
    """The strategy whose Lambda has this logical id in the template: `risk_management` for `RiskManagement`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", logical_id).lower()


def _path(name: str) -> Path:
    if name not in names():
        raise LookupError(f"{name!r} is no strategy: there are {', '.join(names())}")
    return _HERE / f"{name}.py"
