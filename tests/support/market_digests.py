"""What a process makes of fixed seeds, as digests of every byte, and on which of the processor's ways it computes.

Run as a module it prints them as JSON, so that another process, under another environment, can be compared.
"""

import json
from hashlib import sha256
from typing import TypedDict

import numpy as np
from threadpoolctl import threadpool_info

from opportunities.market.archive.file import save
from opportunities.market.planted.demo import kinds, plant_of, planted_market
from opportunities.market.simulated import simulated

NOW = 1_795_291_500


class Digests(TypedDict):
    """`kernel` is OpenBLAS's, None without one; `simd` are the features that NumPy may use beyond its baseline.

    `blas` is a digest of what BLAS and LAPACK make of random numbers, and `logarithms` of NumPy's own; `markets` are
    those of the markets, by name.
    """

    kernel: str | None
    simd: list[str]
    blas: str
    logarithms: str
    markets: dict[str, str]


def digests() -> Digests:
    random = np.random.default_rng(0).random((300, 300))
    fair = simulated(5, NOW, fair=True)
    markets = {
        "simulated": save(simulated(7, NOW)),
        "fair": save(fair),
        "demo": save(planted_market(7, NOW)),
        **{kind: save(plant_of(kind)(fair, seed, 1.0)[0]) for seed, kind in enumerate(kinds())},
    }
    return {
        "kernel": next((str(one["architecture"]) for one in threadpool_info() if one["user_api"] == "blas"), None),
        "simd": simd(),
        "blas": _digest(np.linalg.eigh(random @ random.T)[1].tobytes()),
        "logarithms": _digest(np.log(random).tobytes()),
        "markets": {name: _digest(data) for name, data in markets.items()},
    }


def simd() -> list[str]:
    found: list[str] = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    return found


def _digest(data: bytes) -> str:
    return sha256(data).hexdigest()


if __name__ == "__main__":
    print(json.dumps(digests()))  # noqa: T201 - the other process reads it
