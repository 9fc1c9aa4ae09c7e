"""Options of what arrays are built of, the same in every command that simulates them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from rnscli.analysis import EnergyOptions, ModuliRequest, runs_on
from rnscli.base import Column, InputError, Option, in_words, options_of
from rnscli.cli.options import shared
from rnscli.cli.options.hardware import opened
from rnscli.cli.options.noise import is_of_devices
from rnscli.core import (
    CORES,
    DEVICE,
    LEVELS,
    RNS,
    AnalogKind,
    CoreSettings,
    DeviceOptions,
    Devices,
    Laws,
    ModuliSet,
    NoiseLaw,
)
from rnscli.hardware import Technology, load_technology

_TABLES = {"device_table": "states", "adc_inl_table": "adc_points"}
_ALL = options_of(DeviceOptions)
DEVICE_AXES = tuple(name for name in _ALL if name not in _TABLES)
# Without any of which devices are ideal; and what matters for none that are.
DEVICE_ERRORS = tuple(
    name for name in _ALL if name not in ("mapping", "residues", "input_slice_bits", "chip_seed")
)
# What makes results differ from those without noise, on ideal devices.
NOISY = (*LEVELS, "noise", *DEVICE_ERRORS)
DEVICE_NEEDS = dict.fromkeys(("residues", "chip_seed"), ("noise", *DEVICE_ERRORS))


def _column(option: Option) -> Any:
    return Annotated[shared.hint_of(option), Column(option.help, in_words(option.name), str)]


DEVICE_COLUMNS = {name: _column(_ALL[name]) for name in DEVICE_AXES}

device_options: shared.Decorator[Any] = shared.stacked(*_ALL.values())


def device_tables(options: Mapping[str, Any]) -> dict[str, Any]:
    """What files of measured devices say, as arguments of `rnscli.core.Devices`.

    Raises
    ------
    InputError
        If a file cannot be read, or another option says what it does.
    """
    if options["device_table"] is not None:
        for name in ("cell_error", "cell_error_proportional"):
            if any(options[name] or ()):
                raise InputError(
                    f"`device_table` says what the errors of cells are; leave out `{name}`"
                )
    from rnscli.core.devices.tables import load_adc_points, load_states

    readers = {"device_table": load_states, "adc_inl_table": load_adc_points}
    return {
        field: readers[name](Path(options[name]))
        for name, field in _TABLES.items()
        if options[name] is not None
    }


# Whose noise --noise device is, in commands that have no other use for a technology.
noise_technology: shared.Decorator[Any] = shared.stacked(
    shared.take(EnergyOptions.technology, usual="that of each core", more=" With --noise device."),
    EnergyOptions.constant,
)


def noise_technologies(options: Mapping[str, Any], priced: bool = False) -> dict[str, Technology]:
    """Technologies that are named, by their names, with constants that are given.

    Without energies, as of a command where cores are ``priced``, they say what noise is.

    Raises
    ------
    InputError
        If they are named for nothing, or none of the cores runs on one of them.
    """
    if not (options["technology"] or options["constant"]):
        return {}
    # What a value may be is said first, and then what it is for.
    names = options["technology"] or (RNS.default_technology,)
    technologies = opened(names, options["constant"])
    for name in ("technology", "constant"):
        if options[name] and not priced and not is_of_devices(options):
            raise InputError(f"--{name} belongs to --noise {DEVICE}; give that, too")
    if not options["technology"]:
        raise InputError("--constant is of a technology; give --technology, too")
    found = {one.name: one for one in technologies}
    cores = options.get("core") or ()
    for one in found.values():
        if cores and not any(runs_on(CORES[core], one, None) for core in cores):
            raise InputError(
                f"`technology` {one.name} runs none of the cores {', '.join(cores)}; leave it out, "
                "or give one that does"
            )
    return found


def built_on(
    point: shared.Point,
    kind: AnalogKind,
    technology: Technology | None,
    tables: Mapping[str, Any],
) -> tuple[Technology, Devices]:
    """Whose noise a core has with --noise device, and what its arrays are built of.

    It is that of the technology, or of the one that the core is shown on where it does not run.
    Options of devices replace what the technology says.
    """
    from rnscli import analysis  # what noise is takes time to load

    if technology is None or not runs_on(kind, technology, None):
        technology = load_technology(kind.default_technology)
    given = {
        name: value
        for name in DEVICE_AXES
        if (value := point[name]) is not None and str(value) != _ALL[name].default
    }
    return technology, analysis.devices_of(technology, {**given, **tables})


def of_technology(point: shared.Point, core: str, technologies: Mapping[str, Technology]) -> str:
    """The technology whose noise a core has at a point with --noise device, by its name."""
    kind = CORES[core]
    named = technologies.get(point["technology"])
    return named.name if named and runs_on(kind, named, None) else kind.default_technology


def noise_of_devices(
    point: shared.Point,
    settings: CoreSettings,
    kind: AnalogKind,
    technology: Technology | None,
    tables: Mapping[str, Any],
) -> tuple[Laws, Devices]:
    """The noise of a core at a point with --noise device, and what its arrays are built of."""
    from rnscli import analysis

    chosen, devices = built_on(point, kind, technology, tables)
    found = analysis.noise_of_core(settings, kind, chosen, devices)
    return found.laws, found.devices


def residue_noise(
    request: ModuliRequest, moduli: ModuliSet, technology: Technology | None
) -> tuple[NoiseLaw, ...]:
    """The law of each residue on a technology, where it follows from light alone.

    Raises
    ------
    InputError
        If it follows from cells: such errors are no law of residues that are independent.
    """
    from rnscli import analysis

    whole = request.with_operands()
    settings = CoreSettings(dot_product=whole.dot_product, bits=whole.converter_bits, moduli=moduli)
    chosen = technology or load_technology(RNS.default_technology)
    laws = analysis.noise_of_core(settings, RNS, chosen, None).laws
    if not isinstance(laws, tuple):
        raise InputError(
            f"`technology` {chosen.name} has the errors of its devices, which are no law of "
            "residues: rnscli error-sim simulates them, and rnscli noise says how large they are"
        )
    return laws


def devices_of(point: shared.Point, tables: Mapping[str, Any]) -> Devices:
    """What arrays are built of at a point of a sweep."""
    given = {name: point[name] for name in DEVICE_AXES if point[name] is not None}
    return Devices(**given, **tables)
