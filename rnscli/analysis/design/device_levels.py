"""What the devices of a technology make of the noise of a design, with arrays as they are cut."""

import math
from dataclasses import replace
from typing import NamedTuple

from rnscli.analysis.energy import EnergyParameters
from rnscli.analysis.noise.budget import NoiseBudget
from rnscli.analysis.noise.device_noise import device_noise
from rnscli.analysis.noise.parameters import NoiseParameters
from rnscli.base import InputError
from rnscli.core import AnalogKind, ConventionalKind, Gaussian, NoiseLaw, Summed, wrong_word

_MOST_STEPS = 1e4  # beyond which nothing is left of a reading


class DeviceLevels(NamedTuple):
    """The noise of a design.

    Attributes
    ----------
    laws
        Law of each residue, the largest modulus first; ``()`` of a core without residues.
    static_share
        Largest share of the variance of one that is fixed for a chip.
    wrong
        Probability that a reading of a core without residues changes.
    square
        Mean square of what is added to the error of its sums.
    """

    laws: tuple[NoiseLaw, ...] = ()
    static_share: float = 0.0
    wrong: float = 0.0
    square: float = 0.0


def device_levels(costs: EnergyParameters) -> DeviceLevels:
    """The noise of a design with the technology, and the arrays, that its costs are of.

    A dot product that is cut in segments is read in as many arrays, and a residue, or a sum, has
    the errors of all of them.

    Raises
    ------
    InputError
        If the technology says nothing of its noise or has too little light, or residues are in
        cells.
    """
    made = costs.design
    settings = replace(made.settings, dot_product=replace(made.dot_product, vector_size=made.rows))
    assert isinstance(made.kind, AnalogKind)  # nothing else is read
    parameters = NoiseParameters.of(made.kind, settings, made.technology, columns=made.width)
    found = device_noise(parameters)
    kind, segments = parameters.kind, made.segments
    if kind.coded:
        laws = found.laws
        if not isinstance(laws, tuple):
            raise InputError(
                f"`technology` {made.technology.name} has the errors of its devices, which are no "
                "law of residues; rnscli noise says how large they are"
            )
        share = max((one.static_share for one in laws if isinstance(one, Gaussian)), default=0.0)
        whole = laws if segments == 1 else tuple(Summed(one, segments) for one in laws)
        return DeviceLevels(whole, share)
    assert isinstance(kind, ConventionalKind)
    settings = replace(settings, devices=parameters.held_devices)
    budget = parameters.budget
    laws = tuple(_of_adc(costs, budget, index) for index in range(len(budget.readings)))
    wrong = kind.reading_error(settings, laws)
    return DeviceLevels(
        wrong=wrong_word((wrong,) * segments),
        square=segments * (budget.added_error or 0.0) ** 2,
    )


def _of_adc(costs: EnergyParameters, budget: NoiseBudget, index: int) -> NoiseLaw:
    """Normal noise of an ADC, as of one of b bits with the same range."""
    reading, bits = budget.readings[index], costs.design.settings.bits
    sigma = math.hypot(reading.added, reading.bias)
    scaled = sigma / 2.0 ** (budget.adc_bits[index] - bits)
    _check(costs, max(sigma, scaled))
    return Gaussian(scaled)


def _check(costs: EnergyParameters, sigma: float) -> None:
    if not sigma <= _MOST_STEPS:
        raise InputError(
            f"the arrays of `technology` {costs.design.technology.name} are read with a deviation "
            f"of {sigma:.3g} steps, which leaves nothing of a reading; give a smaller "
            "`vector_size`, or fewer `bits`"
        )
