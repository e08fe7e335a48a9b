"""What stands in the table's items, attribute by attribute: other versions and the workflow write and read them too."""

import json
import zlib

from opportunities.aws import items
from opportunities.aws.items import StoredResult
from opportunities.domain import Best, Filters, Investor, ScanState
from tests.support.builders import SCAN_ID, USER, outcome, scan


def test_an_item_that_the_workflow_has_written_to_reads_back_with_no_outcome_too_many() -> None:
    stored = items.scan_to_item(scan(state=ScanState.FAILED, request="0123456789abcdef"))
    item = {
        **stored,
        "snapshot_key": {"S": "windows/simulated-7/1"},
        "execution": {"S": "1"},
        "reason": {"S": "the workflow failed"},
        "risk_management": items.outcome_to_attribute(outcome()),
    }
    assert items.scan_from_item(item) == scan(
        state=ScanState.FAILED,
        request="0123456789abcdef",
        snapshot_key="windows/simulated-7/1",
        reason="the workflow failed",
        outcomes={"risk_management": outcome()},
    )


def test_a_deleted_scan_leaves_its_key_its_state_and_its_end() -> None:
    assert items.deleted_scan(USER, SCAN_ID, 7) == {
        "pk": {"S": f"USER#{USER}"},
        "sk": {"S": f"SCAN#{SCAN_ID}"},
        "state": {"S": "deleted"},
        "expires_at": {"N": "7"},
    }


def test_keys_of_different_things_never_meet() -> None:
    assert items.rate_key("u", 7) == {"pk": {"S": "USER#u"}, "sk": {"S": "RATE#7"}}
    assert items.profile_key("u") == {"pk": {"S": "USER#u"}, "sk": {"S": "PROFILE"}}
    assert items.scan_key("u", "s") == {"pk": {"S": "USER#u"}, "sk": {"S": "SCAN#s"}}
    assert items.result_key("u", "s") == {"S": "RESULT#u#s"}


def test_the_best_find_is_kept_to_the_cent_and_a_hundredth_of_a_percent() -> None:
    kept = items.outcome_to_attribute(outcome(best=Best("BTC/USDT", "spot_momentum", 41.23456, 0.8765432)))
    assert kept["M"]["best"]["L"][2:] == [{"N": "41.23"}, {"N": "0.8765"}]


def test_a_best_find_without_a_profit_comes_back_without_one() -> None:
    saves = outcome(best=Best("BTC/USDT", "hedge_position", None, 0.9))
    assert items.outcome_from_attribute(items.outcome_to_attribute(saves)) == saves


def test_stored_json_holds_no_spaces() -> None:
    stored = items.result_to_item(USER, SCAN_ID, StoredResult("s", [{"a": 1, "b": [1, 2]}], 0, 1, {}, {}), 7)
    texts = [
        items.scan_to_item(scan(filters=Filters(symbols=("BTC", "ETH"))))["filters"]["S"],
        items.investor_to_text(Investor()),
        zlib.decompress(stored["body"]["B"]).decode(),
    ]
    assert [text for text in texts if " " in text] == []


def test_only_the_attribute_that_is_counted_up_says_an_investors_version() -> None:
    assert json.loads(items.investor_to_text(Investor(version=7)))["version"] is None


def test_an_outcome_is_kept_short() -> None:
    long = items.outcome_to_attribute(outcome(reason="x" * 500))
    assert long["M"]["reason"]["S"] == "x" * 95 + "…"
    assert items.outcome_to_attribute(outcome(reason="x" * 96))["M"]["reason"]["S"] == "x" * 96
    assert long["M"]["best"] == {"L": [{"S": "BTC/USDT"}, {"S": "spot_momentum"}, {"N": "41.25"}, {"N": "0.87"}]}
