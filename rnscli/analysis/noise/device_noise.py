"""What the devices of a technology make of the noise of a core, as others take noise."""

from __future__ import annotations

import math
from typing import NamedTuple

from rnscli.analysis.noise.parameters import NoiseParameters
from rnscli.base import InputError
from rnscli.core import Devices, NoiseSetting


class DeviceNoise(NamedTuple):
    """The noise of a core on a technology.

    Attributes
    ----------
    setting
        Normal noise of each residue, of light and of phases, as a setting of its standard
        deviations, the largest modulus first; ``None`` where there is no light.
    static_share
        Share of the variance of each that is fixed for a chip; empty without light.
    devices
        What arrays are built of, which are simulated.
    """

    setting: NoiseSetting | None
    static_share: tuple[float, ...]
    devices: Devices


def device_noise(parameters: NoiseParameters) -> DeviceNoise:
    """What the technology of a design says of its noise.

    The light of a link is normal noise of each residue. What is wrong with cells and converters is
    left to the simulation of its ``devices``.

    Raises
    ------
    InputError
        If the technology says nothing of its noise, its light is not that of residues, or there is
        too little of it.

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
    if not parameters.kind.coded:
        raise InputError(
            f"the light of `technology` {technology.name} is noise at the ADCs of core "
            f"{parameters.core}, and not of residues; give its level"
        )
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
    return DeviceNoise(NoiseSetting(sigma=tuple(sigmas)), tuple(shares), devices)
