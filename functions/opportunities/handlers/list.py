"""GET /opportunities/scans"""

import time

from opportunities import settings
from opportunities.api.http import Answer, Event, answer, api, query, user_id
from opportunities.api.requests import ScansQuery, parse
from opportunities.aws import clients
from opportunities.aws.dynamodb import Table
from opportunities.aws.store import Store
from opportunities.services.list import list_scans


@api
def handler(event: Event) -> Answer:
    caller = user_id(event)
    asked = parse(ScansQuery, query(event))
    page = list_scans(
        Store(Table(clients.client("dynamodb"), settings.table_name())),
        caller,
        time.time(),
        limit=asked.limit,
        cursor=asked.cursor,
        states=asked.status,
        since=asked.created_after.timestamp() if asked.created_after else None,
        until=asked.created_before.timestamp() if asked.created_before else None,
    )
    return answer(200, page)
