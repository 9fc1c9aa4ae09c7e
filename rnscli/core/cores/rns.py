"""The residue core: a converter for each modulus, a redundant code, retries."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rnscli.base import InputError
from rnscli.core.arithmetic import ModuliSet
from rnscli.core.cores.kind import (
    CODE_AXES,
    CONVERTER_AXES,
    AnalogKind,
    Converters,
    CoreSettings,
    Logic,
    needed_moduli,
)
from rnscli.core.cores.operations import merged, times
from rnscli.core.cores.residue_conversion import (
    forward_conversion,
    forward_cycles,
    other_groups,
    reverse_conversion,
    reverse_cycles,
    syndrome,
    syndrome_cycles,
)

if TYPE_CHECKING:
    from rnscli.core.arithmetic import RedundantCode
    from rnscli.core.cores.core import Core
    from rnscli.core.noise import NoiseLaw


class Rns(AnalogKind):
    """One low-precision channel for each modulus."""

    name = "rns"
    summary = "a channel for each modulus, whose converters lose nothing; errors are corrected"
    axes = (*CONVERTER_AXES, *CODE_AXES)
    exact = True
    coded = True

    def converters(self, settings: CoreSettings) -> Converters:
        return Converters(settings.bits, settings.bits, needed_moduli(self, settings).count)

    def build(
        self,
        settings: CoreSettings,
        code: RedundantCode | None,
        noise: NoiseLaw | tuple[NoiseLaw, ...] | None,
        attempts: float,
    ) -> Core:
        from rnscli.core.cores.rns_core import RnsCore

        if code is None:
            raise InputError(f"core {self.name} needs a moduli set, and none was given")
        return RnsCore(settings.dot_product, code, noise, attempts)

    def logic(self, settings: CoreSettings) -> Logic:
        """Every input is reduced modulo each modulus, every output restored and checked.

        Where residues are wrong, a decoder that corrects tries its further groups of n residues,
        each with its own conversion and check, one after the other.
        """
        moduli = needed_moduli(self, settings)
        size = settings.legitimate_range
        return _logic(
            moduli,
            settings.dot_product.input_bits,
            settings.reverse,
            moduli.dynamic_range if size is None else size,
            settings.radius,
            settings.word_error_probability,
        )

    def reading_error(self, settings: CoreSettings, law: NoiseLaw) -> float:
        raise InputError(f"the errors of core {self.name} are those of its code")


@lru_cache(maxsize=4096)
def _logic(
    moduli: ModuliSet,
    input_bits: int,
    method: str,
    legitimate_range: int,
    radius: int,
    word_error_probability: float,
) -> Logic:
    reverse = reverse_conversion(moduli, method)
    check = syndrome(moduli, legitimate_range)
    tried = other_groups(moduli.count, moduli.redundant, radius) * word_error_probability
    restored = reverse_cycles(moduli, method) + syndrome_cycles(moduli, legitimate_range)
    return Logic(
        inputs=forward_conversion(input_bits, moduli),
        reverse=reverse,
        decoding=merged(check, times(merged(reverse, check), tried)),
        cycles_before=forward_cycles(input_bits, moduli),
        cycles_after=restored * (1 + tried),
    )
