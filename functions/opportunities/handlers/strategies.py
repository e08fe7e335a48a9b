"""GET /opportunities/strategies: the catalogue."""

from typing import TYPE_CHECKING

from opportunities import strategies
from opportunities.api.http import Answer, Event, answer, api, no_query, user_id
from opportunities.strategies import Description

if TYPE_CHECKING:
    from opportunities import responses


@api
def handler(event: Event) -> Answer:
    user_id(event)
    no_query(event)
    catalogue = [_said(strategies.describe(name)) for name in strategies.names()]
    content: responses.Catalogue = {"success": True, "strategies": catalogue, "total_strategies": len(catalogue)}
    return answer(200, content)


def _said(one: Description) -> "responses.Strategy":
    return {
        "strategy_id": one.strategy_id,
        "name": one.name,
        "summary": one.summary,
        "opportunity_types": list(one.opportunity_types),
        "needs": list(one.needs),
    }
