"""Design of residue-number-system (RNS) analog accelerators, before any chip exists.

Everything the command line computes is here as functions of frozen parameter objects:

* `select_moduli`, `ModuliRequest`, `moduli_table`: which moduli;
* `DotErrorParameters`, `dot_error`: what error (Monte Carlo);
* `FaultParameters`, `fault_probability`: what fault probability (exact);
* `TargetParameters`, `redundancy_frontier`: how much redundancy and how many attempts;
* `EnergyParameters`, `converter_energy`: what converter energy;
* `ModuliSet`, `RedundantCode`, `to_residues` and the rest: the arithmetic beneath.

Names are loaded when they are first used, so importing the package costs nothing.

Examples
--------
>>> import rnscli
>>> moduli = rnscli.select_moduli(246017, max_modulus=63, redundant=2)[0]
>>> moduli
ModuliSet(moduli=(63, 62, 61, 59, 55, 53), redundant=2)
>>> result = rnscli.fault_probability(rnscli.FaultParameters(moduli=moduli, p=1e-3, attempts=2))
>>> f"{result.p_err:.4e}"
'9.1573e-07'
"""

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_HOMES = {
    "rnscli.analysis.code_spectrum": ("CodeSpectrum", "code_spectrum"),
    "rnscli.analysis.dot_error": (
        "DotErrorParameters",
        "DotErrorResult",
        "DotErrorRow",
        "ErrorStatistics",
        "dot_error",
    ),
    "rnscli.analysis.energy": (
        "EnergyParameters",
        "EnergyRow",
        "MurmannConverters",
        "converter_energy",
    ),
    "rnscli.analysis.fault_probability": (
        "FaultParameters",
        "FaultProbability",
        "fault_probability",
    ),
    "rnscli.analysis.moduli_choice": ("ModuliRequest", "ModuliRow", "moduli_table"),
    "rnscli.analysis.redundancy": ("TargetParameters", "redundancy_frontier"),
    "rnscli.analysis.operands": ("GivenOperands", "load_operands"),
    "rnscli.core.code": ("CORRECTED", "DETECTED", "VALID", "Decoded", "RedundantCode"),
    "rnscli.core.cores": ("FixedPointCore", "Readout", "RnsCore"),
    "rnscli.core.dot_product": ("DotProduct",),
    "rnscli.core.errors": ("InputError", "NoSolutionError", "RnscliError"),
    "rnscli.core.moduli": ("ModuliSet",),
    "rnscli.core.noise": ("Gaussian", "Tabulated", "Uniform"),
    "rnscli.core.quantisation": ("Quantised", "quantise"),
    "rnscli.core.residues": ("from_residues", "modular_dot", "modular_matmul", "to_residues"),
    "rnscli.core.selection": ("select_moduli", "special_family"),
    "rnscli.runtime.blocks": ("block_mapper",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "CORRECTED",
    "DETECTED",
    "VALID",
    "CodeSpectrum",
    "Decoded",
    "DotErrorParameters",
    "DotErrorResult",
    "DotErrorRow",
    "DotProduct",
    "EnergyParameters",
    "EnergyRow",
    "ErrorStatistics",
    "FaultParameters",
    "FaultProbability",
    "FixedPointCore",
    "Gaussian",
    "GivenOperands",
    "InputError",
    "ModuliRequest",
    "ModuliRow",
    "ModuliSet",
    "MurmannConverters",
    "NoSolutionError",
    "Quantised",
    "Readout",
    "RedundantCode",
    "RnsCore",
    "RnscliError",
    "Tabulated",
    "TargetParameters",
    "Uniform",
    "__version__",
    "block_mapper",
    "code_spectrum",
    "converter_energy",
    "dot_error",
    "fault_probability",
    "from_residues",
    "load_operands",
    "modular_dot",
    "modular_matmul",
    "moduli_table",
    "quantise",
    "redundancy_frontier",
    "select_moduli",
    "special_family",
    "to_residues",
]

if TYPE_CHECKING:
    from rnscli.analysis.code_spectrum import CodeSpectrum, code_spectrum
    from rnscli.analysis.dot_error import (
        DotErrorParameters,
        DotErrorResult,
        DotErrorRow,
        ErrorStatistics,
        dot_error,
    )
    from rnscli.analysis.energy import (
        EnergyParameters,
        EnergyRow,
        MurmannConverters,
        converter_energy,
    )
    from rnscli.analysis.fault_probability import (
        FaultParameters,
        FaultProbability,
        fault_probability,
    )
    from rnscli.analysis.moduli_choice import ModuliRequest, ModuliRow, moduli_table
    from rnscli.analysis.operands import GivenOperands, load_operands
    from rnscli.analysis.redundancy import TargetParameters, redundancy_frontier
    from rnscli.core.code import CORRECTED, DETECTED, VALID, Decoded, RedundantCode
    from rnscli.core.cores import FixedPointCore, Readout, RnsCore
    from rnscli.core.dot_product import DotProduct
    from rnscli.core.errors import InputError, NoSolutionError, RnscliError
    from rnscli.core.moduli import ModuliSet
    from rnscli.core.noise import Gaussian, Tabulated, Uniform
    from rnscli.core.quantisation import Quantised, quantise
    from rnscli.core.residues import from_residues, modular_dot, modular_matmul, to_residues
    from rnscli.core.selection import select_moduli, special_family
    from rnscli.runtime.blocks import block_mapper


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'rnscli' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
