"""`opscan snapshot`: recorded markets into a snapshot file, and what such a file holds."""

# ruff: noqa: PLC0415 - numpy and pyarrow are for the commands that use them; --help must not wait for them
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opportunities.errors import MarketDataError
from opscan.commands.options import finite, moment_of
from opscan.errors import BadInput
from opscan.view.console import results_console

if TYPE_CHECKING:
    from opportunities.market.snapshot import MarketSnapshot

app = typer.Typer(help="Market snapshots out of recorded data.", no_args_is_help=True)


@app.command()
def build(
    directories: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Recordings, in these and below.")],
    *,
    as_of: Annotated[str, typer.Option(help="The moment, as in 2024-04-08T15:00:00Z; a day with Z is its midnight.")],
    out: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="The snapshot file to write; here, named after the moment, where not given."),
    ] = None,
    spread_bps: Annotated[
        float, typer.Option(min=0, max=1_000, callback=finite, help="Ask over bid to assume, basis points.")
    ] = 5.0,
    exchange: Annotated[str, typer.Option(help="Where candles and books were recorded.")] = "binance",
) -> None:
    """Make a snapshot of the market as of a moment: nothing that was not known then is in it."""
    from opportunities.market.archive.file import load, save
    from opscan.recorded.files import from_directory
    from opscan.view.snapshot import show as view

    moment = int(moment_of("--as-of", as_of).timestamp())
    try:
        snapshot = from_directory(directories, moment, exchange=exchange, spread_bps=spread_bps)
    except MarketDataError as error:
        raise BadInput(str(error), "Repair the data, or give other directories or another --as-of.") from error
    content = save(snapshot)
    out = out or Path(f"market-{datetime.fromtimestamp(moment, UTC):%Y%m%dT%H%M%SZ}.npy")
    try:
        out.write_bytes(content)
    except OSError as error:
        raise BadInput(f"{out} cannot be written ({error.strerror}).", "Give another --out.") from error
    console = results_console()
    view(load(content), console)
    console.print(f"{out}: {len(content) / 1e6:.1f} MB. Scan it with: opscan scan --snapshot {out}", soft_wrap=True)


@app.command()
def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="As `opscan snapshot build` wrote it.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Say what a snapshot holds: markets, candles, funding, and what was assumed or left out."""
    from opscan.view.snapshot import show as view
    from opscan.view.snapshot import summary

    snapshot = loaded(file)
    if as_json:
        typer.echo(json.dumps(summary(snapshot), indent=2))
    else:
        view(snapshot, results_console())


def loaded(file: Path) -> "MarketSnapshot":
    """The snapshot in this file."""
    from opportunities.market.archive.file import load

    try:
        return load(file.read_bytes())
    except OSError as error:
        raise BadInput(f"{file} cannot be read ({error.strerror}).", "Give the path of a snapshot file.") from error
    except MarketDataError as error:
        raise BadInput(f"{file}: {error}", "Build it again with `opscan snapshot build DIR`.") from error
