"""GET and PUT /opportunities/profile: the investor."""

from typing import TYPE_CHECKING

from opportunities import serialization, settings
from opportunities.api.http import Answer, Event, answer, api, body, no_query, user_id
from opportunities.api.requests import ProfileBody, parse
from opportunities.aws import clients
from opportunities.aws.dynamodb import Table
from opportunities.aws.store import Store
from opportunities.domain import Investor

if TYPE_CHECKING:
    from opportunities import responses


@api
def handler(event: Event) -> Answer:
    caller = user_id(event)
    no_query(event)
    store = Store(Table(clients.client("dynamodb"), settings.table_name()))
    if event["requestContext"]["http"]["method"] == "PUT":
        investor = store.put_investor(caller, parse(ProfileBody, body(event)).investor())
    else:
        investor = store.investor(caller) or Investor()
    content: responses.StoredProfile = {
        "success": True,
        "stored": investor.version > 0,
        "profile": serialization.investor_to_json(investor),
    }
    return answer(200, content)
