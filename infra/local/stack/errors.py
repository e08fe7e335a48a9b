"""The one error of the local stack."""

from pathlib import Path


class StackError(Exception):
    """What went wrong and what to do next, in one plain sentence, with the end of a log where that helps."""

    def __init__(self, sentence: str, log: Path | None = None) -> None:
        super().__init__(sentence if log is None else f"{sentence}\n\n{_tail(log)}\nThe whole log: {log}")


def _tail(log: Path, lines: int = 12) -> str:
    if not log.exists():
        return ""
    return "".join(f"  | {line}\n" for line in log.read_text(errors="replace").splitlines()[-lines:])
