"""Weights out of a file: of which kind it is, whether they fit, and never any code."""

import re
import warnings
from collections import OrderedDict
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from rnscli.base import InputError, install_command, regular_file
from rnscli.networks.user_code import kind_of, told

_WANTED_FILE = (
    "it must be a file of torch.save with a state_dict, with a dict that has one as state_dict, "
    "model_state_dict or model, a checkpoint of rnscli train, or a file of safetensors"
)
# How torch calls what a file with weights alone does not hold.
_CODE = re.compile(
    r"Unsupported (?:global|class)\b(?:: GLOBAL ([\w.]{1,100}))?|TorchScript archives"
)


# How wrappers of PyTorch, and training scripts, begin the names of the weights that they hold; and
# under which keys a dict of more than weights has them, deepest first.
PREFIXES = ("module.", "_orig_mod.", "model.")
NESTS = ("state_dict", "model_state_dict", "model", "state")  # the last of `rnscli train`


def load_weights(model: nn.Module, path: str | Path) -> None:
    """Load weights into a model, which is changed only if all of them fit.

    The file is as ``torch.save(model.state_dict(), path)`` writes it, or with a dict that has the
    weights under one of `NESTS`, or as `rnscli train --checkpoint` keeps them, or one of
    safetensors. `PREFIXES` that all names have, and that the model does not, are left out. No code
    in it is run: it may hold tensors and plain values only.

    Raises
    ------
    InputError
        If the file cannot be read or holds something else, or the weights are those of another
        model or not finite.
    """
    own = model.state_dict()
    weights = _without_prefixes(_read(path), own)
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
        raise InputError(f"`weights` {path} cannot be loaded: {told(error)}") from error


def _read(path: str | Path) -> Mapping[str, Tensor]:
    file = regular_file("weights", path, _WANTED_FILE)
    if _is_safetensors(file):
        return _of_safetensors(file)
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
        raise InputError(
            f"`weights` {path} is damaged or of another kind; {_WANTED_FILE}"
        ) from None
    return _state_dict(path, content)


def _state_dict(path: str | Path, content: Any) -> Mapping[str, Tensor]:
    while (inner := _nested(content)) is not None:
        content = inner
    if not isinstance(content, Mapping):
        raise InputError(f"`weights` {path} holds {kind_of(content)}; {_WANTED_FILE}")
    for name, tensor in content.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise InputError(
                f"`weights` {path} holds a dict in which {name} is {kind_of(tensor)}, "
                f"where a state_dict has tensors; {_WANTED_FILE}"
            )
        if tensor.is_quantized or tensor.layout != torch.strided:
            raise InputError(
                f"`weights` {path}: {name} is quantised or sparse; it must be a plain tensor, as "
                "networks in full precision have them"
            )
    return content  # as it is: versions of modules hang on it


def _nested(content: Any) -> Mapping[Any, Any] | None:
    """What a dict has under a name for weights, where that is a dict, too."""
    if not isinstance(content, Mapping):
        return None
    return next((content[key] for key in NESTS if isinstance(content.get(key), Mapping)), None)


def _without_prefixes(weights: Mapping[str, Tensor], own: Collection[str]) -> Mapping[str, Tensor]:
    """The weights under the names of the model, if that is only a matter of prefixes."""
    found = weights
    while found and set(found) != set(own):
        prefix = next((p for p in PREFIXES if all(name.startswith(p) for name in found)), None)
        if prefix is None:
            break
        found = _without_prefix(found, prefix)
    # Names in the file are those that a sentence must say, unless the others fit better.
    return found if len(set(own) & set(found)) > len(set(own) & set(weights)) else weights


def _without_prefix(weights: Mapping[str, Tensor], prefix: str) -> Mapping[str, Tensor]:
    """The weights without a prefix of all names, and with the versions of modules."""
    found = OrderedDict((name.removeprefix(prefix), one) for name, one in weights.items())
    versions = getattr(weights, "_metadata", None)
    if versions is not None:
        inner = prefix.removesuffix(".")
        found._metadata = {  # type: ignore[attr-defined]
            name.removeprefix(inner).removeprefix("."): one
            for name, one in versions.items()
            if name == inner or name.startswith(prefix)
        }
    return found


def _is_safetensors(file: Path) -> bool:
    """Whether a file begins as these do: the length of its header, and that, which is JSON."""
    try:
        with file.open("rb") as stream:
            return file.suffix == ".safetensors" or stream.read(10)[8:] == b'{"'
    except OSError:  # which whoever reads it says
        return False


def _of_safetensors(file: Path) -> Mapping[str, Tensor]:
    try:
        from safetensors.torch import load_file
    except ImportError:
        raise InputError(
            f"`weights` {file} are read with the package safetensors, which is not installed; "
            f"install it with: {install_command('safetensors')}"
        ) from None
    try:
        return load_file(file)
    except PermissionError as error:
        raise InputError(f"`weights` {file} cannot be read: {error.strerror}") from None
    except Exception:  # as many kinds as there are of damage
        raise InputError(
            f"`weights` {file} is damaged or no file of safetensors; load it again"
        ) from None


def _check_names(path: str | Path, weights: Mapping[str, Tensor], own: dict[str, Any]) -> None:
    missing = [name for name in own if name not in weights]
    unexpected = [name for name in weights if name not in own]
    problems = [
        f"{problem} {names[0]}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")
        for names, problem in ((missing, "misses"), (unexpected, "has, unknown to the model,"))
        if names
    ]
    if problems:
        raise InputError(
            f"`weights` {path} are of another model: the file {' and '.join(problems)}; every "
            "weight of the model must be there, under its name"
        )
