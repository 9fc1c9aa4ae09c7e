"""What a model answers with, whatever it wraps its tensors in, and how far from right that is."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from rnscli.base import InputError
from rnscli.networks.tasks import IGNORED
from rnscli.networks.user_code import kind_of

_KEYS = ("logits", "out", "last_hidden_state")


def outputs_of(result: object) -> Tensor | str:
    """The tensor that a model answers with; or in words what it gives that has none.

    That is the tensor itself, ``logits`` of an object or dict (as Hugging Face's), ``out`` of a
    dict (as torchvision's segmentation), ``last_hidden_state`` where there is no head, or the first
    tensor of a tuple or list. Starts and ends of spans, ``start_logits`` and ``end_logits``, or a
    pair of tensors of one shape ``(N, T)``, are
    stacked along a last axis.
    """
    if isinstance(result, Tensor):
        return result
    if isinstance(result, tuple | list) and not hasattr(result, "_fields"):
        tensors = [one for one in result if isinstance(one, Tensor)]
        shapes = [one.shape for one in tensors]
        if len(result) == len(shapes) == 2 and len(shapes[0]) == 2 and shapes[0] == shapes[1]:
            return torch.stack(tensors, -1)
        return tensors[0] if tensors else kind_of(result) + " without a tensor"
    keys: Mapping[str, Any] = (
        result if isinstance(result, Mapping) else getattr(result, "__dict__", {})
    )

    def named(key: str) -> Any:
        return keys.get(key, None) if isinstance(result, Mapping) else getattr(result, key, None)

    start, end = named("start_logits"), named("end_logits")
    if isinstance(start, Tensor) and isinstance(end, Tensor):
        return torch.stack([start, end], -1)
    for key in _KEYS:
        if isinstance(named(key), Tensor):
            found: Tensor = named(key)
            return found
    if isinstance(result, Mapping):
        held = ", ".join(map(str, list(keys)[:8])) or "nothing"
        return f"a dict with {held}, and none of {', '.join(_KEYS)}"
    return kind_of(result)


def tensor_of(result: object) -> Tensor:
    """The tensor that a model answers with; refused if there is none."""
    found = outputs_of(result)
    if isinstance(found, str):
        raise InputError(f"`model` gives {found}; it must give a tensor of logits")
    return found


def training_loss(outputs: object, labels: Tensor) -> Tensor:
    """Mean cross-entropy of logits of any task with classes, or mean square error of values.

    Examples
    --------
    >>> logits = torch.zeros(2, 3, 5)  # of 3 tokens each
    >>> round(float(training_loss(logits, torch.tensor([[1, 2, -100], [0, 4, 3]]))), 4)
    1.6094
    """
    found = tensor_of(outputs)
    if labels.is_floating_point():
        return nn.functional.mse_loss(found.reshape(labels.shape), labels)
    # PyTorch wants the classes behind the samples, where segmentation and spans have them.
    if labels.dim() == 2 and found.dim() == 3 and found.shape[1] == labels.shape[1]:
        found = found.movedim(2, 1)
    return nn.functional.cross_entropy(found, labels, ignore_index=IGNORED)
