"""GET /opportunities/scans"""

import time

from opportunities import aws, settings
from opportunities.http import Answer, Event, answer, api, query, user_id
from opportunities.requests import ScansQuery, parse
from opportunities.services import history
from opportunities.store import Store


@api
def handler(event: Event) -> Answer:
    caller = user_id(event)
    asked = parse(ScansQuery, query(event))
    page = history.page(
        Store(aws.client("dynamodb"), settings.table_name()),
        caller,
        time.time(),
        limit=asked.limit,
        cursor=asked.cursor,
        states=asked.status,
        since=asked.created_after.timestamp() if asked.created_after else None,
        until=asked.created_before.timestamp() if asked.created_before else None,
    )
    return answer(200, page)
