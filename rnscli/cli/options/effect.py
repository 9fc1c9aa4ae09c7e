"""Options that are given, and change nothing beside the others."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from rnscli.cli.options.shared import MODULI_COLUMNS
from rnscli.core import CORES, RNS, AnalogKind


def without_effect(
    options: Mapping[str, Any],
    given: Collection[str],
    needs: Mapping[str, Sequence[str]],
    compared: bool,
) -> Iterator[str]:
    """A sentence for each of the given options that has no effect.

    It concerns none of the cores, to which rns belongs where the others are ``compared`` with it,
    or ``needs`` one of other options, or cores, that are not given; of some options a value, as
    ``option=value``.
    """
    cores = dict.fromkeys((*(options.get("core") or ()), *((RNS.name,) if compared else ())))
    for name in given:
        # Layers of a file may be on any core.
        known = cores and not options.get("layers")
        owners = [core for core in CORES if name in _axes(core)] if known else []
        needed = needs.get(name, ())
        if owners and not {*owners}.intersection(cores):
            yield (
                f"`{name}` changes nothing of {', '.join(cores)}; it is about the core "
                f"{', '.join(owners)}"
            )
        elif needed and not any(n in cores or _is_given(options, n) for n in needed):
            said = (_said(options, n) for n in needed)
            yield f"`{name}` changes nothing without {' or '.join(said)}"


def concerns_cores(options: Mapping[str, Any], name: str) -> bool:
    """Whether an option is about all cores, or about one of those that are compared."""
    owners = [core for core in CORES if name in _axes(core)]
    cores = options.get("core") or owners
    return not owners or any(core in owners for core in cores)


def _is_given(options: Mapping[str, Any], needed: str) -> bool:
    name, _, value = needed.partition("=")
    given = options.get(name)
    if not value:
        return given not in (None, False)
    return value in given if isinstance(given, tuple) else value == given


def _said(options: Mapping[str, Any], needed: str) -> str:
    name, _, value = needed.partition("=")
    if name not in options:
        return f"the core {name}"
    return f"`{name}` {value}" if value else f"`{name}`"


def _axes(core: str) -> tuple[str, ...]:
    """Options that concern a core, but for those that all have."""
    kind = CORES[core]
    own = tuple(axis for axis in kind.axes if axis != "bits")
    if isinstance(kind, AnalogKind):
        own = (*own, "adc_model")
    return (*own, *MODULI_COLUMNS) if kind.coded else own
