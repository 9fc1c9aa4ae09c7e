"""Workloads from wherever they come: names, files, and models in the code of a user."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rnscli.base import InputError, InputShape, install_command
from rnscli.hardware import WORKLOADS, Workload, load_workload
from rnscli.networks import EXTRA, missing_package

if TYPE_CHECKING:
    from torch import Tensor, nn

_EXPORTED = ".pt2"
_MAX_SHOWN = 4


def open_workload(
    name_or_path: str,
    sizes: Mapping[str, int] | None = None,
    inputs: Sequence[InputShape] = (),
) -> Workload:
    """A network by its name, or one in a file: CSV, ONNX, or a program that torch.export saved.

    Parameters
    ----------
    name_or_path
        A name, or the path of a file (see `load_workload`).
    sizes
        As in `load_workload`.
    inputs
        Shapes of the inputs of an exported program, instead of those that it was exported with.

    Raises
    ------
    InputError
        If it is neither, it cannot be read, or it has no such size or input.
    """
    if name_or_path in WORKLOADS or Path(name_or_path).suffix.lower() != _EXPORTED:
        if inputs:
            raise InputError(
                f"`input_shape` is of --torch or of a file {_EXPORTED}, and `workload` is "
                f"{name_or_path}; leave it out"
            )
        return load_workload(name_or_path, sizes)
    if sizes:
        raise InputError(
            f"`{next(iter(sizes))}` is of a network that has a name or is in an ONNX file; "
            f"{name_or_path} has the sizes that it was exported with, but for those that it leaves "
            "open, which are given with `input_shape`"
        )
    check_torch(f"`workload` {name_or_path}")
    from rnscli.torch import exported_workload

    return exported_workload(Path(name_or_path), *_tensors(inputs))


def workload_of_code(where: str, inputs: Sequence[InputShape]) -> Workload:
    """What a model of a user computes, which a function of a module of theirs makes.

    It is made and run once, on the meta device: no tensor has any values, so none takes memory.

    Parameters
    ----------
    where
        ``package.module:function``, or the name of a network as `--model` takes it.
    inputs
        Shapes of its inputs, by place or by name.

    Raises
    ------
    InputError
        If PyTorch is not installed, the model cannot be made or does not take such inputs, or it
        has no products.
    """
    check_torch(f"`torch` {where}")
    if not inputs:
        raise InputError(
            f"`torch` {where} needs the shapes of its inputs; give them with `input_shape`, such "
            "as 1x3x224x224"
        )
    from rnscli.networks import running
    from rnscli.torch import traced_workload

    model = _made(where)
    named = [f"{one} of {one.kind}".replace(f":{one.kind}", "") for one in inputs[:_MAX_SHOWN]]
    listed = ", ".join(named) + (", ..." if inputs[_MAX_SHOWN:] else "")
    talk = contextlib.redirect_stdout(sys.stderr)  # what a model prints is not the result
    with talk, running(where, f"cannot be run with inputs {listed}", argument="torch"):
        return traced_workload(where, model, *_tensors(inputs))


def _made(where: str) -> nn.Module:
    import torch

    from rnscli.networks import make_model

    try:
        with torch.device("meta"):
            return make_model(where, argument="torch")
    except InputError:
        # A model that reads a number out of a tensor cannot be made without values.
        return make_model(where, argument="torch")


def check_torch(what: str) -> None:
    """Refuse what needs PyTorch without it."""
    if missing_package(("torch",)) is not None:
        raise InputError(f"{what} needs torch; install it with: {install_command(EXTRA)}")


def _tensors(inputs: Sequence[InputShape]) -> tuple[list[Tensor], dict[str, Tensor]]:
    """Inputs by place, and by name."""
    import torch

    placed: list[Tensor] = []
    named: dict[str, Tensor] = {}
    for one in inputs:
        made = torch.empty(one.sizes, dtype=getattr(torch, one.kind), device="meta")
        if one.name is None:
            placed.append(made)
        elif one.name in named:
            raise InputError(f"`input_shape` has {one.name} several times; give it once")
        else:
            named[one.name] = made
    return placed, named
