"""Every strategy's Lambda: it runs the strategy that its environment names, on the snapshot that the workflow names."""

import io
import json
from typing import Any

import pytest

from opportunities.aws import clients
from opportunities.aws.store import Store
from opportunities.domain import OutcomeStatus, ScanState
from opportunities.handlers import strategy
from opportunities.market.archive.file import save
from opportunities.market.simulated import simulated
from tests.support.builders import SCAN_ID, USER, scan
from tests.support.doubles import Recorder
from tests.support.template import event

pytestmark = pytest.mark.usefixtures("lambdas", "bucket")


class Bucket:
    """An S3 with one snapshot in it, which keeps what was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self._body = save(simulated(7, 1_795_291_200, 3))

    def get_object(self, **arguments: Any) -> dict[str, Any]:
        self.asked.append((arguments["Bucket"], arguments["Key"]))
        return {"Body": io.BytesIO(self._body)}


@pytest.fixture
def bucket(recorded: Recorder, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    bucket = Bucket()
    monkeypatch.setattr(clients, "client", {"dynamodb": recorded, "s3": bucket}.__getitem__)
    monkeypatch.setenv("SNAPSHOT_BUCKET", "snapshots")
    monkeypatch.setenv("STRATEGY", "risk_management")
    strategy._market.cache_clear()
    return bucket


@pytest.fixture
def placeholder(store: Store) -> None:
    store.put_scan(scan(state=ScanState.SCANNING, deadline=4_102_444_800, expires_at=4_102_444_800))


@pytest.mark.usefixtures("placeholder")
def test_handler_records_and_counts_the_outcome_of_its_own_strategy(
    bucket: Bucket, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert strategy.handler(event("strategy"), None) == {"status": "complete"}
    found = store.scan(USER, SCAN_ID)
    assert found is not None
    assert {name: one.status for name, one in found.outcomes.items()} == {"risk_management": OutcomeStatus.COMPLETE}
    metric = json.loads(capsys.readouterr().out)
    assert metric["scan_id"] == SCAN_ID
    assert (metric["Outcomes"], metric["strategy"], metric["status"]) == ([1.0], "risk_management", "complete")
    assert bucket.asked == [("snapshots", "windows/simulated-7/1795291200")]


@pytest.mark.usefixtures("placeholder")
def test_the_scans_of_one_window_read_its_snapshot_once_and_only_the_last_one_is_kept(bucket: Bucket) -> None:
    first, second = event("strategy"), {**event("strategy"), "snapshot_key": "windows/simulated-7/1795291500"}
    for one in (first, first, second, second, first):
        strategy.handler(one, None)
    assert [key for _, key in bucket.asked] == [first["snapshot_key"], second["snapshot_key"], first["snapshot_key"]]


@pytest.mark.usefixtures("placeholder")
def test_a_strategy_that_fails_says_of_which_scan(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delattr(bucket.__class__, "get_object")
    with pytest.raises(AttributeError):
        strategy.handler(event("strategy"), None)
    (record,) = caplog.records
    assert (
        vars(record).items()
        >= {"name": "opportunities", "levelname": "ERROR", "scan_id": SCAN_ID, "strategy": "risk_management"}.items()
    )


def test_a_strategy_whose_scan_has_ended_without_it_is_late(store: Store) -> None:
    store.put_scan(scan(state=ScanState.CANCELLED, deadline=4_102_444_800, expires_at=4_102_444_800))
    assert strategy.handler(event("strategy"), None) == {"status": "late"}
