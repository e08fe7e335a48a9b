"""Lambda entry point for requests without a route: 405 where only the method is wrong, else 404."""

from opportunities.api.http import Answer, Event, api, problem
from opportunities.api.operations import methods


@api
def handler(event: Event) -> Answer:
    path, method = event["rawPath"], event["requestContext"]["http"]["method"]
    allowed = methods(path)
    if allowed:
        detail = f"{method} does nothing here; send {' or '.join(allowed)}."
        return problem(405, detail, {"Allow": ", ".join(allowed)})
    return problem(404, "The routes are described at /opportunities/openapi.json.")
