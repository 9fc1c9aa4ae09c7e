"""Speed of a matrix on a core against NumPy's products and a plain script, on one thread."""

import json
import os
import subprocess
import sys

import numpy as np

import rnscli
from benchmarks.measure import Record, best_of
from benchmarks.plain_script import MODULI, plain_matrix

BATCH, SIZE = 4096, 128


def measure() -> list[float]:
    """Shortest times, in the order in which `speed` records them."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((BATCH, SIZE)).astype(np.float32)
    w = rng.standard_normal((SIZE, SIZE)).astype(np.float32)
    wide_x, wide_w = x.astype(np.float64), w.astype(np.float64)
    quiet = rnscli.analog_core(moduli=MODULI, bits=6)
    noisy = rnscli.analog_core(bits=6, redundant=2, p=1e-3, attempts=2)
    matrices = [
        rnscli.AnalogMatrix(w, rnscli.Dataflow(core, path=path))
        for core in (quiet, noisy)
        for path in ("homomorphic", "channels")
    ]
    assert np.allclose(x @ matrices[1], plain_matrix(x, w), rtol=1e-5)
    return best_of(
        15,
        lambda: x @ w,
        lambda: wide_x @ wide_w,
        lambda: plain_matrix(x, w),
        *(lambda matrix=matrix: x @ matrix for matrix in matrices),
    )


def speed(record: Record) -> None:
    # How many threads BLAS has is decided when it is loaded.
    one = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "VECLIB")}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.matrix_product"],
        env={**os.environ, **one},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    times = json.loads(done.stdout)
    single, double, plain, homomorphic, channels, noisy, noisy_channels = times
    what = f"{SIZE} x {SIZE} times {BATCH}"
    record.add(f"matrix product, {what}: NumPy, FP32", single * 1e3, "ms")
    record.add("  NumPy, FP64", double * 1e3, "ms")
    record.add("  plain NumPy script, by channel", plain * 1e3, "ms")
    record.add("  AnalogMatrix, homomorphic, b=6", homomorphic * 1e3, "ms")
    record.add("  AnalogMatrix, by channel, four moduli", channels * 1e3, "ms")
    record.add("  homomorphic: time over that of FP32", homomorphic / single, "x", "<= 6")
    record.add("  by channel: time over that of FP64", channels / double, "x")
    record.add("  by channel: time over that of the plain script", channels / plain, "x", "<= 1")
    record.add("  with p=1e-3, k=2, R=2: homomorphic over FP32", noisy / single, "x")
    record.add("  the same by channel, over FP64", noisy_channels / double, "x")


if __name__ == "__main__":
    print(json.dumps(measure()))
