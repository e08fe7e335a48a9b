"""GET /opportunities/scans"""

import time

from opportunities import aws, settings
from opportunities.http import Answer, Event, answer, api, user_id
from opportunities.requests import ScansQuery, parse
from opportunities.services.history import History
from opportunities.store import Store


@api
def handler(event: Event) -> Answer:
    caller = user_id(event)
    query = parse(ScansQuery, dict(event.get("queryStringParameters") or {}))
    page = History(Store(aws.client("dynamodb"), settings.table_name())).page(
        caller,
        time.time(),
        limit=query.limit,
        cursor=query.cursor,
        states=query.status,
        since=query.created_after.timestamp() if query.created_after else None,
        until=query.created_before.timestamp() if query.created_before else None,
    )
    return answer(200, page)
