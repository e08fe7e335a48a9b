"""GET /opportunities/strategies: the catalogue."""

from dataclasses import asdict

from opportunities import strategies
from opportunities.api.http import Answer, Event, answer, api, no_query, user_id


@api
def handler(event: Event) -> Answer:
    user_id(event)
    no_query(event)
    catalogue = [asdict(strategies.describe(name)) for name in strategies.names()]
    return answer(200, {"success": True, "strategies": catalogue, "total_strategies": len(catalogue)})
