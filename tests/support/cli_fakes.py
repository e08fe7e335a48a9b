"""A deployment's API, its local stack and the passing of time, in this process and without waiting."""

import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from typer.testing import CliRunner, Result

from opscan.context import Clock, Context, Steps
from opscan.main import app

SCAN_ID = "scan_" + "0123456789abcdef" * 2
STRATEGIES = ("funding_arbitrage", "risk_management", "spot_momentum_strategy")
NOW = datetime(2024, 4, 8, 15, 5, tzinfo=UTC)

type Answer = httpx.Response | Exception


def outcome(status: str, opportunities: int = 0, reason: str | None = None, *, best: bool = False) -> dict[str, Any]:
    found = {
        "symbol": "BTC/USDT",
        "opportunity_type": "momentum_long",
        "profit_potential_usd": 312.5,
        "confidence_score": 0.71,
    }
    ended = status in ("complete", "skipped", "failed")
    return {
        "status": status,
        "opportunities": opportunities,
        "duration_ms": 412 if ended else 0,
        "reason": reason,
        "best": found if best else None,
    }


def status(
    state: str = "scanning", message: str = "The strategies are looking.", **outcomes: dict[str, Any]
) -> httpx.Response:
    shown = {name: outcomes.get(name, outcome("waiting")) for name in STRATEGIES}
    kinds = [one["status"] for one in shown.values()]
    ended = sum(kind in ("complete", "skipped") for kind in kinds)
    body = {
        "success": True,
        "scan_id": SCAN_ID,
        "status": state,
        "message": message,
        "progress": {
            "strategies_completed": ended,
            "strategies_failed": kinds.count("failed"),
            "total_strategies": len(shown),
            "opportunities_found_so_far": sum(one["opportunities"] for one in shown.values()),
            "percentage": 100 * ended / len(shown),
        },
        "partial_results": [],
        "strategies": shown,
        "metadata": {"scan_state": state, "elapsed_seconds": 1.0},
        "estimated_time_remaining_seconds": 2.0,
        "last_updated": "2024-04-08T15:00:00Z",
        "results_url": f"/opportunities/results/{SCAN_ID}",
    }
    return httpx.Response(200, json=body, headers={"Retry-After": "1"} if state == "scanning" else {})


DONE = {
    "funding_arbitrage": outcome("complete", 2, best=True),
    "risk_management": outcome("skipped", reason="the investor holds nothing"),
    "spot_momentum_strategy": outcome("complete", 1, best=True),
}


def opportunity(number: int, **overrides: object) -> dict[str, Any]:
    return {
        "strategy_id": "spot_momentum_strategy",
        "strategy_name": "Spot momentum",
        "opportunity_type": "momentum_long",
        "symbol": f"COIN{number}/USDT",
        "exchange": "binance",
        "purpose": "profit",
        "action": f"buy 0.036 COIN{number}/USDT",
        "profit_potential_usd": 312.5 - number,
        "risk_reduction_usd": None,
        "max_loss_usd": 127.4,
        "confidence_score": 0.71,
        "risk_level": "medium",
        "required_capital_usd": 2500.0,
        "horizon_hours": 25.2,
        "estimated_timeframe": "2d",
        "evidence": {"statistic": "t of mean return", "value": 2.31, "n": 512, "p_value": 0.011},
        "entry_price": 69_420.15,
        "exit_price": 74_000.0,
        "asset_tier": "institutional",
        "metadata": {
            "expected_value_usd": 41.27,
            "stop": 66_000.0,
            "fees_usd": 5.0,
            "slippage_usd": 1.2,
            "legs": [{"side": "buy", "symbol": f"COIN{number}/USDT", "quantity": 0.036, "price": 69_420.15}],
        },
        "discovered_at": 1_712_588_400,
        "score": 0.0128,
    } | overrides


def results(count: int = 3, *, total: int | None = None, cursor: str | None = None, first: int = 0) -> httpx.Response:
    body = {
        "success": True,
        "scan_id": SCAN_ID,
        "user_id": "someone",
        "opportunities": [opportunity(number) for number in range(first, first + count)],
        "total_opportunities": count if total is None else total,
        "total_profit_potential_usd": 932.0,
        "total_risk_reduction_usd": 0.0,
        "next_cursor": cursor,
        "signal_analysis": {},
        "user_profile": {"capital_usd": 10_000.0, "risk_tolerance": "medium"},
        "strategy_performance": {
            "funding_arbitrage": {"status": "failed", "count": 0, "reason": "the Lambda timed out", "truncated": 0},
            "risk_management": {"status": "skipped", "count": 0, "reason": "the investor holds nothing"},
            "spot_momentum_strategy": {"status": "complete", "count": 3, "reason": None, "truncated": 7},
        },
        "asset_discovery": {
            "source": "simulated",
            "captured_at": "2024-04-08T15:00:00.000Z",
            "total_assets_scanned": 50,
            "assumptions": {"spread": "5 basis points"},
            "missing": {"perpetuals": "no marks were recorded"},
            "excluded": {"listed less than 200 bars ago": 4},
        },
        "strategy_recommendations": [
            {
                "strategy_id": "risk_management",
                "name": "Risk management",
                "benefit": "Protects what you hold.",
                "reason": "It was skipped: the investor holds nothing",
                "type": "provide_what_it_needs",
            }
        ],
        "execution_time_ms": 2345,
        "last_updated": "2024-04-08T15:00:03Z",
        "metadata": {
            "scan_state": "complete",
            "truncated": {"spot_momentum_strategy": 7},
            "filters": {},
            "snapshot": "windows/simulated-7/1712588400",
        },
    }
    return httpx.Response(200, json=body)


def listed(number: int = 0, **overrides: object) -> dict[str, Any]:
    return {
        "scan_id": f"scan_{number:032x}",
        "status": "complete",
        "reason": None,
        "progress": {
            "strategies_completed": 13,
            "strategies_failed": 1,
            "total_strategies": 14,
            "opportunities_found_so_far": 37,
            "percentage": 100.0,
        },
        "filters": {},
        "created_at": "2024-04-08T15:00:00.000Z",
        "last_updated": "2024-04-08T15:00:03.000Z",
        "expires_at": "2024-04-15T15:00:00.000Z",
        "poll_url": f"/opportunities/status/scan_{number:032x}",
        "results_url": f"/opportunities/results/scan_{number:032x}",
    } | overrides


def history(*scans: dict[str, Any], cursor: str | None = None) -> httpx.Response:
    return httpx.Response(200, json={"success": True, "scans": [*scans], "next_cursor": cursor})


def accepted(*, reused: bool = False) -> httpx.Response:
    body = {"success": True, "scan_id": SCAN_ID, "status": "initiated", "polling_interval_seconds": 0.5}
    return httpx.Response(202, json={**body, "reused": reused}, headers={"Retry-After": "1"})


def problem(code: int, detail: str, headers: Mapping[str, str] | None = None, **more: object) -> httpx.Response:
    body = {"type": "about:blank", "title": "No.", "status": code, "detail": detail, **more}
    return httpx.Response(code, json=body, headers=headers)


@dataclass
class FakeApi(httpx.BaseTransport):
    """Answers each route with its script, one after the other; the last one stands for all later calls."""

    discover: list[Answer] = field(default_factory=lambda: [accepted()])
    status: list[Answer] = field(default_factory=lambda: [status("complete", "The scan is complete.", **DONE)])
    results: list[Answer] = field(default_factory=lambda: [results()])
    profile: list[Answer] = field(default_factory=list)
    strategies: list[Answer] = field(default_factory=list)
    scans: list[Answer] = field(default_factory=list)
    cancel: list[Answer] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        script: list[Answer] = getattr(self, request.url.path.split("/opportunities/")[1].split("/")[0])
        answer = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    def bodies(self, method: str) -> list[Any]:
        return [json.loads(request.content) for request in self.requests if request.method == method]

    def paths(self) -> list[str]:
        return [request.url.path.rsplit("/opportunities/")[1].split("/")[0] for request in self.requests]


@dataclass
class FakeTime:
    """Sleeping moves the clock and nothing else."""

    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)
    interrupt_after: int | None = None

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds
        if self.interrupt_after is not None and len(self.slept) > self.interrupt_after:
            raise KeyboardInterrupt

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.seconds, wall=lambda: NOW, sleep=self.sleep)


@dataclass(frozen=True)
class FakeRunning:
    api_url: str = "http://127.0.0.1:4566/api"
    token: str = "local-token"
    bucket_name: str = "snapshots"
    log_group_name: str = "/opportunity-scan/local"
    is_current: bool = True
    logs: "FakeLogs | None" = None

    def client(self, service: str) -> "FakeLogs":
        assert service == "logs" and self.logs, f"no test may reach {service}"  # noqa: PT018
        return self.logs


@dataclass(frozen=True)
class FakeLogs:
    """MiniStack's way: the oldest `limit` events from `startTime` on, and no token for the next ones."""

    events: Sequence[dict[str, Any]]

    def filter_log_events(self, *, logGroupName: str, startTime: int, limit: int) -> dict[str, Any]:  # noqa: N803
        assert logGroupName == "/opportunity-scan/local"
        later = (event for event in self.events if event["timestamp"] >= startTime)
        return {"events": sorted(later, key=lambda event: event["timestamp"])[:limit]}


@dataclass
class FakeStack:
    running: FakeRunning | None = field(default_factory=FakeRunning)

    def up(self, report: Steps) -> FakeRunning:
        with report("Deploying template.yaml"):
            self.running = self.running or FakeRunning()
        return self.running

    def down(self, report: Steps) -> bool:
        was_up, self.running = self.running is not None, None
        with report("Ending the emulator") if was_up else nullcontext():
            return was_up

    def make_user(self, stack: FakeRunning, name: str) -> str:
        assert stack is self.running
        return f"token-of-{name}"

    def load(self) -> FakeRunning | None:
        return self.running


@dataclass
class FakeBucket:
    objects: dict[str, bytes] = field(default_factory=dict)

    def put_once(self, key: str, body: bytes) -> None:
        self.objects.setdefault(key, body)


def context(
    api: FakeApi, *, time: FakeTime | None = None, stack: FakeStack | None = None, bucket: FakeBucket | None = None
) -> Context:
    local, bucket = stack or FakeStack(), bucket or FakeBucket()
    clock = (time or FakeTime()).clock
    return Context(clock=clock, transport=api, stack=lambda: local, bucket=lambda _running: bucket)


def run(
    api: FakeApi,
    *arguments: str,
    time: FakeTime | None = None,
    stack: FakeStack | None = None,
    bucket: FakeBucket | None = None,
    environment: Mapping[str, str | None] | None = None,
) -> Result:
    """Runs `opscan` with these arguments; whatever it does not catch, the test sees."""
    nothing = dict.fromkeys(("OPSCAN_API_URL", "OPSCAN_TOKEN", "COLUMNS", "FORCE_COLOR"))
    with_these = context(api, time=time, stack=stack, bucket=bucket)
    return CliRunner(env=nothing | (environment or {})).invoke(app, arguments, obj=with_these, catch_exceptions=False)
