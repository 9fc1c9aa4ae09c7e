"""Options of the hardware around a core: technology, converters, logic; the same everywhere."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any, NamedTuple, cast

from rnscli.analysis import (
    ColumnsPerAdc,
    EnergyOptions,
    EnergyParameters,
    Model,
    Reverse,
    changed,
    ranges_of,
)
from rnscli.base import Column, InputError, Option, Uncertain, in_words, prefixed
from rnscli.cli.options.shared import Decorator, Point, take
from rnscli.core import CORES, RNS, AnalogKind
from rnscli.hardware import (
    ADC_MODELS,
    CONSTANTS,
    AdcModel,
    CapacitiveDac,
    MurmannAdc,
    TableAdc,
    Technology,
    load_technology,
)

_DIGITAL = next(k.default_technology for k in CORES.values() if not isinstance(k, AnalogKind))
# What a designer chooses, so that there is nothing uncertain about it.
RATES = {option.name: option for option in (EnergyOptions.adc_rate, EnergyOptions.clock)}
HARDWARE_AXES = ("adc_model", "technology", "columns_per_adc", "reverse", *CONSTANTS, *RATES)
# What they are in rows that have no such fields of their own; keys have the unit of a constant.
HARDWARE_COLUMNS: dict[str, Any] = {
    "columns_per_adc": ColumnsPerAdc,
    "reverse": Reverse,
    **{name: Annotated[float | Uncertain, one.column(name)] for name, one in CONSTANTS.items()},
    **{
        name: Annotated[
            float,
            Column(f"{one.help[:-1]}, in Hz.", in_words(name), prefixed("Hz"), key=f"{name}_hz"),
        ]
        for name, one in RATES.items()
    },
}


technology: Decorator[Any] = take(
    EnergyOptions.technology,
    more=f" Digital cores run on a digital one, {_DIGITAL} if none is named.",
)


def constant_options() -> tuple[Option, ...]:
    """All constants, and the rates."""
    return (*(constant.option(name) for name, constant in CONSTANTS.items()), *RATES.values())


class Hardware(NamedTuple):
    """Technologies and converters that the options name, opened once."""

    technologies: tuple[Technology, ...]
    adc_models: Mapping[str, AdcModel]  # with their defaults
    given: Mapping[str, str]  # how the options name each technology, which may be a file

    def technology_of(self, point: Point) -> Technology:
        named = {technology.name: technology for technology in self.technologies}
        return named.get(point["technology"]) or load_technology(point["technology"])

    def complete(
        self, parameters: Mapping[str, Any], point: Point
    ) -> tuple[EnergyParameters, dict[str, Uncertain]]:
        """A design with the hardware of a point, and its uncertain constants.

        Constants of other models than its own are for other rows.
        """
        given = {name: point[name] for name in CONSTANTS if point[name] is not None}
        values = {n: v.value if isinstance(v, Uncertain) else v for n, v in given.items()}
        array = with_constants(self.technology_of(point), values)
        adc = with_constants(self.adc_models[point["adc_model"]], values).at_node(array.node)
        dac = with_constants(CapacitiveDac(), values)
        arguments = {
            "technology": array,
            "adc": adc,
            "dac": dac,
            "columns_per_adc": point["columns_per_adc"],
            "reverse": point["reverse"],
            **{name: point[name] for name in RATES if point[name] is not None},
            **parameters,
        }
        design = EnergyParameters(**arguments)
        known = design.design.constants
        uncertain = {n: v for n, v in given.items() if isinstance(v, Uncertain) and n in known}
        return design, uncertain


def with_constants(model: Model, values: Mapping[str, float]) -> Model:
    """A model with constants that are given, which go before the ranges of a profile."""
    made: Any = changed(model, values)
    if isinstance(made, Technology):
        left = tuple(one for one in made.uncertain if one[0] not in values)
        made = replace(made, uncertain=left)
    return cast(Model, made)


def hardware_of(options: Mapping[str, Any]) -> tuple[Hardware, dict[str, Any]]:
    """What the options name, and the options with the names of models and technologies."""
    table = options["adc_table"]
    chosen = options["adc_model"] or ((MurmannAdc if table is None else TableAdc).name,)
    models = {name: ADC_MODELS[name] for name in chosen}
    if any(model.takes_table for model in models.values()) != (table is not None):
        takers = [name for name, model in ADC_MODELS.items() if model.takes_table]
        raise InputError(
            f"--adc-model {', '.join(takers)} takes its converters from --adc-table FILE; "
            "give both or neither"
        )
    _check_given(options, models)
    technologies = tuple(load_technology(name) for name in options["technology"])
    names = tuple(technology.name for technology in technologies)
    if len(set(names)) < len(names):
        raise InputError(
            f"--technology has two profiles of the same name ({', '.join(names)}); rename one"
        )
    given = dict(zip(names, options["technology"], strict=True))
    adcs = {n: model.made(table if model.takes_table else None) for n, model in models.items()}
    filled = {**options, "adc_model": chosen, "technology": names}
    return Hardware(technologies, adcs, given), filled


def _check_given(options: Mapping[str, Any], models: Collection[str]) -> None:
    """Refuse constants of other models of ADCs, and values out of bounds."""
    for model, known_model in ADC_MODELS.items():
        for name in known_model.constants:
            if options[name] is not None and model not in models:
                raise InputError(
                    f"`{name}` is a constant of the model {model}; give --adc-model {model}, or "
                    "leave it out"
                )
    for name, known in CONSTANTS.items():
        for value in options[name] or ():
            for end in (value.low, value.high) if isinstance(value, Uncertain) else (value,):
                known.option(name).check(end)


def with_model_defaults(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with the values of constants that are left to their defaults.

    Those of technologies differ from one to the next; their profiles have them.
    """
    models: list[Any] = [CapacitiveDac, *(ADC_MODELS[name] for name in options["adc_model"])]
    usual = {name: getattr(EnergyParameters, name) for name in RATES}
    usual |= {name: getattr(model, name) for model in models for name in model.constants}
    return {**options, **{name: one for name, one in usual.items() if options[name] is None}}


def held_constants(
    point: Point, design: EnergyParameters, uncertain: Mapping[str, Uncertain]
) -> dict[str, Any]:
    """Constants and rates that a design has where the options leave them open."""
    made = design.design
    rates = RATES if made.converters is not None else ()
    found: dict[str, Any] = {name: getattr(made, name) for name in rates}
    found |= made.constants | ranges_of(design, uncertain)
    return {name: value for name, value in found.items() if point[name] is None}


def on_technologies(points: Iterable[Point], hardware: Hardware) -> list[Point]:
    """The points whose core runs on their technology.

    A core that runs on none of those named is shown on its default one. A technology on which no
    core runs is refused, and so is a constant that no point has.
    """
    every = list(points)
    cores = list(dict.fromkeys(point["core"] for point in every))
    runs = {core: [t.name for t in hardware.technologies if _runs(core, t)] for core in cores}
    for technology in hardware.technologies:
        if not any(technology.name in names for names in runs.values()):
            wanted = next(core for core in CORES if _runs(core, technology))
            if technology.name != RNS.default_technology:
                raise InputError(
                    f"no --core runs on `technology` {technology.name}; add --core {wanted}"
                )
    kept = []
    for point in every:
        if not _analog(point) and point["adc_model"] != every[0]["adc_model"]:
            continue  # it has no ADC, so that its row would come again
        names = runs[point["core"]]
        if not names and point["technology"] == hardware.technologies[0].name:
            kept.append(point | {"technology": CORES[point["core"]].default_technology})
        elif point["technology"] in names:
            kept.append(point)
    _check_constants(kept, hardware)
    return kept


def _check_constants(points: list[Point], hardware: Hardware) -> None:
    """Refuse constants that are of no model of any point."""
    one_of_each = {point["technology"]: point for point in points}.values()
    known = {name for one in one_of_each for name in hardware.technology_of(one).constants}
    if any(map(_analog, points)):
        known |= {*RATES, *CapacitiveDac.constants}
        known.update(*(model.constants for model in ADC_MODELS.values()))
    for name in (*CONSTANTS, *RATES):
        if name not in known and any(point[name] is not None for point in points):
            raise InputError(
                f"`{name}` is a constant of none of these rows; add a core that has it, or leave "
                "it out"
            )


def _analog(point: Point) -> bool:
    return isinstance(CORES[point["core"]], AnalogKind)


def _runs(core: str, technology: Technology) -> bool:
    return CORES[core].runs_on(technology.kind, technology.reference_bits)


def fixed_hardware(
    hardware: Hardware, models: Iterable[str], values: Mapping[str, float]
) -> dict[str, Any]:
    """Hardware of a space of designs, with constants that are the same for all of them."""
    names = dict.fromkeys(kind.default_technology for kind in CORES.values())
    return {
        "technology": tuple(with_constants(one, values) for one in hardware.technologies),
        "default_technologies": tuple(with_constants(load_technology(n), values) for n in names),
        "adc": tuple(with_constants(hardware.adc_models[model], values) for model in models),
        "dac": with_constants(CapacitiveDac(), values),
    }
