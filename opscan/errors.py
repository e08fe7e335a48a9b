"""What can go wrong at the command line: what happened, what to do next, and the exit code it ends with.

OpscanError
├── NotCompleted   the scan failed, was cancelled, or is not known: 1
├── WrongState     the scan has ended, or runs, and the command wants one that does not: 1
├── BadInput       an option, a file or a field that the API refuses: 2
├── NoAnswer       unreachable, not authorised, not done in time, or not this API: 3
└── Interrupted    Ctrl-C: 130
"""


class OpscanError(Exception):
    """Base of the expected failures: one plain sentence each, and what to do next."""

    exit_code = 1

    def __init__(self, what: str, next_step: str = "") -> None:
        self.what = what
        self.next_step = next_step
        super().__init__(what)


class NotCompleted(OpscanError):
    """The scan ended, but not as complete."""


class WrongState(OpscanError):
    """The scan cannot be cancelled, or deleted, as it is."""


class BadInput(OpscanError):
    """What the user gave cannot be used."""

    exit_code = 2


class NoAnswer(OpscanError):
    """No usable answer came from the API."""

    exit_code = 3


class Interrupted(OpscanError):
    """The user pressed Ctrl-C."""

    exit_code = 130
