import os
from pathlib import Path

import pytest

from infra.local.stack import environment

ENDPOINT = "http://127.0.0.1:4566"
HOSTILE = {
    "AWS_PROFILE": "production",
    "AWS_ACCESS_KEY_ID": "AKIAREAL",
    "AWS_SECRET_ACCESS_KEY": "real",
    "AWS_SESSION_TOKEN": "real",
    "AWS_CONFIG_FILE": "/home/somebody/.aws/config",
    "AWS_ENDPOINT_URL": "https://sts.amazonaws.com",
    "AWS_ENDPOINT_URL_S3": "https://s3.amazonaws.com",
    "aws_default_region": "eu-west-1",
    "SAM_CLI_TELEMETRY": "1",
    "https_proxy": "http://proxy.example:3128",
    "no_proxy": "intranet.example",
    "PATH": "/usr/bin",
}


def test_nothing_of_the_callers_aws_configuration_reaches_a_tool() -> None:
    passed = environment.for_tools(ENDPOINT, HOSTILE)
    aws = {name: value for name, value in passed.items() if name.upper().startswith("AWS_")}
    assert aws == {
        "AWS_ENDPOINT_URL": ENDPOINT,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def test_sam_reports_nothing_and_writes_to_no_home_directory() -> None:
    passed = environment.for_tools(ENDPOINT, HOSTILE)
    assert passed["SAM_CLI_TELEMETRY"] == "0"
    assert ".opscan" in passed["__SAM_CLI_APP_DIR"]


def test_downloads_keep_their_proxy_and_the_emulator_is_called_past_it() -> None:
    passed = environment.for_tools(ENDPOINT, HOSTILE)
    assert passed["https_proxy"] == HOSTILE["https_proxy"]
    assert passed["NO_PROXY"] == passed["no_proxy"] == "intranet.example,127.0.0.1,localhost"


def test_the_emulator_gets_nothing_from_the_caller_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PERSIST_STATE", "1")
    monkeypatch.setenv("AWS_PROFILE", "production")
    given = environment.for_emulator(4566, tmp_path)
    assert given["BIND_HOST"] == "127.0.0.1"
    assert given["AUTH"] == "true"
    assert given["TMPDIR"] == str(tmp_path)
    assert Path(given["STATE_DIR"]).parent == tmp_path, "the keys that sign tokens would lie open in /tmp"
    assert not {"PERSIST_STATE", "AWS_PROFILE", "AWS_ENDPOINT_URL"} & given.keys()


def test_an_applied_environment_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    before = dict(os.environ)
    with pytest.raises(ZeroDivisionError), environment.applied({"ONLY": "this"}):
        fail_seeing({"ONLY": "this"})
    assert dict(os.environ) == before


def fail_seeing(seen: dict[str, str]) -> None:
    assert dict(os.environ) == seen
    raise ZeroDivisionError
