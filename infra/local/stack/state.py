"""What the other commands know of a local stack that is up: one private file."""

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from infra.local.stack import emulator as emulators
from infra.local.stack import environment, sources, users
from infra.local.stack.emulator import Emulator
from infra.local.stack.places import EMULATOR_LOG, STACK_STATE
from infra.local.stack.private_file import write_private
from infra.local.stack.users import Token


@dataclass(frozen=True)
class Stack:
    """A local stack that is up, with its demo user."""

    emulator: Emulator
    api_url: str
    table_name: str
    bucket_name: str
    state_machine_arn: str
    log_group_name: str
    user_pool_id: str
    user_pool_client_id: str
    username: str
    password: str
    access: Token
    region: str = environment.REGION
    log_file: str = str(EMULATOR_LOG)
    sources: str = ""

    @property
    def token(self) -> str:
        """The demo user's, good for minutes at least when the stack was loaded."""
        return self.access.text

    @property
    def user_id(self) -> str:
        return self.access.user_id

    @property
    def endpoint_url(self) -> str:
        return self.emulator.endpoint_url

    @property
    def is_current(self) -> bool:
        """Whether what was deployed is what is in the working tree now; True where that was not noted."""
        return self.sources in ("", sources.digest())

    def client(self, service: str) -> Any:  # noqa: ANN401 - botocore makes its clients' methods at run time
        """A botocore client that can only reach this stack, as the account's root."""
        return self.emulator.client(service)

    def save(self) -> None:
        write_private(STACK_STATE, json.dumps(asdict(self), indent=2))


def load() -> Stack | None:
    """The stack that is up, its token renewed when it is about to expire; None when there is none."""
    running = emulators.find()
    if running is None or not STACK_STATE.exists():
        return None
    saved = json.loads(STACK_STATE.read_text())
    stack = Stack(**saved | {"emulator": Emulator(**saved["emulator"]), "access": Token(**saved["access"])})
    if stack.emulator != running:  # left from another one, by a `make up` that did not end well
        return None
    if stack.access.is_fresh:
        return stack
    access = users.sign_in(running, stack.user_pool_client_id, stack.username, stack.password)
    renewed = replace(stack, access=access)
    renewed.save()
    return renewed
