"""Design of residue-number-system (RNS) analog accelerators, before any chip exists.

Everything the command line computes is here as functions of frozen parameter objects:

* `select_moduli`, `ModuliRequest`, `moduli_table`: which moduli;
* `DotErrorParameters`, `dot_error`: what error (Monte Carlo);
* `FaultParameters`, `fault_probability`: what fault probability (exact);
* `TargetParameters`, `redundancy_frontier`: how much redundancy and how many attempts;
* `EnergyParameters`, `energy`, `workload_energy`: what energy, latency and area;
* `DesignSpace`, `search_designs`: which design;
* `AccuracyParameters`, `accuracies`: what accuracy of a neural network;
* `TrainingParameters`, `trainings`: whether it can be trained there;
* `reproduce`, `reproduce_networks`: published results, computed again;
* `AnalogMatrix`, `Dataflow`, `analog_core`: a matrix on a core, in the place of a NumPy array;
* `rnscli.torch`: PyTorch models on a core;
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
    "rnscli.analysis.accuracy": ("accuracies",),
    "rnscli.analysis.accuracy_parameters": ("AccuracyParameters",),
    "rnscli.analysis.accuracy_rows": ("AccuracyRow",),
    "rnscli.analysis.analog_core": ("analog_core",),
    "rnscli.analysis.code_spectrum": ("CodeSpectrum", "code_spectrum"),
    "rnscli.analysis.design": ("DesignResult", "search_designs"),
    "rnscli.analysis.design_space": ("Design", "DesignSpace"),
    "rnscli.analysis.dot_error": ("DotErrorResult", "dot_error", "dot_errors"),
    "rnscli.analysis.dot_error_parameters": ("DotErrorParameters",),
    "rnscli.analysis.dot_error_rows": ("DotErrorRow",),
    "rnscli.analysis.error_statistics": ("ErrorStatistics",),
    "rnscli.analysis.energy": ("EnergyRow", "energy"),
    "rnscli.analysis.energy_parameters": ("EnergyParameters",),
    "rnscli.analysis.uncertainty": ("SensitivityRow", "sensitivity", "uncertain_energy"),
    "rnscli.analysis.workload_energy": ("WorkloadRow", "workload_energy"),
    "rnscli.hardware.adc_table": ("ListedAdc", "TableAdc", "load_adc_table"),
    "rnscli.hardware.dac": ("CapacitiveDac",),
    "rnscli.hardware.gemm": ("Gemm", "Workload"),
    "rnscli.hardware.murmann": ("MurmannAdc",),
    "rnscli.hardware.operations": ("OperationPrices",),
    "rnscli.hardware.schreier": ("SchreierAdc",),
    "rnscli.hardware.survey": ("SurveyAdc",),
    "rnscli.hardware.technology": ("Technology",),
    "rnscli.hardware.technology_file": ("load_technology", "technology_names"),
    "rnscli.hardware.walden": ("WaldenAdc",),
    "rnscli.hardware.workloads": ("load_workload",),
    "rnscli.core.units": ("Uncertain",),
    "rnscli.analysis.fault_probability": (
        "FaultParameters",
        "FaultProbability",
        "fault_probability",
    ),
    "rnscli.analysis.moduli_choice": ("ModuliRequest", "ModuliRow", "moduli_table"),
    "rnscli.analysis.redundancy": ("TargetParameters", "redundancy_frontier"),
    "rnscli.analysis.paired_ratio": ("PairedCounts",),
    "rnscli.analysis.training": ("Training", "training_row", "trainings"),
    "rnscli.analysis.training_parameters": ("TrainingParameters",),
    "rnscli.analysis.training_rows": ("EpochRow", "TrainingRow"),
    "rnscli.analysis.operand_files": ("FileOperands", "load_operands"),
    "rnscli.analysis.operands": (
        "GivenOperands",
        "LaplaceOperands",
        "NormalOperands",
        "ReluNormalOperands",
        "SparseOperands",
        "StudentTOperands",
        "UniformOperands",
    ),
    "rnscli.core.bit_sliced": ("BitSlicedCore",),
    "rnscli.core.code": ("CORRECTED", "DETECTED", "VALID", "Decoded", "RedundantCode"),
    "rnscli.core.fixed_point": ("FixedPointCore",),
    "rnscli.core.readout": ("Readout",),
    "rnscli.core.rns_core": ("RnsCore",),
    "rnscli.core.dot_product": ("DotProduct",),
    "rnscli.core.errors": ("InputError", "NoSolutionError", "RnscliError"),
    "rnscli.core.moduli": ("ModuliSet",),
    "rnscli.core.noise": ("Gaussian", "Tabulated", "Uniform"),
    "rnscli.core.quantisation": ("Quantised", "quantise"),
    "rnscli.core.residues": ("from_residues", "modular_dot", "modular_matmul", "to_residues"),
    "rnscli.core.selection": ("select_moduli", "special_family"),
    "rnscli.matrix.analog_matrix": ("AnalogMatrix",),
    "rnscli.matrix.counts": ("ProductCounts",),
    "rnscli.matrix.dataflow": ("Dataflow",),
    "rnscli.networks.portable": ("OpenedNetwork", "open_network", "open_untrained"),
    "rnscli.networks.recipe": ("Recipe",),
    "rnscli.reproduction.reproduce": ("Reproduction", "reproduce", "reproduce_networks"),
    "rnscli.reproduction.rows": ("ReproducedRow",),
    "rnscli.reproduction.study": ("NetworkStudy",),
    "rnscli.runtime.cluster": ("dask_engine",),
    "rnscli.runtime.engines": ("local_engine",),
    "rnscli.runtime.runner": ("Progress", "Runner", "runner"),
    "rnscli.runtime.store": ("Store",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "CORRECTED",
    "DETECTED",
    "VALID",
    "AccuracyParameters",
    "AccuracyRow",
    "AnalogMatrix",
    "BitSlicedCore",
    "CapacitiveDac",
    "CodeSpectrum",
    "Dataflow",
    "Decoded",
    "Design",
    "DesignResult",
    "DesignSpace",
    "DotErrorParameters",
    "DotErrorResult",
    "DotErrorRow",
    "DotProduct",
    "EnergyParameters",
    "EnergyRow",
    "EpochRow",
    "ErrorStatistics",
    "FaultParameters",
    "FaultProbability",
    "FileOperands",
    "FixedPointCore",
    "Gaussian",
    "Gemm",
    "GivenOperands",
    "InputError",
    "LaplaceOperands",
    "ListedAdc",
    "ModuliRequest",
    "ModuliRow",
    "ModuliSet",
    "MurmannAdc",
    "NetworkStudy",
    "NoSolutionError",
    "NormalOperands",
    "OpenedNetwork",
    "OperationPrices",
    "PairedCounts",
    "ProductCounts",
    "Progress",
    "Quantised",
    "Readout",
    "Recipe",
    "RedundantCode",
    "ReluNormalOperands",
    "ReproducedRow",
    "Reproduction",
    "RnsCore",
    "RnscliError",
    "Runner",
    "SchreierAdc",
    "SensitivityRow",
    "SparseOperands",
    "Store",
    "StudentTOperands",
    "SurveyAdc",
    "TableAdc",
    "Tabulated",
    "TargetParameters",
    "Technology",
    "Training",
    "TrainingParameters",
    "TrainingRow",
    "Uncertain",
    "Uniform",
    "UniformOperands",
    "WaldenAdc",
    "Workload",
    "WorkloadRow",
    "__version__",
    "accuracies",
    "analog_core",
    "code_spectrum",
    "dask_engine",
    "dot_error",
    "dot_errors",
    "energy",
    "fault_probability",
    "from_residues",
    "load_adc_table",
    "load_operands",
    "load_technology",
    "load_workload",
    "local_engine",
    "modular_dot",
    "modular_matmul",
    "moduli_table",
    "open_network",
    "open_untrained",
    "quantise",
    "redundancy_frontier",
    "reproduce",
    "reproduce_networks",
    "runner",
    "search_designs",
    "select_moduli",
    "sensitivity",
    "special_family",
    "technology_names",
    "to_residues",
    "training_row",
    "trainings",
    "uncertain_energy",
    "workload_energy",
]

if TYPE_CHECKING:
    from rnscli.analysis.accuracy import accuracies
    from rnscli.analysis.accuracy_parameters import AccuracyParameters
    from rnscli.analysis.accuracy_rows import AccuracyRow
    from rnscli.analysis.analog_core import analog_core
    from rnscli.analysis.code_spectrum import CodeSpectrum, code_spectrum
    from rnscli.analysis.design import DesignResult, search_designs
    from rnscli.analysis.design_space import Design, DesignSpace
    from rnscli.analysis.dot_error import DotErrorResult, dot_error, dot_errors
    from rnscli.analysis.dot_error_parameters import DotErrorParameters
    from rnscli.analysis.dot_error_rows import DotErrorRow
    from rnscli.analysis.energy import EnergyRow, energy
    from rnscli.analysis.energy_parameters import EnergyParameters
    from rnscli.analysis.error_statistics import ErrorStatistics
    from rnscli.analysis.fault_probability import (
        FaultParameters,
        FaultProbability,
        fault_probability,
    )
    from rnscli.analysis.moduli_choice import ModuliRequest, ModuliRow, moduli_table
    from rnscli.analysis.operand_files import FileOperands, load_operands
    from rnscli.analysis.operands import (
        GivenOperands,
        LaplaceOperands,
        NormalOperands,
        ReluNormalOperands,
        SparseOperands,
        StudentTOperands,
        UniformOperands,
    )
    from rnscli.analysis.paired_ratio import PairedCounts
    from rnscli.analysis.redundancy import TargetParameters, redundancy_frontier
    from rnscli.analysis.training import Training, training_row, trainings
    from rnscli.analysis.training_parameters import TrainingParameters
    from rnscli.analysis.training_rows import EpochRow, TrainingRow
    from rnscli.analysis.uncertainty import SensitivityRow, sensitivity, uncertain_energy
    from rnscli.analysis.workload_energy import WorkloadRow, workload_energy
    from rnscli.core.bit_sliced import BitSlicedCore
    from rnscli.core.code import CORRECTED, DETECTED, VALID, Decoded, RedundantCode
    from rnscli.core.dot_product import DotProduct
    from rnscli.core.errors import InputError, NoSolutionError, RnscliError
    from rnscli.core.fixed_point import FixedPointCore
    from rnscli.core.moduli import ModuliSet
    from rnscli.core.noise import Gaussian, Tabulated, Uniform
    from rnscli.core.quantisation import Quantised, quantise
    from rnscli.core.readout import Readout
    from rnscli.core.residues import from_residues, modular_dot, modular_matmul, to_residues
    from rnscli.core.rns_core import RnsCore
    from rnscli.core.selection import select_moduli, special_family
    from rnscli.core.units import Uncertain
    from rnscli.hardware.adc_table import ListedAdc, TableAdc, load_adc_table
    from rnscli.hardware.dac import CapacitiveDac
    from rnscli.hardware.gemm import Gemm, Workload
    from rnscli.hardware.murmann import MurmannAdc
    from rnscli.hardware.operations import OperationPrices
    from rnscli.hardware.schreier import SchreierAdc
    from rnscli.hardware.survey import SurveyAdc
    from rnscli.hardware.technology import Technology
    from rnscli.hardware.technology_file import load_technology, technology_names
    from rnscli.hardware.walden import WaldenAdc
    from rnscli.hardware.workloads import load_workload
    from rnscli.matrix.analog_matrix import AnalogMatrix
    from rnscli.matrix.counts import ProductCounts
    from rnscli.matrix.dataflow import Dataflow
    from rnscli.networks.portable import OpenedNetwork, open_network, open_untrained
    from rnscli.networks.recipe import Recipe
    from rnscli.reproduction.reproduce import Reproduction, reproduce, reproduce_networks
    from rnscli.reproduction.rows import ReproducedRow
    from rnscli.reproduction.study import NetworkStudy
    from rnscli.runtime.cluster import dask_engine
    from rnscli.runtime.engines import local_engine
    from rnscli.runtime.runner import Progress, Runner, runner
    from rnscli.runtime.store import Store


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'rnscli' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
