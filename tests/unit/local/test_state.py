import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from infra.local.stack import emulator, lifecycle, sources, state, users
from infra.local.stack.emulator import Emulator
from infra.local.stack.errors import StackError
from infra.local.stack.process import Process
from infra.local.stack.state import Stack
from infra.local.stack.users import Token

EMULATOR = Emulator(pid=4_194_305, started="a boot/1", port=4566)


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stack:
    """A saved stack, whose emulator runs."""
    monkeypatch.setattr(state, "STACK_STATE", tmp_path / "stack.json")
    monkeypatch.setattr(emulator, "find", lambda: EMULATOR)
    saved = Stack(
        emulator=EMULATOR,
        api_url="http://127.0.0.1:4566/_aws/execute-api/abc",
        table_name="table",
        bucket_name="bucket",
        state_machine_arn="arn:aws:states:us-east-1:000000000000:stateMachine:scan",
        log_group_name="/opportunity-scan/local",
        user_pool_id="pool",
        user_pool_client_id="client",
        username="demo",
        password="secret",
        access=Token("a.b.c", "user-1", time.time() + 3600),
    )
    saved.save()
    return saved


def test_saved_snapshot_is_loaded(stack: Stack) -> None:
    assert state.load() == stack
    assert (stack.token, stack.user_id, stack.endpoint_url) == ("a.b.c", "user-1", "http://127.0.0.1:4566")


def test_a_stack_is_current_until_the_sources_are_others(stack: Stack) -> None:
    assert stack.is_current  # an earlier version noted none
    assert replace(stack, sources=sources.digest()).is_current
    assert not replace(stack, sources="of other sources").is_current


def test_only_the_owner_may_read_the_state(stack: Stack, tmp_path: Path) -> None:
    assert stack
    assert (tmp_path / "stack.json").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["stack.json"]


def test_no_stack_is_loaded_when_its_emulator_has_ended(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stack
    monkeypatch.setattr(emulator, "find", lambda: None)
    assert state.load() is None


def test_earlier_emulators_state_is_not_taken_for_the_running_one(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stack
    monkeypatch.setattr(emulator, "find", lambda: replace(EMULATOR, started="a boot/2"))
    assert state.load() is None


def test_a_token_about_to_expire_is_renewed_and_kept(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    replace(stack, access=Token("old", "user-1", time.time() + 60)).save()
    renewed = Token("new", "user-1", time.time() + 3600)
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr(users, "sign_in", lambda *arguments: asked.append(arguments) or renewed)
    for _ in range(2):
        loaded = state.load()
        assert loaded
        assert loaded.token == "new"
    assert asked == [(EMULATOR, "client", "demo", "secret")]


def test_an_error_shows_the_end_of_the_log_and_names_it(tmp_path: Path) -> None:
    log = tmp_path / "sam.log"
    log.write_text("\n".join(f"line {number}" for number in range(100)))
    said = str(StackError("It failed: mend it.", log))
    assert said.startswith("It failed: mend it.\n")
    assert "line 99" in said
    assert "line 80" not in said
    assert said.endswith(str(log))


def test_another_user_gets_a_password_and_a_token(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "put", lambda _emulator, pool, name: f"{pool}/{name}")
    monkeypatch.setattr(users, "sign_in", lambda _emulator, *said: Token("/".join(said), "user-2", time.time() + 3600))
    assert lifecycle.make_user(stack, "alice") == "client/alice/pool/alice"


def test_the_demo_users_password_is_not_replaced_by_asking_for_a_token(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(users, "put", lambda *_: pytest.fail("the password is in the stack's state"))
    assert lifecycle.make_user(stack, "demo") == stack.token


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A directory of its own for a stack to be ended in."""
    for module, name, file in (
        (lifecycle, "LOCK", "lock"),
        (lifecycle, "STACK_STATE", "stack.json"),
        (emulator, "EMULATOR_STATE", "emulator.json"),
        (emulator, "EMULATOR_TMP", "tmp"),
    ):
        monkeypatch.setattr(module, name, tmp_path / file)
    return tmp_path


def test_ending_the_stack_tells_of_each_step_before_it_begins(home: Path) -> None:
    unpacked = home / "tmp/ministack-lambda-1/layer"
    unpacked.mkdir(parents=True)
    steps: list[tuple[str, bool, bool]] = []
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True) as leader:
        process = Process.of(leader.pid)
        assert process
        (home / "emulator.json").write_text(json.dumps(asdict(Emulator(process.pid, process.started, 4566))))

        @contextmanager
        def report(step: str) -> Iterator[None]:
            steps.append((step, process.is_alive(), unpacked.exists()))
            yield

        assert lifecycle.down(report)
        assert [(alive, there) for _, alive, there in steps] == [(True, True), (False, True)]
        assert steps[0][0].startswith("Ending the emulator")
        assert steps[1][0].startswith("Removing")
        assert [path.name for path in home.iterdir()] == ["lock"]
        steps.clear()
        assert not lifecycle.down(report)
        assert steps == []


def test_ended_emulators_files_are_removed_aloud_too(home: Path) -> None:
    (home / "tmp").mkdir()
    steps: list[str] = []

    @contextmanager
    def report(step: str) -> Iterator[None]:
        steps.append(step)
        yield

    assert not lifecycle.down(report)
    assert len(steps) == 1
    assert not (home / "tmp").exists()
