"""What the devices of a technology make of the noise of a core, as others take noise."""

from __future__ import annotations

import math
from typing import NamedTuple, cast

from rnscli.analysis.noise.parameters import NoiseParameters
from rnscli.base import InputError
from rnscli.core import (
    AnalogKind,
    ConventionalCore,
    CoreSettings,
    Devices,
    Gaussian,
    NoiseLaw,
    NoiseSetting,
    step_of,
)
from rnscli.hardware import Technology, load_technology


class DeviceNoise(NamedTuple):
    """The noise of a core on a technology.

    Attributes
    ----------
    setting
        Normal noise of each residue, of light and of phases, as a setting of its standard
        deviations, the largest modulus first; of a core without residues that of an ADC of b bits,
        in its steps. ``None`` where there is no light.
    static_share
        Share of the variance of each that is fixed for a chip; empty without light.
    devices
        What arrays are built of, which are simulated.
    """

    setting: NoiseSetting | None
    static_share: tuple[float, ...]
    devices: Devices

    @property
    def laws(self) -> tuple[NoiseLaw, ...] | NoiseLaw | None:
        """The law of each residue, or of the converters of b bits; ``None`` without light."""
        if self.setting is None:
            return None
        _, sigma = self.setting.level
        if not isinstance(sigma, tuple):
            return Gaussian(sigma, self.static_share[0])
        both = zip(sigma, self.static_share, strict=True)
        return tuple(Gaussian(one, share) for one, share in both)


def device_noise(parameters: NoiseParameters) -> DeviceNoise:
    """What the technology of a design says of its noise.

    The light of a link is normal noise of each residue. What is wrong with cells and converters is
    left to the simulation of its ``devices``.

    Raises
    ------
    InputError
        If the technology says nothing of its noise, or there is too little light.

    Examples
    --------
    >>> from rnscli.core import DotProduct, ModuliSet
    >>> from rnscli.hardware import load_technology
    >>> found = device_noise(NoiseParameters(
    ...     core="rns", dot_product=DotProduct(16, 6, 6), bits=6, moduli=ModuliSet([63, 62, 61]),
    ...     technology=load_technology("photonic-phase")))
    >>> [round(sigma, 4) for sigma in found.setting.sigma], round(found.static_share[0], 3)
    ([0.08, 0.0787, 0.0775], 0.251)
    """
    technology, devices = parameters.technology, parameters.held_devices
    if technology is None or not technology.link:
        if devices == Devices():
            name = "without a name" if technology is None else technology.name
            raise InputError(
                f"`technology` {name} says nothing of its noise: its profile has no [link] and no "
                "[devices]; give the level of the noise, or errors of devices"
            )
        return DeviceNoise(None, (), devices)
    budget = parameters.budget
    sigmas, shares = [], []
    for light in budget.light:
        sigma = math.hypot(*light.values())
        if math.isinf(sigma):
            raise InputError(
                f"no light is left of `technology` {technology.name} after {parameters.size} rows; "
                "give a smaller `vector_size`, or more `laser_power`"
            )
        sigmas.append(sigma)
        shares.append((light["phase"] / sigma) ** 2 if sigma else 0.0)
    if parameters.kind.coded:
        return DeviceNoise(NoiseSetting(sigma=tuple(sigmas)), tuple(shares), devices)
    # As of an ADC of b bits, with the same share of its range; slices have the same light.
    core, reading = cast(ConventionalCore, budget.core), budget.readings[0]
    bits, _ = step_of(core.full_bits, core.adc_bits, core.shares[0])
    sigma = sigmas[0] / reading.step / 2.0 ** (bits - parameters.bits)
    return DeviceNoise(NoiseSetting(sigma=sigma), (shares[0],), devices)


def noise_of_core(
    settings: CoreSettings, kind: AnalogKind, technology: Technology | None, devices: Devices | None
) -> DeviceNoise:
    """`device_noise` of a core with these settings.

    Parameters
    ----------
    settings
        Of the core, with its moduli.
    kind
        What it is.
    technology
        Whose noise it is; the one that it is shown on if not given.
    devices
        What its arrays are built of, in the place of what the technology says.
    """
    chosen = technology or load_technology(kind.default_technology)
    return device_noise(NoiseParameters.of(kind, settings, chosen, devices))
