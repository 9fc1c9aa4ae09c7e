"""Options of networks: which, with what data and weights; and how products are mapped."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import click

from rnscli.analysis import (
    CalibrationPlan,
    CodeOptions,
    ErrorOptions,
    ModuliOptions,
    NetworkOptions,
    runs_on,
)
from rnscli.base import InputError, NamesOrFiles, Option, OptionGroup, install_command
from rnscli.cli.answer import Bar
from rnscli.cli.options import devices, noise, shared
from rnscli.cli.options.layers import LayersFile
from rnscli.core import (
    CALIBRATED,
    DEVICE,
    CellUpdates,
    CoreOptions,
    analog_core_named,
    analog_cores,
)
from rnscli.hardware import STATIC, Technology
from rnscli.matrix import (
    DIGITAL,
    ROUNDINGS,
    Dataflow,
    DataflowOptions,
    GradientFlows,
    needs_calibration,
)
from rnscli.networks import EXTRA, LIBRARIES, missing_package

if TYPE_CHECKING:
    from rnscli.analysis import LayerCore
    from rnscli.networks import OpenedNetwork


def check_torch(command: str, options: Mapping[str, Any]) -> None:
    """Refuse a command without the packages that it needs; the digits come with scikit-learn."""
    missing = missing_package() if options["data"] is None else missing_package(("torch",))
    if missing is not None:
        raise InputError(f"{command} needs {missing}; install it with: {install_command(EXTRA)}")


# An option for each library, by whose name it goes.
libraries: shared.Decorator[Any] = shared.stacked(
    *(
        Option(
            NamesOrFiles((), (), f"{one.summary}, or a list of these"),
            f"Instead of --model: networks of {one.package}, {one.weights}; nothing is downloaded.",
            name=name,
            group=OptionGroup.NETWORK,
        )
        for name, one in LIBRARIES.items()
    )
)


def with_libraries(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with networks of libraries in the place of ``model``, where they are named.

    Raises
    ------
    InputError
        If the user names a ``model`` besides.
    """
    of_libraries = [name for name in LIBRARIES if options.get(name)]
    if not of_libraries:
        return dict(options)
    given = click.get_current_context().get_parameter_source("model")
    if given is not click.core.ParameterSource.DEFAULT:
        raise InputError(
            f"--model {','.join(options['model'])} and --{of_libraries[0]} "
            f"{','.join(options[of_libraries[0]])} both say which networks are meant; leave out "
            "one of them"
        )
    named = (f"{name}:{one}" for name in of_libraries for one in options[name])
    return {**options, "model": tuple(named)}


def check_weights(options: Mapping[str, Any]) -> None:
    """Refuse weights that several networks would have to share, and sizes of no images."""
    if options["image_size"] is not None and options["data"] is None:
        raise InputError("--image-size concerns --data with a folder of images; leave it out")
    if options["weights"] is not None and len(options["model"]) > 1:
        raise InputError(
            f"--weights are those of one network, and --model names {len(options['model'])}; "
            "name one"
        )


def said_of_drawn(name: str) -> str:
    """What is said of a network whose weights nobody has given."""
    return (
        f"--model {name} comes with weights that are drawn at random, as no --weights are "
        "given; no number in its rows, where weights is drawn, is one of a trained network"
    )


def said_of_data(opened: Iterable[Any]) -> list[str]:
    """How inputs were made from what the ``data`` of networks hold, where that is known."""
    noted = {one.data.name: one.data.note for one in opened if one.data.note}
    return [f"--data {name}: {note}" for name, note in noted.items()]


def opened_networks(
    options: Mapping[str, Any], bar: Bar, labelled: bool = True
) -> "dict[str, OpenedNetwork]":
    """The networks that the options name, trained where they must be; labels may not matter."""
    return {name: _opened(name, options, bar, labelled) for name in options["model"]}


def _opened(name: str, options: Mapping[str, Any], bar: Bar, labelled: bool) -> "OpenedNetwork":
    from rnscli.networks import open_network

    with ExitStack() as stack:
        # Most often a network was trained before, and there is nothing to draw.
        begun = cache(lambda total: stack.enter_context(bar(total, "epochs")))

        def progress(done: int, total: int) -> None:
            begun(total)(done, note=lambda: f"{name} is trained in FP32, once")

        size = options["image_size"]
        return open_network(
            name, options["data"], options["weights"], progress, size, labelled=labelled
        )


CORE_AXES = (
    "granularity", "scales", "input_scale", "rounding", *shared.MODULI_AXES, "slice_bits",
    "adc_bits", "adc_range", "calibration", "percentile", "calibration_samples",
    *shared.DECODER_AXES, "legitimate_range", "attempts", *noise.NOISE_AXES, *devices.DEVICE_AXES,
)  # fmt: skip

# Of trainings; a gradient is computed on the core of the forward pass unless it is said.
GRADIENT_AXES = ("input_gradient_bits", "weight_gradient_bits", "gradient_rounding")

# Columns of a table that say what a core is, in the order in which they are read.
CORE_COLUMNS = (
    "vector_size", "granularity", "scales", "input_scale", "rounding", "bits", "input_bits",
    "weight_bits",
    "p", "sigma", "core", "moduli", "redundant_moduli", "redundant",
    "decoder", "attempts", "slice_bits", "adc_bits", "adc_range", "calibration",
    "percentile", "calibration_samples",
)  # fmt: skip


# Without what samples to calibrate with are not looked at.
CALIBRATION_SAMPLES_NEEDS = {
    "calibration_samples": (f"adc_range={CALIBRATED}", f"input_scale={STATIC}")
}


def core_options(
    what: str, cores: str, bits: str, adc_range: shared.Decorator[Any] | Option
) -> shared.Decorator[Any]:
    """Cores, converters, moduli and noise, with the defaults of ``--core`` and ``--bits``."""
    return shared.stacked(
        shared.cores(analog_cores(), what, cores),
        shared.bits(bits, ErrorOptions.bits),
        *shared.OPERANDS,
        DataflowOptions.granularity,
        DataflowOptions.scales,
        DataflowOptions.input_scale,
        DataflowOptions.rounding,
        ModuliOptions.moduli,
        shared.redundancy("0"),
        noise.noise_options("no errors"),
        shared.take(CodeOptions.attempts, "1"),
        *shared.DECODING,
        CoreOptions.slice_bits,
        CoreOptions.adc_bits,
        adc_range,
        *shared.CALIBRATION,
        NetworkOptions.calibration_samples,
        devices.device_options,
    )


@dataclass(frozen=True)
class CoreOfPoint:
    """The core of a point, the bits of its converters, and how it is calibrated if it must be.

    ``gradients`` are the cores of a backward pass, if they are others, and ``layers`` those of
    layers that have one of their own, or none; ``updates`` the cells of weights that are trained.
    """

    flow: Dataflow
    bits: int
    plan: CalibrationPlan
    gradients: GradientFlows | None = None
    layers: "tuple[LayerCore, ...]" = ()
    updates: CellUpdates | None = None

    @property
    def flows(self) -> tuple[Dataflow, ...]:
        """Of all layers, but what stays in FP32."""
        return (self.flow, *(one.flow for one in self.layers if one.flow is not None))


def is_random(one: CoreOfPoint) -> bool:
    """Whether what it computes depends on a seed."""
    return any(flow.core.noisy or ROUNDINGS[flow.rounding].draws for flow in one.flows)


def distinct(
    found: Sequence[tuple[shared.Point, CoreOfPoint]], others: Sequence[str]
) -> list[tuple[shared.Point, CoreOfPoint]]:
    """Points that differ in their core or in ``others``: redundancy concerns only some cores."""
    kept: dict[tuple[object, ...], tuple[shared.Point, CoreOfPoint]] = {}
    for point, core in found:
        kept.setdefault((core, *(point[name] for name in others)), (point, core))
    return list(kept.values())


def core_of(
    point: shared.Point,
    tables: Mapping[str, Any],
    technologies: Mapping[str, Technology],
    layers: LayersFile | None = None,
) -> CoreOfPoint:
    """The core of a point of a sweep, with tables of measured devices and named technologies.

    What ``layers`` do not say is that of the point.
    """
    flow, bits = _flow_of(point, tables, technologies)
    own = _layer_cores(point, tables, technologies, layers)
    plan = CalibrationPlan()
    # Else a plan would tell rows apart that are the same.
    if any(map(needs_calibration, CoreOfPoint(flow, bits, plan, layers=own).flows)):
        plan = CalibrationPlan(
            point["calibration"], point["percentile"], point["calibration_samples"]
        )

    def gradient(bits: int | str | None) -> Dataflow | None:
        """The core of a gradient: another one if its bits are, or none."""
        if bits == DIGITAL:
            return None
        rounding = point["gradient_rounding"] or flow.rounding
        if bits is None:
            return replace(flow, rounding=rounding)
        if point["moduli"] is not None:
            raise InputError(
                "`moduli` are those of one core, and those of gradients of so many bits are "
                "others; give `bits`, or leave out `input_gradient_bits` and "
                "`weight_gradient_bits`"
            )
        own = dict.fromkeys(("input_bits", "weight_bits", "adc_bits"))
        other = {**point, **own, "bits": bits, "rounding": rounding}
        return _flow_of(other, tables, technologies)[0]

    chosen = [point.get(name) for name in GRADIENT_AXES]
    if all(one is None for one in chosen):
        return CoreOfPoint(flow, bits, plan, layers=own)
    gradients = GradientFlows(gradient(chosen[0]), gradient(chosen[1]))
    same = gradients == GradientFlows(flow, flow)
    return CoreOfPoint(flow, bits, plan, None if same else gradients, own)


def _layer_cores(
    point: shared.Point,
    tables: Mapping[str, Any],
    technologies: Mapping[str, Technology],
    layers: LayersFile | None,
) -> "tuple[LayerCore, ...]":
    """Those of a file, each beside the options of a point."""
    if layers is None:
        return ()
    from rnscli.analysis import LayerCore  # which needs torch

    found = []
    for name, values in layers.layers.items():
        if values is None:
            found.append(LayerCore(name, None))
            continue
        here = {**point, **values}
        technology = technologies.get(str(here["technology"]))
        with layers.about(name):
            flow, bits = _flow_of(here, tables, technologies)
            kind = analog_core_named(here["core"])
            if technology is not None and not runs_on(kind, technology, None):
                raise InputError(
                    f"the core {kind.name} does not run on `technology` {technology.name}; give "
                    f"the layer another, such as {kind.default_technology}"
                )
        found.append(LayerCore(name, flow, bits, technology))
    return tuple(found)


def _flow_of(
    point: shared.Point, tables: Mapping[str, Any], technologies: Mapping[str, Technology]
) -> tuple[Dataflow, int]:
    """The dataflow of a point, and the bits of its converters."""
    from rnscli.analysis.analog_core import analog_core

    request = shared.moduli_request(point)
    if request.moduli is not None:
        request.choose()  # a set that no tile could use is wrong whichever core is compared
    same = (
        "attempts", "decoder", "retry_above", "legitimate_range", "slice_bits", "adc_bits",
        "adc_range", "calibration", "percentile",
    )  # fmt: skip
    given: dict[str, Any] = {
        "noise": noise.noise_of(point), "devices": devices.devices_of(point, tables)
    }  # fmt: skip
    if point["noise"] == DEVICE:
        named = technologies.get(point["technology"])
        kind = analog_core_named(point["core"])
        technology, built = devices.built_on(point, kind, named, tables)
        given = {"noise": DEVICE, "technology": technology, "devices": built}
    core = analog_core(
        point["core"],
        bits=request.bits,
        vector_size=request.with_operands().dot_product.vector_size,
        input_bits=request.input_bits,
        weight_bits=request.weight_bits,
        moduli=request.moduli,
        redundant=request.redundant,
        rule=request.rule,
        max_modulus=request.max_modulus,
        family=request.family,
        factor=request.factor,
        **given,
        **{name: point[name] for name in same},
    )
    scaling = {name: point[name] for name in ("granularity", "scales", "input_scale", "rounding")}
    if (tolerance := point.get("tolerance")) is not None:
        scaling["tolerance"] = tolerance
    return Dataflow(core, **scaling), request.converter_bits
