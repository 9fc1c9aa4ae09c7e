"""The residue core: a converter for each modulus, a redundant code, retries, and digital logic."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from rnscli.base import InputError
from rnscli.core.arithmetic import ModuliSet, decoder_for
from rnscli.core.cores.kind import (
    CONVERTER_AXES,
    AnalogKind,
    Array,
    Converters,
    CoreSettings,
    Laws,
    Logic,
    Operations,
    add,
    merged,
    times,
)
from rnscli.core.cores.residue_logic import (
    forward_conversion,
    forward_cycles,
    residue_width,
    reverse_conversion,
    reverse_cycles,
    syndrome,
    syndrome_cycles,
)
from rnscli.core.cores.robust_logic import robust_conversion, robust_cycles
from rnscli.core.cores.shared_logic import shared_conversion, shared_cycles
from rnscli.core.noise import NoiseLaw

if TYPE_CHECKING:  # what is simulated loads NumPy
    from rnscli.core.arithmetic import RedundantCode
    from rnscli.core.cores.rns_core import RnsCore

_Given = TypeVar("_Given")


class Rns(AnalogKind):
    """One low-precision channel for each modulus."""

    name = "rns"
    summary = "a channel for each modulus, whose converters lose nothing; errors are corrected"
    axes = (
        *CONVERTER_AXES,
        "reverse",
        "factor",
        "redundant",
        "decoder",
        "retry_above",
        "legitimate_range",
        "attempts",
        "residues",
    )
    exact = True
    coded = True

    def _needed(self, given: _Given | None) -> _Given:
        """A moduli set, or the code of one."""
        if given is None:
            raise InputError(f"core {self.name} needs a moduli set, and none was given")
        return given

    @property
    def default_technology(self) -> str:
        """Light, whose phase wraps by itself."""
        return "photonic-phase"

    def runs_on(self, array: Array) -> bool:
        """Where something reduces sums modulo m: without, residues need wider ADCs than numbers."""
        return array.kind == "analog" and array.modulo != "none"

    def converters(self, settings: CoreSettings) -> Converters:
        moduli = self._needed(settings.moduli).moduli
        width = residue_width(max(moduli))
        return Converters(width, width, len(moduli), moduli)

    def joining(self, settings: CoreSettings, segments: int) -> Operations:
        """Sums of residues: in each channel an addition, and one that brings it below m."""
        moduli = self._needed(settings.moduli).moduli
        return merged(*(add(residue_width(modulus), 2.0) for modulus in moduli))

    def build(
        self, settings: CoreSettings, code: RedundantCode | None, noise: Laws, attempts: float
    ) -> RnsCore:
        from rnscli.core.cores.rns_core import RnsCore

        # A residue is applied as a whole.
        devices = replace(settings.devices, input_slice_bits=None)
        return RnsCore(settings.dot_product, self._needed(code), noise, attempts, devices)

    def logic(self, settings: CoreSettings) -> Logic:
        """Every input is reduced modulo each modulus, every output restored and checked.

        Where residues are not believed, a decoder that corrects tries its further groups of n
        residues, each with its own conversion and check, one after the other.
        """
        return _logic(self._needed(settings.moduli), settings)

    def reading_error(self, settings: CoreSettings, law: NoiseLaw) -> float:
        raise InputError(f"the errors of core {self.name} are those of its code")


@lru_cache(maxsize=4096)
def _logic(moduli: ModuliSet, settings: CoreSettings) -> Logic:
    input_bits, method = settings.dot_product.input_bits, settings.reverse
    size = settings.legitimate_range or moduli.dynamic_range
    decoder = decoder_for(moduli, settings.decoder)
    if decoder.listed:
        return _logic_of_list(moduli, settings, decoder.listed)
    if moduli.shared:
        return _logic_of_shared(moduli, settings, size)
    checked = moduli  # whose residues are compared with those of the number
    if moduli.factor > 1:
        checked = moduli.of_cofactors
        size = min(size // moduli.factor + 1, checked.dynamic_range)
        reverse, cycles = robust_conversion(moduli, method), robust_cycles(moduli, method)
    else:
        reverse, cycles = reverse_conversion(moduli, method), reverse_cycles(moduli, method)
    check = syndrome(checked, size)
    tried = decoder.groups_tried(moduli) * settings.search_probability
    restored = cycles + syndrome_cycles(checked, size)
    return Logic(
        inputs=forward_conversion(input_bits, moduli),
        reverse=reverse,
        decoding=merged(check, times(merged(reverse, check), tried)),
        cycles_before=forward_cycles(input_bits, moduli),
        cycles_after=restored * (1 + tried),
    )


def _logic_of_list(moduli: ModuliSet, settings: CoreSettings, listed: int) -> Logic:
    """Of a decoder that looks errors up: in a list in the order of their shifts.

    All residues make one number. Where that is not legitimate, two binary searches find the window
    of the list, two entries of a table its least cost, and an entry what is subtracted
    (`rnscli.core.arithmetic.lee`).
    """
    every = ModuliSet(moduli.moduli)
    input_bits, method = settings.dot_product.input_bits, settings.reverse
    width = residue_width(moduli.total_range)
    levels = (listed - 1).bit_length()
    share = settings.search_probability
    looked_up = add(width, 2.0 * levels + 3.0)
    reads = 2 * levels * width + 2 * levels + width
    return Logic(
        inputs=forward_conversion(input_bits, moduli),
        reverse=reverse_conversion(every, method),
        decoding=merged(add(width), times(looked_up, share)),
        cycles_before=forward_cycles(input_bits, moduli),
        cycles_after=reverse_cycles(every, method) + 1 + share * (2 * levels + 3),
        bits_looked_up=share * reads,
    )


def _logic_of_shared(moduli: ModuliSet, settings: CoreSettings, size: int) -> Logic:
    """Of a set of which pairs share factors: every word looks its errors up."""
    input_bits = settings.dot_product.input_bits
    return Logic(
        inputs=forward_conversion(input_bits, moduli),
        reverse=shared_conversion(moduli),
        decoding=syndrome(moduli, size),
        cycles_before=forward_cycles(input_bits, moduli),
        cycles_after=shared_cycles(moduli) + syndrome_cycles(moduli, size),
        bits_looked_up=float(residue_width(moduli.dynamic_range)),
    )
