"""Workloads in CSV files: a matrix product a row, or the topologies of SCALE-Sim."""

from pathlib import Path

from rnscli import base
from rnscli.hardware.workloads import MAX_LAYERS, MAX_SIZE, TOTAL, Gemm, Workload
from rnscli.hardware.workloads.formats.scale_sim import is_topology, read_topology

COLUMNS = "layer, M, K, N and, optionally, count, stationary, inputs and steps"
_ANSWERS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def _answer(text: str) -> bool:
    if (key := text.casefold()) not in _ANSWERS:
        raise ValueError
    return _ANSWERS[key]


def read_csv(path: Path) -> Workload:
    """The workload of a CSV file, whose headings say what its rows are.

    Either columns layer, M, K, N and, optionally, count, stationary (yes or no), inputs and steps
    (see `Gemm`), or those of SCALE-Sim (`read_topology`).

    Raises
    ------
    InputError
        If it is no such file; the line and the column are named.
    """
    first = next(base.read_cells(path, COLUMNS, what="`workload`"), None)
    if first is not None and is_topology(first[1]):
        return read_topology(path)
    size = base.whole_number(1, MAX_SIZE)
    required = {"layer": base.label(TOTAL), "M": size, "K": size, "N": size}
    optional = {
        "count": size,
        "stationary": base.Kind(_answer, "yes or no"),
        "inputs": base.whole_number(1, MAX_SIZE**2),
        "steps": size,
    }
    rows = base.read_table(path, required, optional, what="`workload`", max_rows=MAX_LAYERS)
    gemms = []
    for line, cells in rows:
        more = {name: cells[name] for name in optional if name in cells}
        try:
            gemms.append(Gemm(cells["layer"], cells["M"], cells["K"], cells["N"], **more))
        except base.InputError as error:  # inputs and steps depend on M and K
            problem = str(error).replace("`", "")
            raise base.InputError(f"`workload` file {path.name}, line {line}: {problem}") from None
    return Workload(path.name, tuple(gemms))
