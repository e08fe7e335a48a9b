"""GET /opportunities/openapi.json: the description of this API, for everybody."""

from functools import cache

from opportunities.api.http import Answer, Event, answer, api, no_query
from opportunities.api.openapi import document


@cache
def _description() -> Answer:
    return answer(200, document(), {"Cache-Control": "public, max-age=300"})


@api
def handler(event: Event) -> Answer:
    no_query(event)
    return _description()
