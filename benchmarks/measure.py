"""Timing, and a record of what was measured: printed for a person, written as JSON for machines."""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

import rnscli


@dataclass(frozen=True)
class Measurement:
    """A measured value; ``goal``, such as ``<= 1.6``, is what the project wants, if it does."""

    name: str
    value: float
    unit: str
    goal: str = ""


@dataclass
class Record:
    """All measurements of a run, in order."""

    measurements: list[Measurement] = field(default_factory=list)

    def add(self, name: str, value: float, unit: str, goal: str = "") -> None:
        self.measurements.append(Measurement(name, value, unit, goal))
        number = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
        sign, _, limit = goal.partition(" ")
        met = not goal or (value <= float(limit) if sign == "<=" else value >= float(limit))
        verdict = "" if met else "  MISSED (is the machine busy?)"
        print(f"{name:<62} {number:>12} {unit:<8} {goal}{verdict}", flush=True)

    def write(self, path: Path) -> None:
        document = {
            "schema": 1,
            "machine": {
                "processor": _processor(),
                "cores": os.cpu_count(),
                "python": platform.python_version(),
                "numpy": np.__version__,
                "rnscli": rnscli.__version__,
            },
            "measurements": [asdict(m) for m in self.measurements],
        }
        path.write_text(json.dumps(document, indent=2) + "\n")
        print(f"\nwritten to {path}")


def _processor() -> str:
    names = Path("/proc/cpuinfo")
    if names.exists():
        for line in names.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def best_of(
    repetitions: int,
    *functions: Callable[[], object],
    clock: Callable[[], float] = time.perf_counter,
) -> list[float]:
    """Shortest time of each function, which is what noise on a shared machine leaves alone.

    The functions take turns, so that a slow spell of the machine meets all of them.
    """
    best = [float("inf")] * len(functions)
    for _ in range(repetitions):
        for index, function in enumerate(functions):
            begin = clock()
            function()
            best[index] = min(best[index], clock() - begin)
    return best


def peak_memory(*arguments: str) -> float:
    """Largest resident memory, in bytes, of a run of the command line.

    As the process itself says it at its end: what `wait4` says begins with the memory of this
    process, which the other one was forked from.
    """
    code = (
        "import re, sys; from rnscli.cli.main import run; "
        f"code = run({list(arguments)!r}); "
        "text = open('/proc/self/status').read(); "
        "print(re.search(r'VmHWM:\\s+(\\d+) kB', text)[1], file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return 1024.0 * int(done.stderr.split()[-1])
