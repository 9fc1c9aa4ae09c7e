"""Networks to design for, by name, and those of a user, from a file.

Other packages add theirs as entry points of the group ``rnscli.workloads``, which name a
`NamedWorkload`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rnscli.base import InputError, Registry, label, read_table, shown, whole_number
from rnscli.hardware.workloads.gemm import MAX_LAYERS, MAX_SIZE, Gemm, Workload
from rnscli.hardware.workloads.networks import bert_large, mnist_cnn, opt_125m, resnet50


@dataclass(frozen=True)
class NamedWorkload:
    """A workload by its name, with its line in lists, and the function that makes it."""

    name: str
    summary: str
    make: Callable[[], Workload]


WORKLOADS: Registry[NamedWorkload] = Registry(
    "workload",
    "workloads",
    NamedWorkload,
    [
        NamedWorkload("resnet50", "ResNet-50, one image of 224 x 224 pixels", resnet50),
        NamedWorkload("bert-large", "BERT-large, one sequence", bert_large),
        NamedWorkload("opt-125m", "OPT-125M, one sequence", opt_125m),
        NamedWorkload("mnist-cnn", "two convolutions for images of 28 x 28 pixels", mnist_cnn),
    ],
)

_SIZE = whole_number(1, MAX_SIZE)
_REQUIRED = {"layer": label(), "M": _SIZE, "K": _SIZE, "N": _SIZE}
_OPTIONAL = {"count": _SIZE}


def load_workload(name_or_path: str) -> Workload:
    """A network by its name in ``WORKLOADS``, or one described in a file.

    The file is a CSV with columns layer, M, K, N and, optionally, count: a matrix product a row
    (see `Gemm`), with weights that are stored. A name goes before a file of that name: the latter
    is ``./name``.

    Parameters
    ----------
    name_or_path
        A name, or the path of a file.

    Raises
    ------
    InputError
        If it is neither, or the file is not such a file.

    Examples
    --------
    >>> load_workload("mnist-cnn").macs
    11992448
    >>> load_workload("lenet")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    rnscli.base.errors.InputError: `workload` is lenet, which is no file; it must be one of ...
    """
    if name_or_path in WORKLOADS:
        return WORKLOADS[name_or_path].make()
    path = Path(name_or_path)
    if not name_or_path or not _exists(path):
        raise InputError.of(
            "workload",
            name_or_path,
            f"one of {', '.join(WORKLOADS)}, or a CSV file with columns layer, M, K, N and, if "
            "products are done several times, count",
            what=f"is {shown(name_or_path) or 'empty'}, which is no file",
        )
    rows = read_table(path, _REQUIRED, _OPTIONAL, what="`workload`", max_rows=MAX_LAYERS)
    gemms = (
        Gemm(cells["layer"], cells["M"], cells["K"], cells["N"], cells.get("count", 1))
        for cells in (row.cells for row in rows)
    )
    return Workload(path.name, tuple(gemms))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:  # of a folder: reading the file raises it again
        return True
    except OSError:  # what no file can be called
        return False
