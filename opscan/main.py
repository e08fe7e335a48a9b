"""`opscan`: the command line, put together out of its commands."""

import typer

from opscan.commands import catalogue, history, local, logs, new_strategy, profile, run, scan, snapshots
from opscan.commands.exit_codes import EXIT_CODES, ExitCodes

app = typer.Typer(
    cls=ExitCodes,
    no_args_is_help=True,
    help="Crypto opportunity scans.",
    epilog=EXIT_CODES,
    pretty_exceptions_enable=False,
)
app.add_typer(profile.app, name="profile")
app.add_typer(snapshots.app, name="snapshot")
app.command(epilog=EXIT_CODES)(scan.scan)
app.command(epilog=EXIT_CODES)(scan.follow)
app.command("list")(history.show)
app.command()(history.cancel)
app.command()(history.delete)
app.command()(catalogue.strategies)
app.command()(run.run)
app.command()(new_strategy.new_strategy)
app.command()(local.up)
app.command()(local.down)
app.command()(local.token)
app.command()(local.status)
app.command("logs")(logs.show)
