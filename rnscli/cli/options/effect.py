"""Options that are given, and change nothing beside the others."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from rnscli.cli.options.shared import MODULI_COLUMNS
from rnscli.core import CORES, RNS, AnalogKind
from rnscli.hardware import STATIC


def without_effect(
    options: Mapping[str, Any],
    given: Collection[str],
    needs: Mapping[str, Sequence[str]],
    compared: bool,
) -> Iterator[str]:
    """A sentence for each of the given options that has no effect.

    It concerns none of the cores, to which rns belongs where the others are ``compared`` with it,
    or ``needs`` one of other options, or cores, that are not given: of some options a value, as
    ``option=value``, or any other one, as ``option!=value``; or that one is not given, as
    ``!option``.
    """
    cores = dict.fromkeys((*(options.get("core") or ()), *((RNS.name,) if compared else ())))
    for name in given:
        # Layers of a file may be on any core.
        known = cores and not options.get("layers")
        owners = [core for core in CORES if name in _axes(core)] if known else []
        needed = needs.get(name, ())
        elsewhere = any(_is_given(options, n) for n in _ELSEWHERE.get(name, ()))
        if owners and not elsewhere and not {*owners}.intersection(cores):
            yield (
                f"`{name}` changes nothing of {', '.join(cores)}; it is about the core "
                f"{', '.join(owners)}"
            )
        elif needed and not any(n in cores or _is_given(options, n) for n in needed):
            beside = next((n[1:] for n in needed if n.startswith("!")), None)
            said = [_said(options, n) for n in needed if not n.startswith("!")]
            ways = [f"with `{beside}`"] if beside else []
            ways += [f"without {' or '.join(said)}"] if said else []
            yield f"`{name}` changes nothing {' and '.join(ways)}"


def concerns_cores(options: Mapping[str, Any], name: str) -> bool:
    """Whether an option is about all cores, or about one of those that are compared."""
    owners = [core for core in CORES if name in _axes(core)]
    cores = options.get("core") or owners
    return not owners or any(core in owners for core in cores)


# What gives an option of some cores a meaning for every core.
_ELSEWHERE = dict.fromkeys(("calibration", "percentile"), (f"input_scale={STATIC}",))


def _is_given(options: Mapping[str, Any], needed: str) -> bool:
    if needed.startswith("!"):
        return not _is_given(options, needed[1:])
    name, other, value = _parts(needed)
    given = options.get(name)
    if not value:
        return given not in (None, False)
    values = given if isinstance(given, tuple) else (given,)
    if other:
        return any(str(one) != value for one in values)
    # A value that is there by default may concern none of the cores.
    return value in values and concerns_cores(options, name)


def _parts(needed: str) -> tuple[str, bool, str]:
    name, _, value = needed.partition("=")
    return name.removesuffix("!"), name.endswith("!"), value


def _said(options: Mapping[str, Any], needed: str) -> str:
    name, other, value = _parts(needed)
    if name not in options:
        return f"the core {name}"
    if other:
        return f"a `{name}` other than {value}"
    return f"`{name}` {value}" if value else f"`{name}`"


def _axes(core: str) -> tuple[str, ...]:
    """Options that concern a core, but for those that all have."""
    kind = CORES[core]
    own = tuple(axis for axis in kind.axes if axis != "bits")
    if isinstance(kind, AnalogKind):
        own = (*own, "adc_model")
    return (*own, *MODULI_COLUMNS) if kind.coded else own
