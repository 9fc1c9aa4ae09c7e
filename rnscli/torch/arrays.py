"""The array operations of the dataflow in PyTorch, on the device of the operands."""

from collections.abc import Callable
from typing import cast

import numpy as np
import torch
from torch import Tensor

from rnscli.core import IntArray


class TorchArrays:
    """PyTorch; noise is drawn and decoded by NumPy, only for the values that it hits."""

    def __init__(self, device: torch.device) -> None:
        """On the CPU, chunks fit the caches; other devices are best kept busy with all at once."""
        self.chunk = 2**17 if device.type == "cpu" else None

    def largest(self, values: Tensor, axes: tuple[int, ...]) -> Tensor:
        """Without an array of magnitudes."""
        return torch.maximum(values.amax(axes, keepdim=True), -values.amin(axes, keepdim=True))

    def round(self, values: Tensor) -> None:
        """Ties to even, as NumPy."""
        values.round_()

    def floor(self, values: Tensor) -> None:
        """In place."""
        values.floor_()

    def where(self, condition: Tensor, chosen: Tensor, other: float) -> Tensor:
        """In the type of the tensor."""
        return torch.where(condition, chosen, other)

    def product(self, x: Tensor, w: Tensor) -> Tensor:
        """In full precision, whatever faster one PyTorch is allowed to take for FP32."""
        if x.dtype == torch.float32 and not _multiplies_exactly():
            return (x.double() @ w.double()).float()
        return x @ w

    def exact(self, values: Tensor, wide: bool) -> Tensor:
        """A copy only where the type is another."""
        return values.to(torch.float64 if wide else torch.float32)

    def empty(self, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """On the same device."""
        return torch.empty(shape, dtype=torch.float32, device=like.device)

    def pieces(self, of: Tensor) -> Callable[[IntArray | None], IntArray]:
        """Positions in C order; what is asked for is all that leaves the device."""
        flat = of.reshape(-1)

        def piece(index: IntArray | None) -> IntArray:
            chosen = flat if index is None else flat[torch.from_numpy(index).to(flat.device)]
            return cast(IntArray, chosen.cpu().numpy().astype(np.int64))

        return piece

    def put(self, values: Tensor, index: IntArray, new: IntArray) -> Tensor:
        """In place where the values are contiguous."""
        values = values.contiguous()
        where = torch.from_numpy(index).to(values.device)
        values.view(-1)[where] = torch.from_numpy(new).to(values)
        return values

    def all_below(self, values: Tensor, limit: float) -> bool:
        """A comparison with NaN is false."""
        return bool((values <= limit).all())


def _multiplies_exactly() -> bool:
    """Whether products in float32 are what they are called."""
    try:
        return torch.get_float32_matmul_precision() == "highest"
    except RuntimeError:  # it was set for some device in the newer way, which has no one answer
        return False
