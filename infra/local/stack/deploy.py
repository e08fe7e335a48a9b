"""Brings template.yaml into the emulator the way it would get into AWS: with `sam build` and `sam deploy`."""

import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.local.stack import environment
from infra.local.stack.emulator import Emulator
from infra.local.stack.errors import StackError
from infra.local.stack.places import ROOT, SAM_HOME, SAM_LOG
from infra.local.stack.private_file import write_private
from infra.local.stack.reporting import Report

STACK_NAME = "opportunity-scan-local"
_ARTIFACTS = "opportunity-scan-artifacts"
_SAM = Path(sys.executable).with_name("sam")
_ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "arm64": "arm64", "aarch64": "arm64"}


def deploy(emulator: Emulator, report: Report, changed: Mapping[str, str]) -> dict[str, str]:
    """Builds and deploys what is in the working tree now; the deployed stack's outputs."""
    # Lambdas run on this machine, so they are built for it, and need no network; on AWS the template's defaults hold
    values = {"Architecture": architecture(), "MarketSource": "planted", **changed}
    parameters = ["--parameter-overrides", *(f"{name}={value}" for name, value in values.items())]
    write_private(SAM_LOG, "")
    first = "" if SAM_HOME.exists() else " (the first time takes a minute)"
    SAM_HOME.mkdir(exist_ok=True)
    with report(f"Building the Lambdas and their layers{first}"):
        _sam(emulator, "build", ["--template-file", str(ROOT / "template.yaml"), *parameters])
    with report("Deploying template.yaml"):
        emulator.client("s3").create_bucket(Bucket=_ARTIFACTS)
        _sam(emulator, "deploy", ["--s3-bucket", _ARTIFACTS, *parameters])
    return _outputs(emulator)


def _sam(emulator: Emulator, command: str, arguments: list[str]) -> None:
    # a `sam deploy` leaves an empty directory for each Lambda and layer among the temporary ones, so they are its own
    with SAM_LOG.open("a") as log, TemporaryDirectory(dir=SAM_HOME, prefix="tmp-") as temporary:
        log.write(f"\n== sam {command} {' '.join(arguments)}\n")
        log.flush()
        done = subprocess.run(
            [str(_SAM), command, "--config-file", str(ROOT / "samconfig.toml"), "--config-env", "local", *arguments],
            cwd=SAM_HOME,
            env={
                **environment.for_tools(emulator.endpoint_url),
                "TMPDIR": temporary,
                # the layers' makefile wants to know the processor too: sam does not tell it
                "ARCHITECTURE": architecture(),
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0:
        message = f"`sam {command}` failed: mend what its log says, then run `make up` again."
        raise StackError(message, SAM_LOG)


def _outputs(emulator: Emulator) -> dict[str, str]:
    (stack,) = emulator.client("cloudformation").describe_stacks(StackName=STACK_NAME)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def architecture() -> str:
    machine = platform.machine().lower()
    if machine not in _ARCHITECTURES:
        message = f"Lambda has no {machine} processors: use a machine with one of {', '.join(_ARCHITECTURES)}."
        raise StackError(message)
    return _ARCHITECTURES[machine]
