"""Asking patiently: a busy API is asked again when it says, a refused token renewed once, and what comes back is read.

Nothing here sends or sleeps: what is to be sent is yielded (`opscan.client.exchange`).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import inf

from opportunities.domain import Json
from opscan.client.errors import UnexpectedAnswer, error_of, unreachable
from opscan.client.exchange import NoResponse, Request, Response, Steps

# The longest wait for an API that is busy or away, over all attempts of one call.
PATIENCE_SECONDS = 60.0
# However small an interval an API names, it is not asked more often than this.
SHORTEST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 10.0
_BUSY = (429, 502, 503, 504)

type Told = Callable[[str], object]


class Asking:
    """How one API at `url` is asked. `now` is a monotonic clock, `told` hears of every second attempt.

    `renewable` says that another token can be had after a refusal.
    """

    def __init__(self, url: str, now: Callable[[], float], told: Told, *, renewable: bool) -> None:
        self._url = url
        self._now = now
        self._told = told
        self._renewable = renewable
        self._reached = False

    def ask(self, request: Request, until: float = inf) -> Steps[Response]:
        """The answer to `request`, asked again while the API is busy or away, no longer than `until`."""
        give_up = min(self._now() + PATIENCE_SECONDS, until)
        renewed = False
        while True:
            answer = yield request
            if isinstance(answer, NoResponse):
                # an API that answered a moment ago deserves another try; one that never did has a wrong address
                pause, trouble = 1.0, "did not answer"
                hopeful = request.repeatable and (self._reached or answer.sent)
                if not hopeful or self._now() + pause > give_up:
                    raise unreachable(answer, self._url)
            elif answer.status == 401 and self._renewable and not renewed:
                self._reached = renewed = True
                request = replace(request, after=0.0, renew=True)
                continue
            else:
                self._reached = True
                pause, trouble = pause_of(answer, 1.0), f"is busy ({answer.status})"
                if answer.status not in _BUSY or self._now() + pause > give_up:
                    if answer.success:
                        return answer
                    raise error_of(answer, about_scan="/scan_" in request.path)
            self._told(f"The API {trouble}; trying again in {pause:g} s.")
            request = replace(request, after=pause, renew=False)

    def document(self, response: Response) -> Mapping[str, Json]:
        """The JSON object that was answered; raises UnexpectedAnswer for anything else."""
        try:
            body: Json = json.loads(response.content)
        except (ValueError, RecursionError) as error:
            raise self.stranger("its answer is not JSON") from error
        if not isinstance(body, dict):
            raise self.stranger("its answer is not a JSON object")
        return body

    def stranger(self, why: str) -> UnexpectedAnswer:
        """The error of an answer that is not this API's."""
        return UnexpectedAnswer(f"{self._url} does not answer like the Opportunity Scan API: {why}.")


def pause_of(response: Response, otherwise: float) -> float:
    """How long to wait before asking again, in seconds; `otherwise` where the API does not say."""
    seconds = response.retry_after
    return max(otherwise if seconds is None else seconds, SHORTEST_PAUSE_SECONDS)


def pause_between(response: Response, otherwise: float) -> float:
    """Until the next poll: an API that holds answers back has waited already."""
    if "preference-applied" in response.headers:
        return SHORTEST_PAUSE_SECONDS
    return min(pause_of(response, otherwise), LONGEST_PAUSE_SECONDS)
