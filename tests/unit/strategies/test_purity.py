"""A strategy sees its market and its investor, and nothing else in the world."""

import ast
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from opportunities import strategies
from opportunities.domain import Investor
from opportunities.market.planted.demo import planted_market
from opportunities.market.snapshot import MarketSnapshot
from tests.support.template import ROOT

PACKAGE = ROOT / "functions" / "opportunities"
MODULES = sorted(
    [*PACKAGE.glob("strategies/[!_]*.py"), *PACKAGE.glob("strategies/_[!_]*.py"), *PACKAGE.glob("maths/*.py")]
)
# All of the standard library that formulas need; no clock, file, network, environment or randomness among it.
ALLOWED = {
    "bisect",
    "collections",
    "dataclasses",
    "enum",
    "fractions",
    "functools",
    "heapq",
    "itertools",
    "math",
    "typing",
}
INVESTOR = Investor(capital_usd=50_000.0, holdings={"BTC": 1.0, "ETH": 8.0, "SOL": 150.0})


@pytest.fixture(scope="module")
def market() -> MarketSnapshot:
    return planted_market(7, 1_795_291_200)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_strategy_and_no_formula_can_reach_a_clock_a_network_or_chance(path: Path) -> None:
    imported = {
        name.partition(".")[0]
        for node in ast.walk(ast.parse(path.read_text()))
        for name in (
            [one.name for one in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported & sys.stdlib_module_names <= ALLOWED
    assert imported - sys.stdlib_module_names <= {"numpy", "talib", "opportunities"}
    assert "np.random" not in path.read_text()


@pytest.mark.parametrize("name", strategies.names())
def test_the_same_market_gives_the_same_findings_whatever_was_judged_before(name: str, market: MarketSnapshot) -> None:
    find = strategies.load(name)
    first = find(market, INVESTOR)
    find(planted_market(8, 1_795_291_200), INVESTOR)
    assert find(market, INVESTOR) == first
    assert first.examined > 0


@pytest.mark.parametrize("name", strategies.names())
def test_findings_bear_the_moment_of_the_market_and_no_other(name: str, market: MarketSnapshot) -> None:
    found = strategies.load(name)(market, INVESTOR).opportunities
    assert {one.discovered_at for one in found} <= {market.captured_at}


@pytest.mark.parametrize("name", strategies.names())
def test_source_and_exclusions_of_a_market_do_not_matter(name: str, market: MarketSnapshot) -> None:
    find = strategies.load(name)
    renamed = replace(market, source="elsewhere", excluded={"stale": 7}, freshness={})
    assert find(renamed, INVESTOR) == find(market, INVESTOR)
