"""Reads a scan again until there is news, with back-off, so that the caller need not poll."""

import time
from collections.abc import Callable

from opportunities.domain import Scan

FIRST_PAUSE, LONGEST_PAUSE, BACK_OFF = 0.1, 1.0, 1.5


def wait(
    scan: Scan,
    read: Callable[[], Scan],
    news: Callable[[Scan], bool],
    seconds: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Scan:
    """The scan once `news` is true of it, or as it is after `seconds`. Pauses lengthen from 0.1 s to 1 s."""
    until, pause = clock() + seconds, FIRST_PAUSE
    while not news(scan) and (left := until - clock()) > 0:
        sleep(min(pause, left))
        scan, pause = read(), min(BACK_OFF * pause, LONGEST_PAUSE)
    return scan
