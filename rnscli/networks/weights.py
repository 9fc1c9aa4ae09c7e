"""Weights of a user, in a file that ``torch.save`` has written."""

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from rnscli.base import InputError, regular_file, said

_WANTED = (
    "it must be a file of torch.save with a state_dict, or with a dict that has one as state_dict"
)
# How torch calls what a file with weights alone does not hold.
_CODE = re.compile(
    r"Unsupported (?:global|class)\b(?:: GLOBAL ([\w.]{1,100}))?|TorchScript archives"
)


def load_weights(model: nn.Module, path: str | Path) -> None:
    """Load weights into a model.

    No code in the file is run: it may hold tensors and plain values only.

    Parameters
    ----------
    model
        What the weights are of; changed only if all of them fit.
    path
        A file as ``torch.save(model.state_dict(), path)`` writes it, or with a dict that has the
        weights under ``state_dict``.
    """
    weights = _read(path)
    own = model.state_dict()
    _check_names(path, weights, own)
    for name, tensor in weights.items():
        if not torch.isfinite(tensor).all():
            raise InputError(
                f"`weights` {path}: {name} holds NaN or infinity; every weight must be finite"
            )
        if is_lazy(own[name]):  # its shape is that of the file
            continue
        if tensor.shape != own[name].shape:
            raise InputError(
                f"`weights` {path} are of another model: {name} has shape {tuple(tensor.shape)}, "
                f"and that of the model has {tuple(own[name].shape)}"
            )
    try:
        model.load_state_dict(weights)
    except Exception as error:  # a module of the user may do it in a way of its own
        raise InputError(f"`weights` {path} cannot be loaded: {said(error)}") from None


def _read(path: str | Path) -> Mapping[str, Tensor]:
    file = regular_file("weights", path, _WANTED)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about archives that are refused right after
            content = torch.load(file, map_location="cpu", weights_only=True)
    except PermissionError as error:
        raise InputError(f"`weights` {path} cannot be read: {error.strerror}") from None
    except Exception as error:  # as many kinds as there are of damage
        if code := _CODE.search(str(error)):
            what = code[1] or "a program"
            raise InputError(
                f"`weights` {path} holds code ({what}) beside weights, which is never run; "
                "save model.state_dict() alone"
            ) from None
        raise InputError(f"`weights` {path} is damaged or of another kind; {_WANTED}") from None
    return _state_dict(path, content)


def _state_dict(path: str | Path, content: Any) -> Mapping[str, Tensor]:
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping):
        raise InputError(f"`weights` {path} holds a {type(content).__name__}; {_WANTED}")
    for name, tensor in content.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise InputError(
                f"`weights` {path} holds a dict in which {name} is a {type(tensor).__name__}, "
                f"where a state_dict has tensors; {_WANTED}"
            )
        if tensor.is_quantized or tensor.layout != torch.strided:
            raise InputError(
                f"`weights` {path}: {name} is quantised or sparse; it must be a plain tensor, as "
                "networks in full precision have them"
            )
    return content  # as it is: versions of modules hang on it


def _check_names(path: str | Path, weights: Mapping[str, Tensor], own: dict[str, Any]) -> None:
    missing = [name for name in own if name not in weights]
    unexpected = [name for name in weights if name not in own]
    problems = []
    for names, problem in ((missing, "misses"), (unexpected, "has, unknown to the model,")):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            problems.append(f"{problem} {names[0]}{more}")
    if problems:
        raise InputError(
            f"`weights` {path} are of another model: the file {' and '.join(problems)}; every "
            "weight of the model must be there, under its name"
        )
