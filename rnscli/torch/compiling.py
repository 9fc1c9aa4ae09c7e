"""The simulation apart from `torch.compile`, which would trace, and compile, each step of it."""

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch

from rnscli.base import InputError

P = ParamSpec("P")
R = TypeVar("R")


def apart(function: Callable[P, R]) -> Callable[P, R]:
    """A function that `torch.compile` does not look into, nor at what it calls.

    `torch.compiler.disable` makes it so, but takes seconds to import, which nobody should wait for
    who compiles nothing: it is called when there is something to disable.

    Raises
    ------
    InputError
        When it is called by `torch.export` or `torch.jit.trace`, which keep operators only.
    """
    disabled: list[Callable[P, R]] = []

    @functools.wraps(function)
    def called(*arguments: P.args, **options: P.kwargs) -> R:
        if torch.compiler.is_exporting() or torch._C._is_tracing():
            raise InputError(
                "a model on a core cannot be exported or traced, as its simulation is no operator "
                "of PyTorch; do so with the plain model, which rnscli.torch.to_digital gives back"
            )
        if "torch._dynamo" in sys.modules:
            if not disabled:
                disabled.append(torch.compiler.disable(function))  # type: ignore[no-untyped-call]
            return disabled[0](*arguments, **options)
        return function(*arguments, **options)

    called._torchdynamo_disable = True  # type: ignore[attr-defined]
    return called
