"""Brings the local stack up and down, one command at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.stack import deploy, first_use, gateway, sources, users
from infra.local.stack import emulator as emulators
from infra.local.stack.api import Caller
from infra.local.stack.emulator import Emulator
from infra.local.stack.errors import StackError
from infra.local.stack.places import EMULATOR_LOG, LOCK, STACK_STATE
from infra.local.stack.reporting import Report, on_stderr
from infra.local.stack.state import Stack, load

_DEMO_USER = "demo"
_WARM_UP_USER = "warm-up"  # not the demo user, who has scans of their own


def up(report: Report = on_stderr, **parameters: str) -> Stack:
    """Starts the stack, or deploys what is in the working tree now to the one that runs, with these `parameters`."""
    with _alone(), _plain_errors():
        emulator = emulators.find()
        if emulator is None:
            with report("Starting the emulator"):
                emulator = emulators.start()
        deployed = sources.digest()  # before the build: what is edited while it runs counts as not deployed
        outputs = deploy.deploy(emulator, report, parameters)
        with report("Adding the routes and the demo investor"):
            api_url = gateway.configure(emulator, deploy.STACK_NAME)
            stack = _with_demo_user(emulator, api_url, outputs, deployed)
            stack.save()
        with report("Warming up the Lambdas"):
            first_use.warm_up(Caller(api_url, make_user(stack, _WARM_UP_USER)))
        return stack


def down(report: Report = on_stderr) -> bool:
    """Ends exactly what `up` started; False when nothing was running."""
    with _alone():
        emulator = emulators.find()
        if emulator:
            with report(f"Ending the emulator and its Lambdas (process {emulator.pid})"):
                emulator.process.end()
        with (
            report("Removing the gigabytes that its Lambdas unpacked") if emulators.has_left_files() else nullcontext()
        ):
            emulators.remove_files()
        STACK_STATE.unlink(missing_ok=True)
    return emulator is not None


def make_user(stack: Stack, name: str) -> str:
    """Another user's access token; made if there is none of that name. The demo user keeps the password."""
    if name == stack.username:
        return stack.token
    with _plain_errors():
        password = users.put(stack.emulator, stack.user_pool_id, name)
        return users.sign_in(stack.emulator, stack.user_pool_client_id, name, password).text


def _with_demo_user(emulator: Emulator, api_url: str, outputs: dict[str, str], deployed: str) -> Stack:
    """The password and the investor stay from one deployment to the next."""
    pool_id, client_id = outputs["UserPoolId"], outputs["UserPoolClientId"]
    before = load()
    known = before is not None and before.user_pool_id == pool_id
    password = before.password if before and known else users.put(emulator, pool_id, _DEMO_USER)
    access = users.sign_in(emulator, client_id, _DEMO_USER, password)
    if not known:
        first_use.store_investor(Caller(api_url, access.text))
    return Stack(
        emulator=emulator,
        api_url=api_url,
        table_name=outputs["TableName"],
        bucket_name=outputs["SnapshotBucketName"],
        state_machine_arn=outputs["StateMachineArn"],
        log_group_name=outputs["LogGroupName"],
        user_pool_id=pool_id,
        user_pool_client_id=client_id,
        username=_DEMO_USER,
        password=password,
        access=access,
        sources=deployed,
    )


@contextmanager
def _alone() -> Iterator[None]:
    """Two commands at once would start two emulators, and lose one."""
    LOCK.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with LOCK.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = "Another command is starting or ending the local stack: wait until it is done, then try again."
            raise StackError(message) from error
        yield


@contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        message = f"The emulator did not do as asked ({error}): run `make down`, then `make up`."
        raise StackError(message, EMULATOR_LOG) from error
