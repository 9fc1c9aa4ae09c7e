"""``make bench``: every speed as a ratio measured in one run on the same machine.

Times are the best of several repetitions, which is what noise on a shared machine leaves alone.
"""

import math
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np

import rnscli
from benchmarks.plain_script import plain_pairs

PAIRS, SIZE = 65_536, 128


def best_of(repetitions: int, function: Callable[[], object]) -> float:
    times = []
    for _ in range(repetitions):
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return min(times)


def report(what: str, value: str, beside: str = "") -> None:
    print(f"{what:<66} {value:>14}  {beside}")


def draw() -> None:
    rng = np.random.default_rng(0)
    for _ in range(PAIRS // 256):
        rng.random((2, 256, SIZE))


def simulate(
    redundant: int = 0, noise: rnscli.Uniform | None = None, attempts: int = 1
) -> Callable[[], object]:
    request = rnscli.ModuliRequest(bits=6, vector_size=SIZE, redundant=redundant)
    parameters = rnscli.DotErrorParameters(
        dot_product=request.dot_product,
        bits=6,
        cores=("rns", "fixed-lp"),
        pairs=PAIRS,
        code=rnscli.RedundantCode(request.choose()[0]),
        noise=noise,
        attempts=attempts,
    )
    return lambda: rnscli.dot_error(parameters)


def monte_carlo() -> None:
    drawing = best_of(5, draw)
    plain = best_of(3, lambda: plain_pairs(PAIRS, SIZE))
    quiet = best_of(5, simulate())
    noisy = best_of(5, simulate(noise=rnscli.Uniform(1e-3), redundant=2, attempts=2))
    report("drawing uniform operands alone", f"{PAIRS / drawing:,.0f}", "pairs/s")
    report("plain NumPy script", f"{PAIRS / plain:,.0f}", "pairs/s")
    report("error-sim rns + fixed-lp, b=6, h=128", f"{PAIRS / quiet:,.0f}", "pairs/s")
    report("  time over that of drawing", f"{quiet / drawing:.2f}", "x")
    report("  throughput over the plain script", f"{plain / quiet:.2f}", "x")
    report("with p=1e-3, k=2, R=2: time over that of drawing", f"{noisy / drawing:.2f}", "x")


def decoding() -> None:
    words, share = 500_000, 0.01
    moduli = rnscli.select_moduli(246017, 63, redundant=2)[0]
    code = rnscli.RedundantCode(moduli)
    rng = np.random.default_rng(0)
    received = code.encode(rng.integers(code.lowest, code.highest + 1, words))
    for channel, modulus in enumerate(moduli.moduli):
        hit = rng.random(words) < share
        received[channel, hit] = (received[channel, hit] + 1) % modulus
    decode = best_of(5, lambda: code.decode(received))
    crt = best_of(5, lambda: rnscli.from_residues(received, moduli))
    report("decoding 6 residues, k=2, 1 % of residues wrong", f"{words / decode:,.0f}", "words/s")
    report("  time over one plain CRT of the same words", f"{decode / crt:.2f}", "x")


def exact() -> None:
    moduli = rnscli.ModuliRequest(bits=10, count=8, redundant=2, precision_bits=60).choose()[0]
    grid = np.logspace(-18, 0, 1000).tolist()
    rnscli.code_spectrum.cache_clear()

    def curve() -> None:
        for p in grid:
            rnscli.fault_probability(rnscli.FaultParameters(moduli=moduli, p=p, attempts=math.inf))

    report("fault-prob: 1000 values of p, N=10, first time", f"{best_of(1, curve) * 1e3:.1f}", "ms")
    six = rnscli.select_moduli(2**24, 127, redundant=2, count=4)[0]
    gaussian = rnscli.FaultParameters(
        moduli=six, noise=rnscli.Gaussian(0.2), legitimate_range=2**24
    )
    seconds = best_of(1, lambda: rnscli.fault_probability(gaussian))
    report("fault-prob: Gaussian noise, L=2^24, N=6, k=2", f"{seconds:.1f}", "s")
    for bits, precision in ((16, 128), (8, 64)):
        search = partial(rnscli.select_moduli, 2**precision, 2**bits - 1, redundant=4)
        seconds = best_of(3, search)
        what = f"exact selection: {bits}-bit moduli, {precision}-bit range, k=4"
        report(what, f"{seconds * 1e3:.1f}", "ms")


def start_up() -> None:
    def run(*arguments: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL)

    nothing = best_of(10, run("-c", "pass"))
    for arguments in (("--help",), ("moduli",), ("energy",), ("fault-prob",), ("error-sim",)):
        extra = best_of(10, run("-m", "rnscli", *arguments)) - nothing
        report(f"rnscli {arguments[0]}, more than python -c pass", f"{extra * 1e3:.0f}", "ms")


if __name__ == "__main__":
    monte_carlo()
    decoding()
    exact()
    start_up()
