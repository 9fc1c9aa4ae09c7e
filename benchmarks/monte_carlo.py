"""Speed of error-sim against drawing the random numbers, and against a plain NumPy script."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

import rnscli
from benchmarks.measure import Record, best_of, peak_memory
from benchmarks.plain_script import plain_pairs

PAIRS, SIZE = 131_072, 128
LONG = 64  # times as many pairs, where processes are compared


def draw() -> None:
    """Only the operands, with NumPy's default generator, in pieces that stay in the cache."""
    rng = np.random.default_rng(0)
    tile = np.empty((2, 256, SIZE))
    for _ in range(PAIRS // 256):
        rng.random(out=tile)


def parameters(
    pairs: int = PAIRS,
    redundant: int = 0,
    noise: rnscli.Uniform | None = None,
    attempts: int = 1,
) -> rnscli.DotErrorParameters:
    request = rnscli.ModuliRequest(bits=6, vector_size=SIZE, redundant=redundant)
    return rnscli.DotErrorParameters(
        dot_product=request.dot_product,
        bits=6,
        cores=("rns", "fixed-lp"),
        pairs=pairs,
        code=rnscli.RedundantCode(request.choose()[0]),
        noise=noise,
        attempts=attempts,
    )


def simulate(
    point: rnscli.DotErrorParameters, runner: rnscli.Runner | None = None
) -> Callable[[], object]:
    return lambda: rnscli.dot_error(point, runner)


def speed(record: Record) -> None:
    quiet = parameters()
    noisy = parameters(redundant=2, noise=rnscli.Uniform(1e-3), attempts=2)
    drawing, plain, silent, spoilt = best_of(
        7, draw, lambda: plain_pairs(PAIRS, SIZE), simulate(quiet), simulate(noisy)
    )
    record.add("drawing uniform operands, default generator", PAIRS / drawing, "pairs/s")
    record.add("plain NumPy script", PAIRS / plain, "pairs/s")
    record.add("error-sim, rns + fixed-lp, b=6, h=128", PAIRS / silent, "pairs/s")
    record.add("  time over that of drawing", silent / drawing, "x", "<= 1.6")
    record.add("  throughput over that of the plain script", plain / silent, "x", ">= 7")
    record.add("with p=1e-3, k=2, R=2: time over that of drawing", spoilt / drawing, "x", "<= 2.5")


def processes(record: Record) -> None:
    long = parameters(LONG * PAIRS)
    with rnscli.runner(jobs=2) as both:
        rnscli.dot_error(parameters(), both)  # the processes have started
        one, two = best_of(3, simulate(long), simulate(long, both))
    record.add("two processes: throughput over that of one", one / two, "x", ">= 1.8")


def store(record: Record) -> None:
    long = parameters(8 * PAIRS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        (without,) = best_of(2, simulate(long))
        with rnscli.runner(store=path) as kept:
            (recording,) = best_of(1, simulate(long, kept))
            (reading,) = best_of(3, simulate(long, kept))
        blocks = 2 * long.point.blocks
        record.add("recording in a store: time over that without", recording / without, "x")
        record.add("  the same again, from the store", reading / without, "x")
        record.add("  file size for each block and core", path.stat().st_size / blocks, "B")


def memory(record: Record) -> None:
    for pairs, size in (("1e5", 128), ("1e7", 128), ("1e7", 1)):
        peak = peak_memory(
            *("error-sim", "--bits", "6", "--core", "rns,fixed-lp", "--pairs", pairs),
            *("--vector-size", str(size)),
        )
        record.add(f"peak memory for {pairs} pairs, h={size}", peak / 1e6, "MB", "<= 250")
