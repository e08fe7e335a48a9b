"""The library before the real handlers: what it sends is accepted, and what they answer is understood."""

import httpx
import pytest

import opscan
from opscan import Client
from tests.support.local_api import api
from tests.support.local_http import Request

pytestmark = pytest.mark.usefixtures("lambdas")


@pytest.fixture
def client() -> Client:
    respond = api({"alice-token": "alice", "bob-token": "bob"}.get)

    def answer(request: httpx.Request) -> httpx.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        reply = respond(Request(request.method, request.url.raw_path.decode(), headers, request.content))
        return httpx.Response(reply.status, headers=dict(reply.headers), content=reply.body)

    return Client("http://127.0.0.1", "alice-token", transport=httpx.MockTransport(answer))


def test_scan_lives_from_discover_to_delete(client: Client) -> None:
    scan = client.discover(symbols=["BTC"], strategy_ids=["funding_arbitrage"], max_required_capital=5_000.0)
    assert not scan.done()
    assert scan.status().progress == opscan.Progress(ended=0, failed=0, total=1, found=0)
    with pytest.raises(opscan.ScanTimeout) as late:
        scan.wait(timeout=0)
    assert late.value.status.scan_id == scan.scan_id
    with pytest.raises(opscan.Conflict) as runs:
        scan.delete()
    assert runs.value.problem["status"] == 409
    assert "runs" in runs.value.detail
    assert scan.cancel().state == "cancelled"
    assert client.scan(scan.scan_id).done()
    with pytest.raises(opscan.ScanFailed, match="cancelled"):
        scan.results()
    assert len(scan.results(partial=True)) == 0
    (listed,) = client.scans(status=["cancelled"])
    assert (listed.scan_id, listed.filters["symbols"]) == (scan.scan_id, ["BTC"])
    scan.delete()
    with pytest.raises(opscan.NotFound) as gone:
        scan.status()
    assert gone.value.status_code == 404


def test_every_discover_makes_a_scan_unless_it_is_to_join_one(client: Client) -> None:
    first, second = (client.discover(symbols=["BTC"]) for _ in range(2))
    assert first.scan_id != second.scan_id
    shared, joined = (client.discover(symbols=["BTC"], join=True) for _ in range(2))
    assert (joined.scan_id, shared.reused, joined.reused) == (shared.scan_id, False, True)
    keyed, again = (client.discover(symbols=["BTC"], idempotency_key="mine") for _ in range(2))
    assert keyed.scan_id == again.scan_id
    with pytest.raises(opscan.InvalidRequest) as another:
        client.discover(symbols=["ETH"], idempotency_key="mine")
    assert set(another.value.fields) == {"Idempotency-Key"}


def test_broken_rule_is_said_by_field(client: Client) -> None:
    with pytest.raises(opscan.InvalidRequest) as refused:
        client.discover(symbols=["no symbol"], strategy_ids=["astrology"])
    assert {name.partition(".")[0] for name in refused.value.fields} == {"symbols", "strategy_ids"}


def test_profile_and_catalogue_are_read_and_put(client: Client) -> None:
    stored = client.put_profile(
        capital_usd=25_000.0, holdings={"BTC": 0.4}, fees={"binance": {"spot_taker": 0.001}}, allowed_assets=["BTC"]
    )
    assert stored.version == 1
    again = client.put_profile(**client.profile().fields | {"risk_tolerance": "low"})
    assert (again.capital_usd, again.holdings, again.fees) == (25_000.0, {"BTC": 0.4}, stored.fees)
    assert (again.risk_tolerance, again.allowed_assets, again.version) == ("low", ("BTC",), 2)
    assert "funding_arbitrage" in {one.strategy_id for one in client.strategies()}


def test_strangers_scan_and_a_wrong_token_are_told_apart(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = client.discover()
    monkeypatch.setattr(client, "_token", "bob-token")
    with pytest.raises(opscan.NotFound):
        scan.status()
    monkeypatch.setattr(client, "_token", "nobody")
    with pytest.raises(opscan.Unauthorized) as refused:
        scan.status()
    assert refused.value.problem == {"message": "Unauthorized"}
