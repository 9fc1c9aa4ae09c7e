"""What is taken for a model, wherever one is asked for, and how it is run for its answers."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from rnscli.base import InputError


def check_module(what: str, value: object) -> None:
    """Refuse what is no model."""
    if not isinstance(value, nn.Module):
        of = f"is of type {type(value).__name__}"
        raise InputError.of(what, value, "a torch.nn.Module", what=of)


@contextmanager
def inference(model: nn.Module) -> Iterator[None]:
    """Eval mode, without gradients; at the end every module is in the mode that it was in."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training
