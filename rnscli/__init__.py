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

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name == "__all__":
        return __dir__()
    homes = _homes()
    if name not in homes:
        raise AttributeError(f"module 'rnscli' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(homes[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(["__version__", *_homes()])


def _homes() -> dict[str, str]:
    """Module of each name, read from the stub, which type checkers read, too."""
    global _found
    if _found is None:
        import ast
        from pathlib import Path

        tree = ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
        _found = {
            alias.name: str(node.module)
            for node in tree.body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
    return _found


_found: dict[str, str] | None = None
