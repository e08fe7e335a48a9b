"""Following one scan to its end: ask, show, wait as long as the API says, ask again."""

from opscan.client import Api
from opscan.context import Clock
from opscan.errors import NoAnswer
from opscan.responses import Status
from opscan.view.live import View

# However small an interval an API names, it is not asked more often than this.
SHORTEST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 10.0


def follow(api: Api, scan_id: str, view: View, clock: Clock, *, pause: float, timeout: float) -> Status:
    """The scan's terminal status. Raises NoAnswer when there is none within `timeout` seconds."""
    give_up = clock.now() + timeout
    while True:
        status = api.status(scan_id)
        view.show(status)
        if status.terminal:
            return status
        left = give_up - clock.now()
        if left <= 0:
            raise NoAnswer(
                f"The scan is not done after {timeout:g} s; it goes on without us.",
                f"See it with {api.target.command(f'follow {scan_id}')}, or wait longer with --timeout.",
            )
        wanted = pause if status.retry_after is None else status.retry_after
        clock.sleep(min(max(wanted, SHORTEST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS, left))
