"""How many bits each layer of a network needs: the least energy at a given SNR of all of them."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from rnscli import base
from rnscli.analysis.chip_design.choice_knapsack import least_cost
from rnscli.analysis.design.evaluation import Evaluator, Group, Tell, simulated_errors
from rnscli.analysis.design.search import compute_codes
from rnscli.analysis.design.space import Design, DesignSpace
from rnscli.analysis.energy import (
    EnergyParameters,
)
from rnscli.analysis.energy.product_energy import product_energy
from rnscli.base import InputError, NoSolutionError, RnscliError, check_choice
from rnscli.core import CORES
from rnscli.hardware import Gemm, Workload
from rnscli.runtime import Runner

LAYER_BITS_ASSUMPTIONS = (
    "errors of layers are independent, and their relative squares add up to that of the outputs, "
    "layers that follow one another in a block each counted",
    "each layer is priced by its products on arrays of its own kind, one copy of each tile; "
    "memory, network and vector work, which hardly depend on the bits, are not in these numbers",
    "products of two activations are not among them",
)
# What is least; each is a sum over layers.
LEAST = {"energy": "energy_j", "latency": "time_s", "area": "area_m2"}
_MEASURED = "snr_in_place_db"
_SENSITIVITY = "sensitivity"
_LABEL = base.Kind(str.strip, "a text")


def _decibels(text: str) -> float:
    if math.isnan(value := float(text)):
        raise ValueError
    return value


_FACTOR, _DECIBELS = base.quantity(0.0, 1e300), base.Kind(_decibels, "an SNR in dB")
# What tells measurements of a layer apart.
_OF_DESIGN = ("core", "bits", "vector_size", "adc_range")


class LayerNoise(NamedTuple):
    """What is known of the noise of layers: measured SNRs of designs, or factors of the model's.

    ``snr_db`` are by the layer and `_OF_DESIGN`, ``sensitivity`` by the layer.
    """

    source: str
    snr_db: Mapping[tuple[Any, ...], float]
    sensitivity: Mapping[str, float]

    def share(self, layer: str, design: Design, modelled: float) -> float | None:
        """Mean square of a layer's errors over that of its outputs; ``None`` if unknown."""
        if self.sensitivity:
            factor = self.sensitivity.get(layer)
            return None if factor is None else factor * modelled
        found = self.snr_db.get((layer, *(_text(getattr(design, one)) for one in _OF_DESIGN)))
        return None if found is None else 10 ** (-found / 10)


def _text(value: object) -> str:
    return "" if value is None else str(value)


def read_layer_noise(path: str | Path) -> LayerNoise:
    """What ``rnscli accuracy --per-layer --format csv`` has measured, or a table of sensitivities.

    The first has columns layer, core, bits, vector_size, adc_range and snr_in_place_db, whatever
    else there is; the other one layer and sensitivity, by which the square of the modelled errors
    of a layer is multiplied.

    Raises
    ------
    InputError
        If it is no such file; the line and the column are named.
    """
    wanted = f"layer and {_SENSITIVITY}, or layer, {', '.join(_OF_DESIGN)} and {_MEASURED}"

    def understood(headings: list[str]) -> dict[str, base.Kind]:
        if _SENSITIVITY in headings:
            return {"layer": _LABEL, _SENSITIVITY: _FACTOR}
        for name in ("layer", *_OF_DESIGN, _MEASURED):
            if name not in headings:
                raise InputError(f"has no column {name}; it must have {wanted}")
        return {"layer": _LABEL, **dict.fromkeys(_OF_DESIGN, _LABEL), _MEASURED: _DECIBELS}

    sensitivity: dict[str, float] = {}
    measured: dict[tuple[Any, ...], float] = {}
    for _, cells in base.read_listing(path, understood, wanted, what="`layer_noise`"):
        if "layer" not in cells:
            continue
        if _SENSITIVITY in cells:
            sensitivity[cells["layer"]] = cells[_SENSITIVITY]
        elif _MEASURED in cells:  # outputs that are zero have no SNR
            key = (cells["layer"], *(cells.get(name, "") for name in _OF_DESIGN))
            measured[key] = cells[_MEASURED]
    if not sensitivity and not measured:
        raise InputError(f"`layer_noise` {path} has no layers; it must have {wanted}")
    return LayerNoise(str(path), measured, sensitivity)


@dataclass(frozen=True)
class LayerChoice:
    """A layer, or several that share their weights, on arrays of a design."""

    gemms: tuple[Gemm, ...]
    group: Group
    design: Design
    array: EnergyParameters
    noise: float  # its part of the square of the errors, over that of the outputs

    @property
    def layer(self) -> str:
        return self.gemms[0].layer

    @property
    def energy_j(self) -> float:
        return math.fsum(product_energy(self.array.design, one).total for one in self.gemms)

    @property
    def time_s(self) -> float:
        """Of all passes with one copy of each tile; parallel products at the same time."""
        interval = self.array.design.timing.interval
        return math.fsum(one.depth * one.m for one in self.gemms) * interval

    @property
    def tiles(self) -> int:
        first = self.gemms[0]
        made = product_energy(self.array.design, first).tiling
        return made.tiles * (first.count + first.idle)

    @property
    def area_m2(self) -> float:
        return self.tiles * self.array.design.area


@dataclass(frozen=True)
class LayerBits:
    """The best choice for each layer.

    ``bound`` is what no choice within the noise takes less than; ``uniform`` the best where all
    layers have the same design, ``None`` if there is none.
    """

    layers: tuple[LayerChoice, ...]
    uniform: tuple[LayerChoice, ...] | None
    bound: float
    gap: float
    designs: int
    left_out: tuple[str, ...]

    def __post_init__(self) -> None:
        assert self.layers


def snr_of(layers: Sequence[LayerChoice]) -> float:
    """SNR in dB of outputs to which all of these contribute."""
    noise = math.fsum(one.noise for one in layers)
    return -10 * math.log10(noise) if noise else math.inf


def layer_bits(
    space: DesignSpace,
    workload: Workload,
    min_snr_db: float,
    minimise: str = "energy",
    measured: LayerNoise | None = None,
    runner: Runner | None = None,
    progress: Tell | None = None,
) -> LayerBits:
    """A design of arrays for each layer, with the least energy at an SNR of the outputs.

    Any design of the space may be that of a layer: where they differ in bits only, this chooses the
    bits. Each layer adds its errors, ``sum_i n_i <= 10^(-SNR / 10)``, with n_i the mean square of
    the errors of its outputs over that of the outputs: of uniform operands as `search_designs`
    models it, or as measured. That is a knapsack with a choice for each layer, which is solved
    exactly (`least_cost`).

    Parameters
    ----------
    space
        The designs.
    workload
        The network, of which products with stored weights are counted; those that share their
        weights have one design.
    min_snr_db
        SNR that all layers together must keep, in dB.
    minimise
        ``energy``, ``latency`` of all layers one after the other, or ``area``.
    measured
        What is known of the noise of each layer.
    runner, progress
        As in `search_designs`.

    Raises
    ------
    InputError
        If an argument is not accepted, or a layer is not among the measured ones.
    NoSolutionError
        If no designs keep the SNR: says which is the best.

    Examples
    --------
    >>> network = Workload("two", (Gemm("small", 1, 128, 128), Gemm("large", 9, 1280, 1280)))
    >>> space = DesignSpace(core=("rns",), redundant=(0,), attempts=(1,), pairs=500)
    >>> found = layer_bits(space, network, min_snr_db=24)
    >>> [(one.layer, one.design.bits) for one in found.layers]
    [('small', 6), ('large', 5)]
    """
    metric = LEAST[check_choice("minimise", minimise, tuple(LEAST))]
    base.check_float("min_snr_db", min_snr_db, -1e3, 1e3, "an SNR in dB")
    if workload.trains:
        raise InputError(
            f"workload {workload.name} is a step of training; bits of layers are chosen for an "
            "inference"
        )
    held: dict[str, list[Gemm]] = {}
    for gemm in workload.gemms:
        if gemm.stationary:
            held.setdefault(gemm.shares or gemm.layer, []).append(gemm)
    if not held:
        raise InputError(f"workload {workload.name} has no products with stored weights")
    designs, reasons = _designs(space, runner, progress)
    if not designs:
        raise NoSolutionError(f"no design of the space exists: {reasons[0]}")
    items = [_choices(tuple(gemms), designs, measured) for gemms in held.values()]
    costs = [[getattr(one, metric) for one in item] for item in items]
    noises = [[one.noise for one in item] for item in items]
    budget = 10 ** (-min_snr_db / 10)
    best = [min(item, key=lambda one: one.noise) for item in items]
    if math.fsum(one.noise for one in best) > budget * (1 + 1e-12):
        raise NoSolutionError(
            f"no choice of designs keeps `min_snr_db` {min_snr_db:g} dB: the best has "
            f"{math.floor(10 * snr_of(best)) / 10:g} dB over {len(items)} layers"
        )
    found = least_cost(costs, noises, budget)
    layers = tuple(item[place] for item, place in zip(items, found.choices, strict=True))
    return LayerBits(
        layers,
        _uniform(items, metric, budget),
        found.bound,
        found.gap,
        len(designs),
        tuple(gemm.layer for gemm in workload.gemms if not gemm.stationary),
    )


def _uniform(
    items: Sequence[Sequence[LayerChoice]], metric: str, budget: float
) -> tuple[LayerChoice, ...] | None:
    """The best of one design for all layers, or none."""
    by_design: dict[Design, list[LayerChoice]] = {}
    for item in items:
        for one in item:
            by_design.setdefault(one.design, []).append(one)
    kept = [
        every
        for every in by_design.values()
        if len(every) == len(items)
        and math.fsum(one.noise for one in every) <= budget * (1 + 1e-12)
    ]
    if not kept:
        return None
    return tuple(min(kept, key=lambda every: math.fsum(getattr(one, metric) for one in every)))


class _Made(NamedTuple):
    design: Design
    group: Group
    array: EnergyParameters
    noise: float


def _designs(
    space: DesignSpace, runner: Runner | None, progress: Tell | None
) -> tuple[list[_Made], list[str]]:
    """The designs that exist, and why others do not."""
    runner = runner or Runner()
    errors = simulated_errors(space, runner, progress)
    evaluator = Evaluator(space, errors)
    if space.noise is not None:
        compute_codes(space, evaluator, {}, runner, progress)
    made: dict[tuple[Any, ...], _Made] = {}
    reasons = []
    for design, attempts in space.groups():
        try:
            group = evaluator.group(design)
            for most in attempts:
                one = _made(replace(design, attempts=most), group)
                unit = one.array.design
                # Without noise most codes and attempts differ in nothing.
                key = (
                    design.core, design.bits, design.vector_size, unit.width, unit.energies.total,
                    unit.timing.interval, unit.area, one.noise,
                )  # fmt: skip
                made.setdefault(key, one)
        except RnscliError as error:
            reasons.append(str(error).replace("`", ""))
    return list(made.values()), reasons


def _made(design: Design, group: Group) -> _Made:
    most = design.attempts
    costs = group.built(most)
    array = group.repeated(costs, most, group.pass_attempts(costs, most))
    return _Made(design, group, array, group.output_error(most) ** 2)


def _choices(
    gemms: tuple[Gemm, ...], designs: Sequence[_Made], measured: LayerNoise | None
) -> list[LayerChoice]:
    """A layer on each design; of measured ones those that there is a measurement of."""
    first = gemms[0]
    found = []
    for one in designs:
        share: float | None = one.noise
        if measured is not None:
            share = measured.share(first.layer, one.design, one.noise)
        if share is not None:
            # Those side by side have each its own outputs.
            noise = share * sum(gemm.depth for gemm in gemms)
            found.append(LayerChoice(gemms, one.group, one.design, one.array, noise))
    if not found:
        assert measured is not None
        raise InputError(
            f"`layer_noise` {measured.source} has nothing of layer {first.layer} on any of these "
            "designs; measure it with rnscli accuracy --per-layer --format csv"
        )
    return found


def layers_file(layers: Sequence[LayerChoice]) -> str:
    """The choice as a file for ``rnscli accuracy --layers``, in TOML.

    Examples
    --------
    >>> network = Workload("one", (Gemm("fc.1", 1, 128, 128),))
    >>> space = DesignSpace(core=("rns",), bits=(6,), redundant=(0,), attempts=(1,), pairs=100)
    >>> print(layers_file(layer_bits(space, network, 20).layers), end="")
    ["fc.1"]
    core = "rns"
    bits = 6
    vector-size = 128
    """
    return "\n".join("\n".join(_lines(one)) + "\n" for one in layers)


def _lines(one: LayerChoice) -> Iterator[str]:
    # As a pattern: brackets and the like stand for themselves.
    pattern = "".join(f"[{letter}]" if letter in "[*?" else letter for letter in one.layer)
    yield f"[{json.dumps(pattern)}]"
    design, kind = one.design, CORES[one.design.core]
    names = ["core", "bits", "vector_size"]
    names += [name for name in ("slice_bits", "adc_bits", "adc_range") if name in kind.axes]
    for name in names:
        value = getattr(design, name)
        if value is not None:
            yield f"{name.replace('_', '-')} = {json.dumps(value)}"
    if design.redundant:
        yield f"redundant = {design.redundant}"
