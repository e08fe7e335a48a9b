"""That `make permissions` takes a step's failure for a missing permission only if nothing else can be the reason."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.permissions import run, steps
from tests.permissions.steps import EndedFirst, Noticed, Probe


@dataclass
class Service:
    """A service that lacks a permission while `lacking`; `script` overrides what its next uses meet."""

    lacking: bool = False
    script: list[bool] = field(default_factory=list)

    @contextmanager
    def removal(self) -> Iterator[None]:
        self.lacking = True
        yield
        self.lacking = False


def needless(_: Any) -> None:
    """Doing without it."""


def using(service: Any) -> None:
    """Using it."""
    if service.script.pop(0) if service.script else service.lacking:
        raise Noticed("refused")


@pytest.fixture(autouse=True)
def _steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "STEPS", [needless, using])


def what_notices(service: Service) -> str | None:
    probe: Any = service
    return run.what_notices(probe, service.removal())


def test_the_step_that_needs_a_permission_notices_its_removal() -> None:
    assert what_notices(Service()) == "using it: refused"


def test_nothing_notices_the_removal_of_what_nobody_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "STEPS", [needless])
    assert what_notices(Service()) is None


def test_a_step_that_fails_once_has_noticed_nothing() -> None:
    assert what_notices(Service(script=[True, False])) is None


def test_a_step_that_fails_with_the_permission_too_ends_the_run() -> None:
    with pytest.raises(SystemExit, match="although nothing is taken away: using it: refused"):
        what_notices(Service(script=[True, True, True]))


@pytest.mark.parametrize("step", [steps.cancelled, steps.stopped])
def test_scans_that_end_too_soon_show_nothing(step: steps.Step, monkeypatch: pytest.MonkeyPatch) -> None:
    probe = Probe.__new__(Probe)
    probe.stack = Ended()  # type: ignore[assignment]
    probe.caller = Ended()  # type: ignore[assignment]
    monkeypatch.setattr(Probe, "discover", lambda *_, **__: "scan_1")
    monkeypatch.setattr(Probe, "executions", lambda *_: [{"executionArn": "arn:of:scan_1"}])
    with pytest.raises(EndedFirst, match="8 scans"):
        step(probe)


class Ended:
    """Step Functions and the API, of which every scan has ended."""

    status = 409

    class exceptions:  # noqa: N801 - as boto's clients have it
        class ValidationException(Exception):
            pass

    def client(self, _: str) -> "Ended":
        return self

    def stop_execution(self, **_: str) -> None:
        raise self.exceptions.ValidationException

    def call(self, *_: str) -> "Ended":
        return self
