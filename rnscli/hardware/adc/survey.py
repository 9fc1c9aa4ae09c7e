"""ADC energy and area by regression on resolution, rate and technology node."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from rnscli.hardware.adc.model import SurveyedAdc, schreier_energy, sndr_db
from rnscli.hardware.constants import Constant


@dataclass(frozen=True)
class SurveyAdc(SurveyedAdc):
    """The regression published with the Accelergy ADC plug-in: the best a designer may hope for.

    The figure of merit is bounded by the rate and by the resolution,
    ``F = min(213.7807 - 2.8719 ln(f / Hz), 128.3068 + 3.22054 ceil(ENOB))`` dB, and the energy in
    pJ is ``10^((6.02 ENOB + 1.76 - F) / 10) / 2 * exp(26.0496 + 1.88004 ln(node / nm) -
    2.82913 ln(ENOB) - 1.47020)``, fitted to Murmann's ADC survey 1997-2023.

    Parameters
    ----------
    node
        Technology node in m.

    Raises
    ------
    InputError
        If it is out of range.

    References
    ----------
    Andrulis, Chen, Lee, Emer and Sze, "Modeling analog-digital-converter energy and area for
    compute-in-memory accelerator design", arXiv:2404.06553.

    Examples
    --------
    >>> model = SurveyAdc(node=32e-9)
    >>> f"{model.energy(8, 1e9) * 1e12:.3f} pJ, {model.area(8, 1e9) * 1e12:.0f} um^2"
    '1.711 pJ, 5970 um^2'
    """

    name: ClassVar[str] = "survey"
    summary: ClassVar[str] = "a regression on Murmann's survey: the best a designer may hope for"
    constants: ClassVar[Mapping[str, Constant]] = {}
    # The plug-in caps the figure of merit at 20 bits. Below 4 bits the fit falls with resolution.
    bits_range: ClassVar[tuple[float, float]] = (4.0, 20.0)
    rate_range: ClassVar[tuple[float, float]] = (1.0, 1e10)

    def energy(self, bits: float, rate: float) -> float:
        figure_of_merit = min(
            213.7807 - 2.8719 * math.log(rate), 128.3068 + 3.22054 * math.ceil(bits)
        )
        correction = math.exp(
            26.0496 + 1.88004 * math.log(self.node * 1e9) - 2.82913 * math.log(bits) - 1.47020
        )
        return 1e-12 * schreier_energy(sndr_db(bits), figure_of_merit) * correction
