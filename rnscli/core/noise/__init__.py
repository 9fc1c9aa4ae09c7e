"""Noise laws: what an analog channel does to a residue, and a conventional ADC to its code."""

from rnscli.base import Registry
from rnscli.core.noise.gaussian import Gaussian
from rnscli.core.noise.law import Adc, NoiseLaw, wrong_word
from rnscli.core.noise.setting import NoiseSetting, law_of_each
from rnscli.core.noise.summed import Summed
from rnscli.core.noise.tabulated import Tabulated
from rnscli.core.noise.uniform import Uniform

__all__ = [
    "NOISE_LAWS", "Adc", "Gaussian", "NoiseLaw", "NoiseSetting", "Summed", "Tabulated", "Uniform",
    "law_of_each", "wrong_word",
]  # fmt: skip

# `Tabulated` and `Summed` have no names there: no level says what is in them.
NOISE_LAWS: Registry[type[NoiseLaw]] = Registry("noise", "noise", NoiseLaw, [Uniform, Gaussian])
