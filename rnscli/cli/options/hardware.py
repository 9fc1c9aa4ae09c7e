"""Options of the hardware around a core: technology, converters, logic; the same everywhere."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, NamedTuple, cast

from rnscli.analysis import (
    OWN_ADC,
    ColumnsPerAdc,
    EnergyOptions,
    EnergyParameters,
    Model,
    Reverse,
    changed,
    ranges_of,
    runs_on,
)
from rnscli.base import (
    Column,
    InputError,
    Option,
    Uncertain,
    in_words,
    parse_uncertain,
    prefixed,
    shown,
)
from rnscli.cli.options.shared import Decorator, Point, take
from rnscli.core import CORES, RNS, AnalogKind
from rnscli.hardware import (
    ADC_MODELS,
    CONSTANTS,
    FACTORS,
    AdcModel,
    CapacitiveDac,
    Constant,
    MurmannAdc,
    TableAdc,
    Technology,
    load_technology,
)

_DIGITAL = next(k.default_technology for k in CORES.values() if not isinstance(k, AnalogKind))
# What a designer chooses, so that there is nothing uncertain about it.
RATES = {option.name: option for option in (EnergyOptions.adc_rate, EnergyOptions.clock)}
# What an array does, and what it is given besides its technology.
ARRAY_OPTIONS = {
    option.name: option for option in (EnergyOptions.modulo_energy, EnergyOptions.max_link_sigma)
}
HARDWARE_AXES = (
    "adc_model", "technology", "columns_per_adc", "reverse", *CONSTANTS, *RATES, *ARRAY_OPTIONS
)  # fmt: skip
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
    "modulo_energy": Annotated[float, Column(
        "Energy of a circuit that reduces a sum modulo m, in J.", "modulo circuit",
        prefixed("J"), key="modulo_circuit_j",
    )],
    "max_link_sigma": Annotated[float, Column(
        "Largest wanted standard deviation of a reading of light, in its steps.", "wanted sigma"
    )],
}  # fmt: skip


technology: Decorator[Any] = take(
    EnergyOptions.technology,
    usual=f"{RNS.default_technology} for residues, {CORES['fixed-lp'].default_technology} for "
    f"other analog cores, {_DIGITAL} for digital ones",
)


def constant_options() -> tuple[Option, ...]:
    """All constants, and the rates."""
    return (
        *(constant.option(name) for name, constant in CONSTANTS.items()),
        EnergyOptions.constant,
        *RATES.values(),
        *ARRAY_OPTIONS.values(),
    )


class Hardware(NamedTuple):
    """Technologies and converters that the options name, opened once."""

    technologies: tuple[Technology, ...]
    adc_models: Mapping[str, AdcModel | None]  # with their defaults; None is the technology's own
    given: Mapping[str, str]  # how the options name each technology, which may be a file
    factors: tuple[str, ...] = ()  # NAME=VALUE of what is the same for all technologies

    def technology_of(self, point: Point) -> Technology:
        named = {technology.name: technology for technology in self.technologies}
        found = named.get(point["technology"])
        if found is None:  # of a reference, or a core that runs on none of them
            (found,) = _with_given([load_technology(point["technology"])], self.factors)
        return found

    def complete(
        self, parameters: Mapping[str, Any], point: Point
    ) -> tuple[EnergyParameters, dict[str, Uncertain]]:
        """A design with the hardware of a point, and its uncertain constants.

        Constants of other models than its own are for other rows.
        """
        given = {name: point[name] for name in CONSTANTS if point[name] is not None}
        values = {n: v.value if isinstance(v, Uncertain) else v for n, v in given.items()}
        array = with_constants(self.technology_of(point), values)
        adc = self.adc_models[point["adc_model"]]
        if adc is not None:
            adc = with_constants(adc, values).at_node(array.node)
        dac = with_constants(CapacitiveDac(), values)
        arguments = {
            "technology": array,
            "adc": adc,
            "dac": dac,
            "columns_per_adc": point["columns_per_adc"],
            "reverse": point["reverse"],
            **{n: point[n] for n in (*RATES, *ARRAY_OPTIONS) if point[n] is not None},
            **parameters,
        }
        design = EnergyParameters(**arguments)
        fallback = design.design.adc
        if adc is None and fallback is not None and values.keys() & fallback.constants.keys():
            # Where a technology has no such ADC another one is taken, with constants of its own.
            adc = with_constants(fallback, values).at_node(array.node)
            design = EnergyParameters(**arguments | {"adc": adc})
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


def default_technologies(cores: Iterable[str]) -> tuple[str, ...]:
    """Names of the technologies that some cores are shown on."""
    return tuple(dict.fromkeys(CORES[core].default_technology for core in cores))


def opened(names: Iterable[str], given: Sequence[str]) -> tuple[Technology, ...]:
    """Technologies by their names or files, with constants that are given as NAME=VALUE."""
    return _with_given([load_technology(name) for name in names], given)


def _with_given(technologies: Sequence[Technology], given: Sequence[str]) -> tuple[Technology, ...]:
    """The technologies with constants that are given as NAME=VALUE, each where it is known."""
    found = tuple(technologies)
    named = [text.partition("=")[0] for text in given]
    for name, text in zip(named, given, strict=True):
        known = next((one.constants[name] for one in found if name in one.constants), None)
        if known is None:
            every = sorted({n for one in found for n in one.constants})
            if not found:
                raise InputError(f"--constant is {shown(text)}; it needs a --technology to change")
            raise InputError.of(
                "constant", shown(text), f"NAME=VALUE with the name of one of {', '.join(every)}"
            )
        if named.count(name) > 1:
            raise InputError(f"`constant` has {name} {named.count(name)} times; give it once")
        quantity = _quantity(name, text, known)
        middle = quantity.value if isinstance(quantity, Uncertain) else quantity
        found = tuple(
            _stated(one.with_values({name: middle}), name, quantity)
            if name in one.constants else one
            for one in found
        )  # fmt: skip
    return found


def _quantity(name: str, text: str, known: Constant) -> float | Uncertain:
    """The value of NAME=VALUE, within the bounds of the constant."""
    value = text.partition("=")[2]
    wanted = f"{name}= with {known.wanted}"
    try:
        if known.unit == "1":  # a blank keeps a unit of 1 apart from the last digit
            value = f"{value} "
        quantity = parse_uncertain(value, known.unit)
    except InputError:
        raise InputError.of("constant", shown(text), wanted) from None
    ends = (quantity.low, quantity.high) if isinstance(quantity, Uncertain) else (quantity,)
    if not all(known.low <= end <= known.high for end in ends):
        raise InputError.of("constant", shown(text), wanted)
    return quantity


def _stated(technology: Technology, name: str, value: float | Uncertain) -> Technology:
    """The technology with the range of a constant that was given, in the place of its own."""
    ranges = {n: one for n, one in technology.uncertain if n != name}
    if isinstance(value, Uncertain):
        ranges[name] = value
    elif name in FACTORS:  # which would else have their published spread
        ranges[name] = Uncertain(value, value, value)
    return replace(technology, uncertain=tuple(ranges.items()))


def hardware_of(options: Mapping[str, Any]) -> tuple[Hardware, dict[str, Any]]:
    """What the options name, and the options with the names of models and technologies."""
    table = options["adc_table"]
    chosen = options["adc_model"] or (OWN_ADC if table is None else TableAdc.name,)
    models = {name: ADC_MODELS[name] for name in chosen if name != OWN_ADC}
    if any(model.takes_table for model in models.values()) != (table is not None):
        takers = [name for name, model in ADC_MODELS.items() if model.takes_table]
        raise InputError(
            f"--adc-model {', '.join(takers)} takes its converters from --adc-table FILE; "
            "give both or neither"
        )
    _check_given(options, models, OWN_ADC in chosen)
    for text in options["constant"]:
        name = text.partition("=")[0]
        if name in CONSTANTS and options[name] is not None:
            raise InputError(f"`constant` and `{name}` both give {name}; leave one out")
    named = options["technology"] or default_technologies(options["core"])
    technologies = opened(named, options["constant"])
    names = tuple(technology.name for technology in technologies)
    if len(set(names)) < len(names):
        raise InputError(
            f"--technology has two profiles of the same name ({', '.join(names)}); rename one"
        )
    given = dict(zip(names, named, strict=True))
    adcs: dict[str, AdcModel | None] = {OWN_ADC: None} if OWN_ADC in chosen else {}
    for name, model in models.items():
        adcs[name] = model.made(table if model.takes_table else None)
    filled = {**options, "adc_model": chosen, "technology": names}
    factors = tuple(one for one in options["constant"] if one.partition("=")[0] in FACTORS)
    return Hardware(technologies, adcs, given, factors), filled


def _check_given(options: Mapping[str, Any], models: Collection[str], fallback: bool) -> None:
    """Refuse constants of other models of ADCs, and values out of bounds.

    Murmann's is the ``fallback`` of a technology's own.
    """
    for model, known_model in ADC_MODELS.items():
        for name in known_model.constants:
            given = model in models or (fallback and model == MurmannAdc.name)
            if options[name] is not None and not given:
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
    named = {MurmannAdc.name if one == OWN_ADC else one for one in options["adc_model"]}
    models: list[Any] = [CapacitiveDac, *(ADC_MODELS[name] for name in sorted(named))]
    usual: dict[str, Any] = {EnergyOptions.clock.name: EnergyParameters.clock}
    usual |= {name: getattr(model, name) for model in models for name in model.constants}
    return {**options, **{name: one for name, one in usual.items() if options[name] is None}}


def held_constants(
    point: Point, design: EnergyParameters, uncertain: Mapping[str, Uncertain]
) -> dict[str, Any]:
    """Constants and rates that a design has where the options leave them open."""
    made = design.design
    found: dict[str, Any] = {}
    if made.converters is not None:
        found["clock"] = made.clock
    if made.readout is not None:
        found |= {"adc_rate": made.readout.rate, "columns_per_adc": made.readout.columns}
    if made.technology.link:
        found["max_link_sigma"] = made.wanted_sigma
    found |= made.constants | ranges_of(design, uncertain)
    return {n: value for n, value in found.items() if n in point and point[n] is None}


def on_technologies(points: Iterable[Point], hardware: Hardware) -> list[Point]:
    """The points whose core runs on their technology.

    A core that no named technology can run is shown on its default one. A technology on which no
    core runs is refused, and so is a constant that no point has.
    """
    every = list(points)
    cores = list(dict.fromkeys(point["core"] for point in every))
    priced = next((p["modulo_energy"] for p in every if p["modulo_energy"] is not None), None)
    runs = {
        core: [t.name for t in hardware.technologies if runs_on(CORES[core], t, priced)]
        for core in cores
    }
    for technology in hardware.technologies:
        if not any(technology.name in names for names in runs.values()):
            wanted = next(c for c, kind in CORES.items() if runs_on(kind, technology, priced))
            if not any(_analog(point) for point in every) or technology.kind == "digital":
                raise InputError(
                    f"no --core runs on `technology` {technology.name}; add --core {wanted}"
                )
    analog = [one.name for one in hardware.technologies if one.kind == "analog"]
    kept = []
    for point in every:
        if not _analog(point) and point["adc_model"] != every[0]["adc_model"]:
            continue  # it has no ADC, so that its row would come again
        names = runs[point["core"]]
        if not names and analog and _analog(point):
            # Refused where its design is made, with the sentence that says what it needs.
            if point["technology"] == analog[0]:
                kept.append(point)
        elif not names and point["technology"] == hardware.technologies[0].name:
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
    wraps = all(
        hardware.technology_of(point).modulo != "none" for point in points if _analog(point)
    )
    if wraps and any(point["modulo_energy"] is not None for point in points):
        raise InputError(
            "`modulo_energy` is of a circuit where sums do not wrap by themselves, and they do in "
            "all of these rows; give another --technology, or leave it out"
        )
    for name in (*CONSTANTS, *RATES):
        if name not in known and any(point[name] is not None for point in points):
            raise InputError(
                f"`{name}` is a constant of none of these rows; add a core that has it, or leave "
                "it out"
            )


def _analog(point: Point) -> bool:
    return isinstance(CORES[point["core"]], AnalogKind)


def fixed_hardware(
    hardware: Hardware, models: Iterable[str], values: Mapping[str, float]
) -> dict[str, Any]:
    """Hardware of a space of designs, with constants that are the same for all of them."""
    names = dict.fromkeys(kind.default_technology for kind in CORES.values())
    return {
        "technology": tuple(with_constants(one, values) for one in hardware.technologies),
        "default_technologies": tuple(
            with_constants(hardware.technology_of({"technology": n}), values) for n in names
        ),
        "adc": tuple(
            made and with_constants(made, values)
            for made in (hardware.adc_models[model] for model in models)
        ),
        "dac": with_constants(CapacitiveDac(), values),
    }
