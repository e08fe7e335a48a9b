"""Consecutive `.npy` blocks of untrusted bytes, read one after the other without trusting any of them.

A block must be a strict subset of `.npy` 1.0 (C order, four dtypes): its description is matched, never evaluated or
unpickled. The arrays become views of the bytes, so no size that a file claims is ever allocated.
"""

import math
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opportunities.errors import MarketDataError
from opportunities.maths.arrays import Floats, Ints

_MAGIC = b"\x93NUMPY\x01\x00"
_LENGTH = 2
_DESCRIPTION = re.compile(
    rb"\{'descr': '(<f8|<i8|<u8|\|u1)', 'fortran_order': False, "
    rb"'shape': \((\d{1,12},|\d{1,12}(?:, \d{1,12}){1,3})\), \} *\n"
)


class Blocks:
    """The arrays of a file in their order: read-only, each checked against the name, dtype and shape that belong
    there, where None in a shape stands for any length. Every mismatch is a MarketDataError.
    """

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._offset = 0
        self._names = ["header"]

    def expect(self, names: tuple[str, ...]) -> None:
        """The names that the file gives to the arrays that follow."""
        self._names = list(names)

    def octets(self, name: str, largest: int) -> bytes:
        array = self._take(name, "|u1", (None,))
        if array.nbytes > largest:
            raise MarketDataError(f"The snapshot's {name} has {array.nbytes} bytes, more than {largest}.")
        return array.tobytes()

    def floats(self, name: str, *shape: int | None) -> Floats:
        return self._take(name, "<f8", shape)

    def ints(self, name: str, *shape: int | None) -> Ints:
        return self._take(name, "<i8", shape)

    def finish(self) -> None:
        """Only the checksum may be left."""
        if self._names:
            raise MarketDataError(f"The snapshot's header names an unknown array '{self._names[0]:.60}'.")
        self._names = ["checksum"]
        self._take("checksum", "<u8", (1,))
        if self._offset != len(self._view):
            raise MarketDataError("The snapshot has more blocks than its header names.")

    def _take(self, name: str, dtype: str, shape: tuple[int | None, ...]) -> NDArray[Any]:
        if not self._names or self._names[0] != name:
            found = f"has '{self._names[0]:.60}' where '{name}' belongs" if self._names else f"lacks the array '{name}'"
            raise MarketDataError(f"The snapshot's header {found}.")
        del self._names[0]
        kind, actual, begin = self._description(name)
        if kind != dtype:
            raise MarketDataError(f"The snapshot's array '{name}' has the type {kind}, not {dtype}.")
        if len(actual) != len(shape) or any(n not in (None, m) for n, m in zip(shape, actual, strict=True)):
            expected = " x ".join("any" if n is None else str(n) for n in shape)
            found = " x ".join(map(str, actual))
            raise MarketDataError(f"The snapshot's array '{name}' has the shape {found}, not {expected}.")
        count = math.prod(actual)
        end = begin + count * np.dtype(dtype).itemsize
        if end > len(self._view):
            raise MarketDataError(f"The snapshot's array '{name}' claims {end - begin} bytes, more than there are.")
        self._offset = end
        array = np.frombuffer(self._view, dtype, count, begin).reshape(actual)
        array.flags.writeable = False
        return array

    def _description(self, name: str) -> tuple[str, tuple[int, ...], int]:
        """The next block's dtype and shape, and where its values begin."""
        begin = self._offset + len(_MAGIC) + _LENGTH
        end = begin + int.from_bytes(self._view[begin - _LENGTH : begin], "little")
        described = _DESCRIPTION.fullmatch(self._view[begin:end])
        if self._view[self._offset : begin - _LENGTH] != _MAGIC or not described:
            raise MarketDataError(f"The snapshot's array '{name}' is not a plain .npy block.")
        return described[1].decode(), tuple(int(n) for n in described[2].split(b",") if n), end
