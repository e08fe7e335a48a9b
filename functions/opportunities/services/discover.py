"""Starting a scan: the placeholder first, then the workflow; a scan that exists is returned, and healed if need be."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from opportunities import scans, wire
from opportunities.domain import Filters, Investor, Scan, ScanState
from opportunities.errors import Unavailable
from opportunities.store import Store

type StartWorkflow = Callable[[Scan, Investor, int], None]


class NotStarted(Unavailable):
    """The workflow has certainly not started."""


@dataclass(frozen=True)
class Discovered:
    scan: Scan
    reused: bool


@dataclass(frozen=True)
class Discovery:
    """`catalogue` names all strategies; `start` starts the workflow; a window is `window_seconds` long."""

    store: Store
    start: StartWorkflow
    catalogue: tuple[str, ...]
    window_seconds: int

    def discover(self, user_id: str, filters: Filters, *, force_refresh: bool, now: float) -> Discovered:
        """Returns the caller's scan of these filters in this window, started, or raises `Unavailable`."""
        investor = self.store.investor(user_id) or Investor()
        strategies = filters.strategy_ids or self.catalogue
        window = int(now // self.window_seconds)
        scan = Scan(
            user_id=user_id,
            scan_id=scans.random_id()
            if force_refresh
            else scans.content_id(user_id, filters, strategies, investor.version, window),
            state=ScanState.INITIATED,
            strategies=strategies,
            created_at=now,
            updated_at=now,
            deadline=int(now) + scans.TIMEOUT_SECONDS,
            expires_at=int(now) + scans.LIFETIME_SECONDS,
            investor_version=investor.version,
            filters=filters,
        )
        existing = self.store.put_scan(scan)
        if existing and self._worth_reusing(existing, now):
            if existing.state is ScanState.INITIATED:
                # Whoever made it may have died before it started the workflow. Starting by name makes this safe.
                self._start(existing, investor, now)
            return Discovered(existing, reused=True)
        if existing:
            scan = replace(scan, scan_id=scans.random_id())
            self.store.put_scan(scan)
        self._start(scan, investor, now)
        return Discovered(scan, reused=False)

    def _worth_reusing(self, existing: Scan, now: float) -> bool:
        ended_badly = scans.state_at(existing, now) in (ScanState.FAILED, ScanState.CANCELLED)
        return not ended_badly and not scans.expired(existing, now)

    def _start(self, scan: Scan, investor: Investor, now: float) -> None:
        try:
            self.start(scan, investor, int(scan.created_at // self.window_seconds))
        except NotStarted:
            self.store.fail_scan(scan.user_id, scan.scan_id, "the workflow could not be started", now)
            raise


@dataclass(frozen=True)
class Workflow:
    """Step Functions' StartExecution by name: the same scan starts once, however often it is asked for."""

    client: Any
    state_machine_arn: str

    def start(self, scan: Scan, investor: Investor, window: int) -> None:
        """Raises `NotStarted` when the workflow certainly does not run, `Unavailable` when nobody knows."""
        try:
            self.client.start_execution(
                stateMachineArn=self.state_machine_arn,
                name=scan.scan_id,
                input=json.dumps(wire.execution_input(scan, investor, window)),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ExecutionAlreadyExists":
                return
            if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                raise Unavailable("The scan may not have started; send the same request again.") from error
            raise NotStarted("The scan could not be started; send the same request again.") from error
        except BotoCoreError as error:
            raise Unavailable("The scan may not have started; send the same request again.") from error
