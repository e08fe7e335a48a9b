"""One snapshot per window, whoever comes first."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.stub import Stubber
from moto import mock_aws

from opportunities.aws import clients
from opportunities.aws.snapshots import SnapshotBucket
from opportunities.errors import MarketUnavailable, Unavailable
from opportunities.handlers import capture as capture_handler
from opportunities.market.archive.file import load
from opportunities.market.snapshot import MarketSnapshot, Spot
from opportunities.services.capture import Capture, describe
from tests.support import dynamodb_local
from tests.support.doubles import Recorder
from tests.support.markets import funding, perpetuals, walks
from tests.support.markets import market as market_of
from tests.support.template import event

BUCKET = "snapshots"


@pytest.fixture
def s3() -> Iterator[Recorder]:
    with mock_aws():
        client = dynamodb_local.client("https://s3.us-east-1.amazonaws.com", "s3")
        client.create_bucket(Bucket=BUCKET)
        yield Recorder(client)


class Source:
    """A market source that counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, captured_at: int) -> MarketSnapshot:
        self.asked.append(captured_at)
        return MarketSnapshot(captured_at=captured_at, source=f"take {len(self.asked)}", fees={})


def capture(s3: Any, source: Source) -> Capture:
    return Capture(SnapshotBucket(s3, BUCKET), source, "simulated-7", 300)


def test_all_scans_of_a_window_share_one_snapshot(s3: Recorder) -> None:
    source = Source()
    keys = {capture(s3, source).window(100) for _ in range(3)}
    assert keys == {"windows/simulated-7/30000"}
    assert source.asked == [30_000]


def test_the_next_window_has_its_own(s3: Recorder) -> None:
    source = Source()
    assert capture(s3, source).window(100) != capture(s3, source).window(101)


def test_the_loser_of_a_race_uses_the_winners_snapshot(s3: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    winner, loser = Source(), Source()
    key = capture(s3, winner).window(100)
    monkeypatch.setattr(SnapshotBucket, "has", lambda _bucket, _key: False)
    assert capture(s3, loser).window(100) == key
    assert loser.asked == [30_000]
    stored = load(SnapshotBucket(s3, BUCKET).get(key))
    assert stored.source == "take 1"
    puts = [arguments for name, arguments, _ in s3.calls if name == "put_object"]
    assert [(one["IfNoneMatch"], one["ContentType"]) for one in puts] == [("*", "application/octet-stream")] * 2


def test_a_pinned_snapshot_must_be_there(s3: Recorder) -> None:
    with pytest.raises(MarketUnavailable, match="no snapshot is named april; upload it to pinned/april"):
        capture(s3, Source()).pinned("april")
    s3.put_object(Bucket=BUCKET, Key="pinned/april", Body=b"")
    assert capture(s3, Source()).pinned("april") == "pinned/april"


def test_a_snapshot_that_has_expired_is_said_to_be_gone(s3: Recorder) -> None:
    with pytest.raises(MarketUnavailable, match="windows/x/1 is gone; start a new scan"):
        SnapshotBucket(s3, BUCKET).get("windows/x/1")


def test_missing_snapshot_is_gone_or_forbidden_to_a_role_that_may_not_list() -> None:
    """Without s3:ListBucket, S3 answers 403 where nothing is."""
    client = dynamodb_local.client("https://s3.us-east-1.amazonaws.com", "s3")
    with Stubber(client) as stubbed:
        stubbed.add_client_error("get_object", "AccessDenied", http_status_code=403)
        with pytest.raises(MarketUnavailable, match=r"windows/x/1 is gone, or .* may not read it: start a new scan"):
            SnapshotBucket(client, BUCKET).get("windows/x/1")


def test_the_handler_captures_the_window_of_the_scan(s3: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "client", {"s3": s3}.__getitem__)
    settings = {
        "SNAPSHOT_BUCKET": BUCKET,
        "SNAPSHOT_SECONDS": "300",
        "MARKET_SOURCE": "simulated",
        "SIMULATION_SEED": "7",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    answer = capture_handler.handler(event("capture"), None)
    assert answer == {"snapshot_key": "windows/simulated-7/1795291200"}
    market = load(SnapshotBucket(s3, BUCKET).get(answer["snapshot_key"]))
    assert (market.source, market.captured_at) == ("simulated", 1_795_291_200)


def test_a_live_markets_key_names_its_exchanges(s3: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "client", {"s3": s3}.__getitem__)
    asked: list[tuple[str, ...]] = []

    def live(exchanges: tuple[str, ...]) -> MarketSnapshot:
        asked.append(exchanges)
        return MarketSnapshot(captured_at=1_795_291_260, source="live (binance, kraken)", fees={})

    monkeypatch.setattr(capture_handler, "live", live)
    settings = {
        "SNAPSHOT_BUCKET": BUCKET,
        "SNAPSHOT_SECONDS": "300",
        "MARKET_SOURCE": "live",
        "EXCHANGES": "binance, kraken",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    answer = capture_handler.handler(event("capture"), None)
    assert answer == {"snapshot_key": "windows/live-binance-kraken/1795291200"}
    assert asked == [("binance", "kraken")]
    market = load(SnapshotBucket(s3, BUCKET).get(answer["snapshot_key"]))
    assert (market.source, market.captured_at) == ("live (binance, kraken)", 1_795_291_260)


def test_a_planted_markets_key_names_its_seed(s3: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "client", {"s3": s3}.__getitem__)
    monkeypatch.setattr(
        capture_handler,
        "planted_market",
        lambda seed, moment: MarketSnapshot(captured_at=moment, source=f"planted {seed}", fees={}),
    )
    settings = {
        "SNAPSHOT_BUCKET": BUCKET,
        "SNAPSHOT_SECONDS": "300",
        "MARKET_SOURCE": "planted",
        "SIMULATION_SEED": "8",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    answer = capture_handler.handler(event("capture"), None)
    assert answer == {"snapshot_key": "windows/planted-8/1795291200"}
    market = load(SnapshotBucket(s3, BUCKET).get(answer["snapshot_key"]))
    assert (market.source, market.captured_at) == ("planted 8", 1_795_291_200)


def test_a_pinned_scan_captures_nothing(s3: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "client", {"s3": s3}.__getitem__)
    settings = {
        "SNAPSHOT_BUCKET": BUCKET,
        "SNAPSHOT_SECONDS": "300",
        "MARKET_SOURCE": "planted",
        "SIMULATION_SEED": "8",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    s3.put_object(Bucket=BUCKET, Key="pinned/april", Body=b"")
    s3.calls.clear()
    pinned = {**event("capture"), "snapshot": "april"}
    assert capture_handler.handler(pinned, None) == {"snapshot_key": "pinned/april"}
    assert "put_object" not in [name for name, _, _ in s3.calls]


def test_an_unknown_market_source_is_refused(s3: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "client", {"s3": s3}.__getitem__)
    monkeypatch.setenv("MARKET_SOURCE", "guessed")
    with pytest.raises(LookupError, match="MARKET_SOURCE is 'guessed'"):
        capture_handler.handler(event("capture"), None)


def test_ccxt_is_not_imported_for_a_simulated_market() -> None:
    program = "import sys, opportunities.handlers.capture; sys.exit('ccxt' in sys.modules or 'talib' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_pair_on_two_exchanges_counts_once_by_its_largest_listing() -> None:
    numbers = np.array([2e8, 5.0, np.nan])
    spot = Spot(
        symbols=("BTC/USDT", "BTC/USDT", "ETH/USDT"),
        exchanges=("a", "b", "a"),
        bid=numbers,
        ask=numbers,
        last=numbers,
        volume_24h_usd=numbers,
        candles={},
    )
    described = describe(MarketSnapshot(captured_at=0, source="live (a, b)", fees={}, spot=spot), ())
    assert described["source"] == "live (a, b)"
    assert described["asset_tiers"] == {"institutional": 1, "micro": 1}
    assert described["total_assets_scanned"] == 2
    assert described["excluded"] == {}


def test_contracts_margined_in_coin_are_said_to_be_judged_for_their_funding_only() -> None:
    spot = market_of({"1h": walks(1, 3, 260)}).spot
    assert spot
    contracts = perpetuals(spot, funding(1, np.zeros(3)))
    inverse = np.array([0, 1, 1])
    snapshot = MarketSnapshot(0, "files", {}, perpetuals=replace(contracts, inverse=inverse), excluded={"stale": 4})
    assert describe(snapshot, ())["excluded"] == {"stale": 4, "inverse perpetual, judged for its funding only": 2}
    linear = replace(snapshot, perpetuals=contracts)
    assert describe(linear, ())["excluded"] == {"stale": 4}


def s3_error(code: str, status: int) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "S3")


class Trouble:
    """An S3 that answers every call with the same error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, _operation: str) -> Any:
        def call(**_arguments: Any) -> Any:
            raise self.error

        return call


CALLS: list[Callable[[SnapshotBucket], object]] = [
    lambda bucket: bucket.has("windows/x/1"),
    lambda bucket: bucket.put_once("windows/x/1", b""),
    lambda bucket: bucket.get("windows/x/1"),
]


@pytest.mark.parametrize("call", CALLS, ids=["has", "put_once", "get"])
@pytest.mark.parametrize(
    "error", [s3_error("SlowDown", 503), s3_error("InternalError", 500), ReadTimeoutError(endpoint_url="https://s3")]
)
def test_a_bucket_that_does_not_answer_now_is_asked_again_later(
    call: Callable[[SnapshotBucket], object], error: Exception
) -> None:
    """`Unavailable` is the one error of ours that the workflow retries."""
    with pytest.raises(Unavailable):
        call(SnapshotBucket(Trouble(error), BUCKET))


@pytest.mark.parametrize("call", CALLS, ids=["has", "put_once", "get"])
def test_a_bucket_that_refuses_is_not(call: Callable[[SnapshotBucket], object]) -> None:
    with pytest.raises((ClientError, MarketUnavailable)):  # neither of which the workflow tries again
        call(SnapshotBucket(Trouble(s3_error("AccessDenied", 403)), BUCKET))


@pytest.mark.parametrize(("code", "status"), [("PreconditionFailed", 412), ("ConditionalRequestConflict", 409)])
def test_snapshot_that_another_capture_writes_stands(code: str, status: int) -> None:
    SnapshotBucket(Trouble(s3_error(code, status)), BUCKET).put_once("windows/x/1", b"")


@pytest.mark.parametrize("code", ["404", "NoSuchKey", "NotFound"])
def test_nothing_is_there_whatever_s3_calls_it(code: str) -> None:
    bucket = SnapshotBucket(Trouble(s3_error(code, 404)), BUCKET)
    assert bucket.has("windows/x/1") is False
    with pytest.raises(MarketUnavailable, match="windows/x/1 is gone; start a new scan"):
        bucket.get("windows/x/1")


@pytest.mark.parametrize("code", ["403", "AccessDenied"])
def test_nothing_may_be_there_for_a_role_that_is_refused(code: str) -> None:
    with pytest.raises(MarketUnavailable, match="or this function's role may not read it"):
        SnapshotBucket(Trouble(s3_error(code, 403)), BUCKET).get("windows/x/1")


def test_any_other_error_of_s3_crashes() -> None:
    bucket = SnapshotBucket(Trouble(s3_error("InvalidArgument", 400)), BUCKET)
    for call in CALLS:
        with pytest.raises(ClientError):
            call(bucket)


def test_a_body_that_breaks_off_is_read_again_later() -> None:
    class BreaksOff:
        def get_object(self, **_arguments: Any) -> Any:
            return {"Body": Trouble(ReadTimeoutError(endpoint_url="https://s3"))}

    with pytest.raises(Unavailable):
        SnapshotBucket(BreaksOff(), BUCKET).get("windows/x/1")


def test_a_market_is_described_whole() -> None:
    spot = market_of({"1h": walks(1, 3, 260)}).spot
    assert spot
    spot = replace(
        spot,
        symbols=("BTC/USDT", "BTC/USDT", "ETH/USDT"),
        exchanges=("a", "b", "a"),
        volume_24h_usd=np.array([2e8, 5.0, np.nan]),
    )
    contracts = replace(
        perpetuals(spot, funding(1, np.zeros(3))), symbols=("BTC/USDT:USDT", "SOL/USDT:USDT", "ETH/USDT:USDT")
    )
    market = MarketSnapshot(
        captured_at=1_795_291_200,
        source="live (a, b)",
        fees={},
        spot=spot,
        perpetuals=contracts,
        excluded={"stale": 4},
        missing={"options": "a does not answer"},
        assumptions={"fees": "those of a new customer"},
    )
    assert describe(market, ("BTC", "SOL/USDT:USDT", "DOGE")) == {
        "source": "live (a, b)",
        "captured_at": "2026-11-21T20:00:00.000Z",
        "total_assets_scanned": 3,
        "asset_tiers": {"institutional": 1, "micro": 1},
        "unknown_symbols": ["DOGE"],
        "excluded": {"stale": 4},
        "missing": {"options": "a does not answer"},
        "assumptions": {"fees": "those of a new customer"},
    }
