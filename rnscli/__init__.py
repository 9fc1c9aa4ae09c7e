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

from rnscli._facade import facade

__version__ = "0.1.0"

__getattr__, __dir__ = facade(__name__, __file__)
