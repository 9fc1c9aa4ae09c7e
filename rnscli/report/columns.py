"""How each row key is shown to a person: its title, and its value in sensible digits."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from rnscli.base.units import Uncertain, engineering
from rnscli.hardware.adc.registry import CONSTANTS


@dataclass(frozen=True)
class Column:
    """Title and format of a row key.

    ``same_as`` names another key: a table leaves the column out where both are equal throughout;
    and so where all values are the ``usual`` one. ``interval`` is the key of a value's interval,
    whose width says how many digits of the value mean anything; a parameter that ``concerns_some``
    rows only is common to all where these agree; ``unit`` is the key of its unit,
    where that differs from row to row (and is empty where there is none).
    """

    title: str
    show: Callable[[object], str]
    same_as: str | None = None
    usual: object = None
    interval: str | None = None
    concerns_some: bool = False
    unit: str | None = None


def show_value(key: str, value: object, row: Mapping[str, object] | None = None) -> str:
    """A value of a row as a person reads it; nothing for ``None``."""
    if value is None:
        return "-"
    found = column(key)
    interval = row.get(found.interval) if row is not None and found.interval else None
    if isinstance(interval, tuple) and isinstance(value, float):
        return _as_precise_as(value, (interval[1] - interval[0]) / 2)
    if found.unit is not None and row is not None and row[found.unit] and isinstance(value, float):
        return engineering(value, str(row[found.unit]))
    return found.show(value)


def column(key: str) -> Column:
    """The column of a key; keys without a definition are shown as they are."""
    return COLUMNS.get(key) or Column(key.replace("_", " "), str)


def _number(value: object) -> str:
    """Four significant digits; plain integers keep all of theirs while they are readable."""
    if isinstance(value, int):
        return str(value) if abs(value) < 10**15 else f"{Decimal(value):.5e}"
    assert isinstance(value, float)
    if math.isinf(value):
        return "inf"
    magnitude = abs(value)
    if magnitude and not 1e-3 <= magnitude < 1e6:
        return f"{value:.3e}"
    return f"{value:.4g}" if magnitude < 1e4 else f"{value:.0f}"


def _as_precise_as(value: float, half_width: float) -> str:
    """A value down to the second digit of what it may be off by."""
    if not 1e-6 < half_width < abs(value):
        return _number(value)
    decimals = 1 - math.floor(math.log10(half_width))
    return f"{value:.{max(0, decimals)}f}"


def _probability(value: object) -> str:
    assert isinstance(value, float)
    if value in (0.0, 1.0):
        return f"{value:.0f}"
    # Next to 1 the distance to 1 is what matters.
    if value > 0.999:
        return f"1 - {1 - value:.2e}" if value < 1 else "1"
    return f"{value:.4g}" if value >= 1e-3 else f"{value:.3e}"


def _sequence(value: object) -> str:
    assert isinstance(value, tuple)
    return " ".join(str(item) for item in value) or "-"


def _time(value: object) -> str:
    """A moment in UTC, to the minute."""
    return str(value)[:16].replace("T", " ")


def _joules(value: object) -> str:
    assert isinstance(value, float)
    return engineering(value, "J")


def _engineering(unit: str) -> Callable[[object], str]:
    def show(value: object) -> str:
        if isinstance(value, Uncertain):
            return f"{engineering(value.low, unit)} .. {engineering(value.high, unit)}"
        assert isinstance(value, float)
        return _area(value) if unit == "m2" else engineering(value, unit)

    return show


def _area(value: object) -> str:
    """Square millimetres or micrometres: prefixes of a square unit mean something else."""
    assert isinstance(value, float)
    return f"{value * 1e6:.4g} mm2" if value >= 1e-8 else f"{value * 1e12:.4g} um2"


def _ends(show: Callable[[object], str]) -> Callable[[object], str]:
    def ends(value: object) -> str:
        assert isinstance(value, tuple)
        return f"{show(value[0])} .. {show(value[1])}"

    return ends


COLUMNS: dict[str, Column] = {
    "bits": Column("bits", _number, concerns_some=True),
    "input_bits": Column("input bits", _number, same_as="bits"),
    "weight_bits": Column("weight bits", _number, same_as="bits"),
    "vector_size": Column("h", _number, concerns_some=True),
    "moduli": Column("moduli", _sequence),
    "redundant_moduli": Column("redundant", _sequence, usual=()),
    "count": Column("N", _number),
    "dynamic_range": Column("range", _number),
    "log2_dynamic_range": Column("log2", lambda value: f"{value:.2f}"),
    "required_range": Column("required", _number),
    "output_bits": Column("b_out", _number),
    "lost_bits": Column("lost", _number),
    "rank": Column("rank", _number, usual=1),
    "core": Column("core", str),
    "pairs": Column("pairs", _number),
    "mean_abs_error": Column("mean |e|", _number, interval="mean_abs_error_ci95"),
    "mean_abs_error_ci95": Column("95 %", lambda value: _half_width(value)),
    "precision_reached": Column("reached", lambda value: _share(value)),
    "mean_error": Column("mean e", _number),
    "rms_error": Column("rms e", _number),
    "max_abs_error": Column("max |e|", _number),
    "p50_abs_error": Column("p50 |e|", _number),
    "p95_abs_error": Column("p95 |e|", _number),
    "p99_abs_error": Column("p99 |e|", _number),
    "relative_to_rns": Column("x rns", _number),
    "residue_error_probability": Column("p", _probability, concerns_some=True),
    "output_error_rate": Column("error rate", _number),
    "output_error_rate_ci95": Column("95 % interval", lambda value: _interval(value)),
    "mean_attempts": Column("mean R", _number),
    "what": Column("task", str),
    "key": Column("key", str),
    "seed": Column("seed", _number, usual=0),
    "created": Column("created", _time),
    "finished": Column("last block", _time),
    "max_attempts": Column("max R", _number, usual=1),
    "operands": Column("operands", str),
    "degrees_of_freedom": Column("nu", _number),
    "sparsity": Column("sparsity", _number),
    "slice_bits": Column("slice bits", _number),
    "redundant": Column("k", _number),
    "decoder": Column("decoder", str, usual="bounded-distance"),
    "noise": Column("noise", str),
    "p": Column("p", _probability),
    "sigma": Column("sigma", _number, concerns_some=True),
    "simulated_p_undetected": Column("simulated", _probability),
    "simulated_p_undetected_ci999": Column("99.9 % interval", lambda value: _interval(value)),
    "simulated_words": Column("words", _number),
    "simulated_p_err": Column("simulated", _probability),
    "simulated_p_err_ci999": Column("99.9 % interval", lambda value: _interval(value)),
    "agrees": Column("", lambda value: "agrees" if value else "DISAGREES"),
    "conversions": Column("conversions", _number),
    "cheapest": Column("", lambda value: "cheapest" if value else ""),
    "target": Column("target", _probability),
    "erased": Column("erased", _sequence),
    "snr_db": Column("SNR (dB)", _number),
    "attempts": Column("R", _number),
    "p_correct": Column("p correct", _probability),
    "p_detected": Column("p detected", _probability),
    "p_undetected": Column("p undetected", _probability),
    "p_err": Column("p_err", _probability),
    "expected_attempts": Column("mean R", _number, usual=1.0),
    "legitimate_range": Column("L", lambda v: v if isinstance(v, str) else _number(v)),
    "dac_bits": Column("DAC bits", _number),
    "adc_bits": Column("ADC bits", _number),
    "dac_conversions": Column("DACs/dot", _number),
    "adc_conversions": Column("ADCs/dot", _number),
    "dac_energy_j": Column("DAC", _joules),
    "adc_energy_j": Column("ADC", _joules),
    "converter_energy_j": Column("converters", _joules),
    "energy_per_mac_j": Column("per MAC", _joules),
    "adc_relative_to_rns": Column("ADC x rns", _number),
    "times": Column("times", _number),
    "role": Column("", str),
    "axis": Column("axis", str),
    "reason": Column("against it", str),
    "columns_per_adc": Column("c/ADC", _number, usual=1, concerns_some=True),
    "reverse": Column("reverse", str, usual="mixed-radix", concerns_some=True),
    "technology": Column("technology", str),
    "adc_model": Column("ADC model", str, usual="murmann", concerns_some=True),
    "array_energy_j": Column("array", _joules),
    "leakage_energy_j": Column("leakage", _joules, usual=0.0),
    "forward_energy_j": Column("forward", _joules, usual=0.0),
    "reverse_energy_j": Column("reverse", _joules, usual=0.0),
    "decoding_energy_j": Column("decoding", _joules, usual=0.0),
    "shift_add_energy_j": Column("shift+add", _joules, usual=0.0),
    "retry_energy_j": Column("retries", _joules, usual=0.0),
    "digital_energy_j": Column("digital", _joules, usual=0.0),
    "accumulation_energy_j": Column("accumulation", _joules, usual=0.0),
    "energy_per_dot_product_j": Column("total", _joules),
    "energy_j": Column("total", _joules),
    "energy_range_j": Column("total range", _ends(_joules)),
    "latency_s": Column("latency", _engineering("s")),
    "latency_range_s": Column("latency range", _ends(_engineering("s"))),
    "time_s": Column("time", _engineering("s")),
    "throughput_macs_per_s": Column("MAC/s", _engineering("MAC/s")),
    "area_m2": Column("area", _area),
    "area_range_m2": Column("area range", _ends(_area)),
    "tops_per_w": Column("TOPS/W", _number),
    "tops_per_mm2": Column("TOPS/mm2", _number),
    "extrapolated": Column("extrapolated", lambda value: "yes" if value else "", usual=False),
    "utilisation": Column("used", lambda value: f"{value:.1%}"),
    "constant": Column("constant", str),
    "constant_low": Column("from", _number, unit="unit"),
    "constant_value": Column("value", _number, unit="unit"),
    "constant_high": Column("to", _number, unit="unit"),
    "energy_at_low_j": Column("at low", _joules),
    "energy_at_high_j": Column("at high", _joules),
    "model": Column("model", str),
    "samples": Column("samples", _number),
    "granularity": Column("granularity", str, usual="vector"),
    "accuracy": Column("accuracy", lambda value: f"{value:.1%}"),
    "accuracy_ci95": Column("95 % interval", _ends(lambda value: f"{value:.1%}")),
    "fp32_accuracy": Column("FP32", lambda value: f"{value:.1%}"),
    "relative_accuracy": Column("over FP32", lambda value: f"{value:.1%}"),
    "relative_accuracy_ci95": Column("95 % interval", _ends(lambda value: f"{value:.1%}")),
    "seeds": Column("seeds", _number, usual=1),
    "epochs": Column("epochs", _number),
    "epoch": Column("epoch", _number),
    "train_loss": Column("training loss", _number),
    "test_loss": Column("test loss", _number),
    "test_accuracy": Column("accuracy", lambda value: f"{value:.2%}"),
    "test_accuracy_ci95": Column("95 % interval", _ends(lambda value: f"{value:.2%}")),
    "accuracy_difference": Column("to FP32", lambda value: f"{value:+.2%}"),
    "accuracy_difference_ci95": Column("95 % interval", _ends(lambda value: f"{value:+.2%}")),
    "fp32_standard_error": Column("s.e. of FP32", lambda value: f"{value:.2%}"),
    "within_standard_error": Column("within it", lambda value: "yes" if value else "no"),
    "gemms": Column("GEMMs", _number),
    "energy_per_inference_j": Column("energy each", _joules),
    "digital": Column("digital", str),
    "swing": Column("swing", lambda value: f"{value:.1%}"),
    "columns": Column("columns", _number, same_as="vector_size"),
    "result": Column("result", str),
    "case": Column("case", str),
    "computed": Column("computed", lambda value: _computed(value), unit="unit"),
    "computed_ci95": Column("95 % interval", lambda value: _interval(value)),
    "published": Column("published", str),
    "verdict": Column("verdict", str),
    "deviation": Column("off by", lambda value: f"{value:.2%}"),
    "remark": Column("remark", str),
    "source": Column("source", str),
    "command": Column("command", str),
}


def _half_width(value: object) -> str:
    """A symmetric interval, beside its middle."""
    assert isinstance(value, tuple)
    half = (value[1] - value[0]) / 2
    return f"± {half:.2g}" if half < 100 else f"± {half:.0f}"


def _share(value: object) -> str:
    assert isinstance(value, float)
    return f"± {value * 100:.2g} %"


def _computed(value: object) -> str:
    """A set of moduli or a number, large ones in full as they are often printed."""
    if isinstance(value, tuple):
        return _sequence(value)
    assert isinstance(value, float)
    if not 1e3 <= value < 1e9:
        return _number(value)
    return f"{value:.0f}" if value >= 1e5 else f"{value:.6g}"


def _interval(value: object) -> str:
    assert isinstance(value, tuple)
    return f"{_number(value[0])} .. {_number(value[1])}"


# Constants and rates that are swept.
COLUMNS |= {
    known.key(name): Column(name.replace("_", " "), _engineering(known.unit))
    for name, known in CONSTANTS.items()
} | {
    f"{name}_hz": Column(name.replace("_", " "), _engineering("Hz"))
    for name in ("adc_rate", "clock")
}
