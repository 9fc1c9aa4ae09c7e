"""``make bench``: every speed as a ratio measured in one run on the same machine."""

import math
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

import rnscli
from benchmarks import (
    decoders,
    design_space,
    devices,
    layers,
    matrix_product,
    monte_carlo,
    networks,
    others,
)
from benchmarks.measure import Record, best_of

RESULTS = Path(__file__).parent / "results.json"


def exact(record: Record) -> None:
    moduli = rnscli.ModuliRequest(bits=10, count=8, redundant=2, precision_bits=60).choose()[0]
    grid = np.logspace(-18, 0, 1000).tolist()
    rnscli.code_spectrum.cache_clear()

    def curve() -> None:
        for p in grid:
            rnscli.fault_probability(rnscli.FaultParameters(moduli=moduli, p=p, attempts=math.inf))

    (seconds,) = best_of(1, curve)
    record.add("fault-prob: 1000 values of p, N=10, first time", seconds * 1e3, "ms")
    six = rnscli.select_moduli(2**24, 127, redundant=2, count=4)[0]
    gaussian = rnscli.FaultParameters(
        moduli=six, noise=rnscli.Gaussian(0.2), legitimate_range=2**24
    )
    (seconds,) = best_of(1, lambda: rnscli.fault_probability(gaussian))
    record.add("fault-prob: Gaussian noise, L=2^24, N=6, k=2", seconds, "s")
    for bits, precision in ((16, 128), (8, 64)):
        search = partial(rnscli.select_moduli, 2**precision, 2**bits - 1, redundant=4)
        (seconds,) = best_of(3, search)
        what = f"exact selection: {bits}-bit moduli, {precision}-bit range, k=4"
        record.add(what, seconds * 1e3, "ms")


def start_up(record: Record) -> None:
    def run(*arguments: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL)

    commands = ("--help", "moduli", "energy", "fault-prob", "error-sim", "design")
    nothing, *times = best_of(
        10, run("-c", "pass"), *(run("-m", "rnscli", command) for command in commands)
    )
    for command, seconds in zip(commands, times, strict=True):
        record.add(f"rnscli {command}, more than python -c pass", (seconds - nothing) * 1e3, "ms")


if __name__ == "__main__":
    measured = Record()
    monte_carlo.speed(measured)
    monte_carlo.processes(measured)
    monte_carlo.store(measured)
    monte_carlo.memory(measured)
    matrix_product.speed(measured)
    decoders.decoding(measured)
    decoders.differences(measured)
    exact(measured)
    design_space.speed(measured)
    devices.speed(measured)
    devices.ranges(measured)
    networks.inference(measured)
    networks.training(measured)
    layers.inference(measured)
    layers.training(measured)
    layers.options(measured)
    others.speed(measured)
    start_up(measured)
    measured.write(RESULTS)
