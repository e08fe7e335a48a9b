"""Reader of exchanges' recorded messages: one a line, with the moment at which each was received.

https://api.exchange.com/depth?symbol=BTCUSDT -> 1633998512.32: {...}    an answer, and what was asked
wss://exchange.com/ws <-> 1626993723.42                                  a connection
wss://exchange.com/ws <- 1626993723.71: {...}                            what was sent
1626993723.80: {...}                                                     what came in (cryptofeed's recordings)
1723161253937085768 {...}                                                the same in nanoseconds (hftbacktest's)
configuration: {...}                                                     what the recorder was told
"""

import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from opportunities.errors import MarketDataError

_ANSWER = re.compile(r"(?P<url>https?://\S+) -> (?P<time>\d{9,10}(?:\.\d+)?): (?P<body>.*)", re.DOTALL)
_RECEIVED = re.compile(r"(?P<time>\d{9,10}(?:\.\d+)?): (?P<body>[\[{].*)", re.DOTALL)
_NANOSECONDS = re.compile(r"(?P<time>\d{19}) (?P<body>[\[{].*)", re.DOTALL)
_OTHER = re.compile(r"wss?://\S+ <->? \d{9,10}(?:\.\d+)?(?:: .*)?|configuration: .*", re.DOTALL)
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Message:
    """What came in: its JSON, the moment in epoch seconds, the address that was asked for it, empty where none was,
    and where it stands.
    """

    time: float
    body: Any
    url: SplitResult
    where: str


def is_recording(line: str) -> bool:
    """Whether a file that begins with this line is a recording."""
    return any(pattern.fullmatch(line) for pattern in (_ANSWER, _RECEIVED, _NANOSECONDS, _OTHER))


def read_messages(path: Path, until: float, excluded: Counter[str]) -> Iterator[Message]:
    """The file's messages that came in before `until`, in its order; what they hold that came in later is not looked
    at, nor what stands behind them without saying when, but counted.

    So is a last line that was cut off, as where the recorder was ended. Raises MarketDataError with the line where
    another is no message, or cannot be read.
    """
    lines, ended = _lines(path), False
    for line, text in enumerate(lines, 1):
        if not text.strip() or _OTHER.fullmatch(text):
            continue
        found = _ANSWER.fullmatch(text) or _NANOSECONDS.fullmatch(text) or _RECEIVED.fullmatch(text)
        if ended := (_time(found) >= until if found else ended):
            excluded["message after the moment"] += 1
            continue
        try:
            message = _message(found, text, f"{path}, line {line}")
        except MarketDataError:
            if line < len(lines):  # a whole last line ends in a newline, behind which there is an empty one
                raise
            excluded["message that was cut off"] += 1
        else:
            yield message


def _message(found: re.Match[str] | None, text: str, where: str) -> Message:
    if not found:
        raise MarketDataError(f"{where}: {text[:40]!r} is no recorded message.")
    try:
        body, _ = _DECODER.raw_decode(found["body"])  # some recorders add the answer's headers behind it
    except (ValueError, RecursionError) as error:
        raise MarketDataError(f"{where}: its body is no JSON ({error!s:.80}).") from error
    try:
        url = urlsplit(found.groupdict().get("url", ""))
    except ValueError as error:
        raise MarketDataError(f"{where}: it answers no address ({error!s:.80}).") from error
    return Message(_time(found), body, url, where)


def _time(found: re.Match[str]) -> float:
    """Epoch seconds."""
    return int(found["time"]) / 1e9 if found.re is _NANOSECONDS else float(found["time"])


def first_line(path: Path, *, most: int = 1 << 16) -> str:
    """The file's first line, or the beginning of a long one, unpacked where it is packed; what is no text is replaced.

    Raises MarketDataError where it cannot be read, or unpacked.
    """
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as file:
            return file.readline(most).decode("utf-8-sig", errors="replace").rstrip("\r\n")
    except (OSError, EOFError, zlib.error) as error:
        raise MarketDataError(f"{path}: it cannot be read ({error}).") from error


def _lines(path: Path) -> list[str]:
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).decode("utf-8-sig")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise MarketDataError(f"{path}: it cannot be read as a recording ({error}).") from error
    return text.split("\n")
