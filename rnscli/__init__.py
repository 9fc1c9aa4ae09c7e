"""Design of residue-number-system (RNS) analog accelerators, before any chip exists.

What is one line in a shell is one call, with the options as keyword arguments (`rnscli.calls`):

* `moduli`: which moduli;
* `dot_error`: what error (Monte Carlo);
* `fault_probability`: what fault probability (exact), or how much redundancy and how many attempts;
* `noise`: what devices make of readings, and what a wanted probability allows;
* `energy`: what energy, latency and area, of a dot product or of a network;
* `design`: which design;
* `accuracy`, `train`: what accuracy of a neural network, and whether it can be trained there.

They give a row, or `Rows` where an option has several values. Below them are functions of frozen
parameter objects:

* `ModuliRequest`, `moduli_table`, `longest_dot_products`, `select_moduli`;
* `DotErrorParameters`, `dot_error`;
* `FaultParameters`, `fault_probability`; `TargetParameters`, `redundancy_frontier`;
  `LevelParameters`, `most_noise`;
* `NoiseParameters`, `noise`;
* `EnergyParameters`, `energy`, `workload_energy`;
* `DesignSpace`, `search_designs`, `coding_gain`;
* `AccuracyParameters`, `accuracies`; `TrainingParameters`, `trainings`;
* `reproduce`, `reproduce_networks`: published results, computed again;
* `AnalogMatrix`, `Dataflow`, `analog_core`: a matrix on a core, in the place of a NumPy array;
* `rnscli.torch`: PyTorch models on a core;
* `ModuliSet`, `RedundantCode`, `to_residues` and the rest: the arithmetic beneath.

Names are loaded when they are first used, so importing the package costs nothing.

Examples
--------
>>> import rnscli
>>> rows = rnscli.moduli(bits=[5, 6], redundant=2)
>>> rows["redundant_moduli"]
[(31, 29), (63, 62)]
>>> result = rnscli.fault_probability(bits=6, redundant=2, p=1e-3, attempts=2)
>>> f"{result.p_err:.4e}"
'9.1573e-07'
"""

from rnscli._facade import facade

__version__ = "0.1.0"

__getattr__, __dir__ = facade(__name__, __file__)
