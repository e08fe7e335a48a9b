"""`opscan run`: one strategy by itself, for whoever writes it."""

# ruff: noqa: PLC0415 - numpy is for the commands that use it; --help must not wait for it
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from opportunities import strategies
from opportunities.domain import Investor
from opscan.commands.options import AsJson, Top, context_of, holdings_of, positive
from opscan.errors import BadInput

if TYPE_CHECKING:
    from opscan.client.results import Results

_SEED = 7


def run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="As `opscan strategies` names it.")],
    snapshot: Annotated[
        Path | None, typer.Argument(metavar="SNAPSHOT", help="A snapshot file; the simulated market without one.")
    ] = None,
    *,
    capital: Annotated[float | None, Option(callback=positive, help="The investor's, USD.")] = None,
    holding: Annotated[list[str] | None, Option(help="What the investor holds: BTC=0.4.")] = None,
    seed: Annotated[int | None, Option(min=0, help=f"Of the simulated market; {_SEED} where not given.")] = None,
    top: Top = 15,
    as_json: AsJson = False,
) -> None:
    """Run one strategy in this process, without a stack: what it finds, or why nothing.

    The simulated market has an opportunity for it, as its module in market/planted makes it.
    """
    _check(name)
    holdings = {asset: quantity for asset, quantity in holdings_of(holding).items() if quantity}
    if snapshot and seed is not None:
        raise BadInput("--seed is of the simulated market, and a SNAPSHOT is given.", "Leave one of them out.")
    from opscan.authoring import trial
    from opscan.authoring.tracebacks import shown
    from opscan.commands.calling import print_document
    from opscan.commands.snapshots import loaded

    market = loaded(snapshot) if snapshot else None
    with shown(name):
        if market is None:
            market = trial.planted_market(name, _SEED if seed is None else seed)
        investor = Investor() if snapshot else trial.investor_of(name, market)
        investor = replace(
            investor, capital_usd=capital or investor.capital_usd, holdings=holdings or investor.holdings
        )
        results = trial.run(name, market, investor, None if as_json else top)
    if as_json:
        print_document(results.document)
    else:
        _show(results, investor, ctx)


def _check(name: str) -> None:
    """Refuses a name that is no strategy's, with the nearest that is."""
    if name not in strategies.names():
        near = get_close_matches(name, strategies.names(), n=1)
        there_are = f"There are {', '.join(strategies.names())}."
        raise BadInput(f"There is no strategy {name!r}.", f"Did you mean {near[0]}?" if near else there_are)


def _show(results: "Results", investor: Investor, ctx: typer.Context) -> None:
    from opscan.view.numbers import many, money
    from opscan.view.page import show

    held = ", ".join(f"{quantity:g} {asset}" for asset, quantity in investor.holdings.items()) or "nothing"
    judged = f"for {money(investor.capital_usd)} USD, {investor.risk_tolerance} risk tolerance, holding {held}"
    (strategy,) = results.strategies
    if strategy.status == "skipped":
        typer.echo(f"{strategy.strategy_id} cannot judge this market {judged}: {strategy.reason}.")
    elif not len(results):
        examined = many(strategy.examined, "instrument")
        typer.echo(f"{strategy.strategy_id} examined {examined} {judged}; nothing pays.")
    else:
        typer.echo(f"{strategy.strategy_id} examined {many(strategy.examined, 'instrument')} {judged}.")
        show(results, context_of(ctx).clock.wall(), local=False)
