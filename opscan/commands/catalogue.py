"""`opscan strategies`: what there is to run."""

# ruff: noqa: PLC0415 - httpx is for the commands that use it; --help must not wait for it
import typer

from opscan.commands.options import ApiUrl, AsDocument, Token, context_of


def strategies(ctx: typer.Context, *, as_json: AsDocument = False, api_url: ApiUrl = None, token: Token = None) -> None:
    """List the strategies: what they look for and what they need."""
    from opscan import deployment
    from opscan.commands.calling import calling, print_document
    from opscan.view.console import results_console
    from opscan.view.tables import catalogue_table

    context = context_of(ctx)
    with calling(deployment.target(api_url, token, context), context) as client:
        catalogue = client.strategies()
    if as_json:
        print_document(catalogue.document)
    else:
        results_console().print(catalogue_table(catalogue.strategies))
