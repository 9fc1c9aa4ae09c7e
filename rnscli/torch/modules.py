"""What is taken for a model, wherever one is asked for."""

from torch import nn

from rnscli.base import InputError


def check_module(what: str, value: object) -> None:
    """Refuse what is no model."""
    if not isinstance(value, nn.Module):
        of = f"is of type {type(value).__name__}"
        raise InputError.of(what, value, "a torch.nn.Module", what=of)
