"""What to do next: in the API's words where it has some, as a command where one helps."""

import re
from collections.abc import Iterator

from opscan.client.results import Results

# What strategies say when it is the profile that keeps them from judging, and the command that mends it.
_REMEDIES = (
    (
        re.compile("holds nothing|no holdings|holdings are cash|none of the holdings"),
        "Say what you hold: `opscan profile set --holding BTC=0.4`",
    ),
    (
        re.compile("allows none of this market's exchanges|none on the exchanges that the investor allows"),
        "Allow every exchange: `opscan profile set --allow-exchange any`",
    ),
)


def hints_on(results: Results) -> Iterator[str]:
    """What would let more strategies judge. A failure is no matter of trying again: its log says more."""
    if results.unjudged:
        yield from _ways_on(results)
        return
    ended = {strategy.strategy_id: strategy for strategy in results.strategies}
    for hint in results.recommendations:
        strategy = ended.get(hint.strategy_id)
        if strategy and strategy.status == "failed":
            continue
        why = f" ({hint.reason})" if hint.reason and not strategy else ""  # what `Skipped` says is said
        if strategy and (remedy := _remedy(strategy.reason)):
            why = f" {remedy}"
        yield f"{hint.name}: {hint.benefit}{why}" if hint.benefit or why else hint.name


def _ways_on(results: Results) -> Iterator[str]:
    """Where no strategy judged, all of them speak of the same few things: at least one step is named."""
    remedies = dict.fromkeys(filter(None, (_remedy(strategy.reason) for strategy in results.strategies)))
    yield from remedies
    if results.filters.get("snapshot"):
        yield "Leave out --snapshot to scan today's market, or pin one that has more: `opscan snapshot build --help`"
    if results.filters.get("strategy_ids"):
        yield "Leave out --strategy to run all of them; `opscan strategies` lists what each needs"
    elif not remedies and not results.filters.get("snapshot"):
        yield "Scan again in some minutes, when a new window has another market; `opscan strategies` lists the needs"


def _remedy(reason: str) -> str:
    return next((remedy for pattern, remedy in _REMEDIES if pattern.search(reason)), "")
