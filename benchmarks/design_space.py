"""Speed of the design search: a space of some 10^6 designs, against one design at a time."""

import math
import random
import time
import warnings

import rnscli
from benchmarks.measure import Record, best_of
from rnscli.analysis.design.evaluation import Evaluator, SimulatedError

GOAL = "<= 60"  # on two cores
JOBS = 2
SINGLE = 200


def speed(record: Record) -> None:
    space = rnscli.DesignSpace(
        core=("rns", "fixed-lp", "fixed-hp", "bit-sliced", "digital-int8"),
        bits=tuple(range(4, 11)),
        vector_size=(16, 32, 48, 64, 96, 128, 192, 256),
        redundant=tuple(range(5)),
        attempts=(1, 2, 3, 4, 5, 6, 7, math.inf),
        decoder=("bounded-distance", "majority", "detect"),
        reverse=("mixed-radix", "crt"),
        columns=(32, 64, 96, 128, 256),
        columns_per_adc=(None, 1, 8),
        clock=(0.5e9, 1e9, 2e9),
        technology=tuple(map(rnscli.load_technology, ("photonic-phase", "reram-analog"))),
        noise=rnscli.Uniform(1e-3),
        extrapolate=True,
    )
    groups = list(space.groups())
    chosen = [design for design, _ in random.Random(0).sample(groups, SINGLE)]

    def one_at_a_time() -> None:
        for design in chosen:
            try:
                Evaluator(space, _Nothing()).group(design)
            except rnscli.RnscliError:
                continue

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        begin = time.perf_counter()
        with rnscli.runner(JOBS) as runner:
            found = rnscli.search_designs(space, runner=runner)
        seconds = time.perf_counter() - begin
        (single,) = best_of(1, one_at_a_time)
    record.add(f"design: a space of {found.designs} designs", seconds, "s", GOAL)
    record.add("  designs on the front", len(found.front), "")
    record.add("  time of a design over evaluating it alone", _ratio(seconds, found, single), "x")


class _Nothing(dict[object, SimulatedError]):
    """No error was simulated."""

    def __missing__(self, key: object) -> SimulatedError:
        return SimulatedError(0.0, 0.0)


def _ratio(seconds: float, found: rnscli.DesignResult, single: float) -> float:
    # In the time of one core.
    return (seconds * JOBS / found.designs) / (single / SINGLE)
