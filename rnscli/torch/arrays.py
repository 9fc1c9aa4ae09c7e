"""The array operations of the dataflow, in PyTorch."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from rnscli.core import FloatArray, IntArray
from rnscli.matrix import NumPyArrays


class TorchArrays(NumPyArrays):
    """In PyTorch; noise is drawn and decoded by NumPy, only for the values that it hits."""

    together = 2  # twice as large, half of the calls: these take about as long as computing

    def __init__(self, device: torch.device) -> None:
        # On the CPU, chunks fit the caches; other devices are best kept busy with all at once.
        self.chunk = 2**19 if device.type == "cpu" else None
        self.bytes = device.type == "cpu" and multiplies_bytes()
        if device.type == "cpu":
            _keep_memory()

    def times(self, sums: Tensor, steps: Tensor) -> Tensor:
        if not sums.is_floating_point():
            # In their own place: what stays in a cache is not fetched twice.
            sums = sums.view(torch.float32).copy_(sums)
        return sums.mul_(steps)

    def joined(self, parts: Sequence[Tensor]) -> Tensor:
        if parts[0].stride(-2) < parts[0].stride(-1):  # to stay in the order of columns
            return torch.cat([one.mT for one in parts], dim=-2).mT
        return torch.cat([*parts], dim=-1)

    def narrow(self, whole: Tensor) -> Tensor:
        return whole.to(torch.int8)

    def nearest(self, values: Tensor, levels: int, scales: Tensor) -> Tensor:
        if values.dtype != torch.float32 or scales.dtype != torch.float32 or not _adds_quotients():
            found: Tensor = super().nearest(values, levels, scales)
            return found
        # All in one pass: a float of 2**23 and more has no bits behind the point, and the lowest
        # bits of 1.5 * 2**23 + n are those of n, of either sign.
        order = sorted(range(values.dim()), key=values.stride, reverse=True)
        within, along = values.permute(order), scales.permute(order)
        row = _row(within.shape[-1])
        raised = torch.addcdiv(row, within, along, value=levels)
        back = [order.index(axis) for axis in range(values.dim())]
        return raised.view(torch.int32).to(torch.int8).permute(back)

    def largest(self, values: Tensor, axes: tuple[int, ...]) -> Tensor:
        # In the order of the axes in memory, which PyTorch is much faster with.
        order = sorted(range(values.dim()), key=values.stride, reverse=True)
        within = values.permute(order)
        along = tuple(order.index(axis % values.dim()) for axis in axes)
        found = torch.maximum(within.amax(along, keepdim=True), -within.amin(along, keepdim=True))
        return found.permute([order.index(axis) for axis in range(values.dim())])

    def round(self, values: Tensor) -> None:
        values.round_()

    def truncate(self, values: Tensor) -> None:
        values.trunc_()

    def uniform(self, like: Tensor) -> Tensor:
        return torch.rand_like(like)  # of PyTorch's generator, as the seeds of noise are

    def floor(self, values: Tensor) -> None:
        values.floor_()

    def where(self, condition: Tensor, chosen: Tensor, other: float) -> Tensor:
        return torch.where(condition, chosen, other)

    def product(self, x: Tensor, w: Tensor) -> Tensor:
        if x.stride(-2) == 1 < x.stride(-1):  # the result as x is in memory, which is faster
            return self._multiplied(w.mT, x.mT).mT
        return self._multiplied(x, w)

    def _multiplied(self, x: Tensor, w: Tensor) -> Tensor:
        if x.dtype == w.dtype == torch.int8 and x.dim() == w.dim() == 2:
            return torch._int_mm(_in_order(x), _in_order(w))
        if x.dtype != torch.float64:
            x, w = x.float(), w.float()
        # In full precision, whatever faster one PyTorch is allowed to take for FP32.
        if x.dtype == torch.float32 and not _multiplies_exactly():
            return (x.double() @ w.double()).float()
        return x @ w

    def frexp(self, values: Tensor) -> tuple[Tensor, Tensor]:
        found = torch.frexp(values)
        return found.mantissa, found.exponent

    def exact(self, values: Tensor, wide: bool) -> Tensor:
        return values.to(torch.float64 if wide else torch.float32)

    def plain(self, values: Tensor) -> FloatArray:
        found: FloatArray = values.cpu().numpy().astype(np.float64, copy=False)
        return found

    def like(self, values: FloatArray, other: Tensor) -> Tensor:
        return torch.from_numpy(values).to(other).reshape(other.shape)

    def empty(self, shape: tuple[int, ...], like: Tensor) -> Tensor:
        return torch.empty(shape, dtype=torch.float32, device=like.device)

    def pieces(self, of: Tensor) -> Callable[[IntArray | None], IntArray]:
        flat = of.reshape(-1)

        def piece(index: IntArray | None) -> IntArray:
            # Only what is indexed leaves the device.
            chosen = flat if index is None else flat[torch.from_numpy(index).to(flat.device)]
            whole: IntArray = chosen.cpu().numpy().astype(np.int64)
            return whole

        return piece

    def reals(self, of: Tensor) -> Callable[[IntArray], FloatArray]:
        flat = of.reshape(-1)

        def chosen(index: IntArray) -> FloatArray:
            few = flat[torch.from_numpy(index).to(flat.device)].double().abs()
            found: FloatArray = few.cpu().numpy()[np.newaxis]
            return found

        return chosen

    def put(self, values: Tensor, index: IntArray, new: IntArray | FloatArray) -> Tensor:
        values = values.contiguous()
        where = torch.from_numpy(index).to(values.device)
        values.view(-1)[where] = torch.from_numpy(new).to(values)
        return values


@lru_cache(maxsize=1)
def multiplies_bytes() -> bool:
    """Whether PyTorch multiplies matrices of int8 exactly, on this CPU.

    It does not everywhere: without instructions for it, sums of pairs may be cut to 16 bits.
    """
    if not hasattr(torch, "_int_mm"):
        return False
    ends = torch.tensor([-127, 127], dtype=torch.int8)
    x, w = ends.repeat(17, 64), ends.repeat_interleave(64)[:, None].repeat(1, 33)
    try:
        return all(
            torch.equal(torch._int_mm(one, w), (one.double() @ w.double()).int())
            for one in (x, x.abs(), -x)
        )
    except RuntimeError:
        return False


_WHOLE = 1.5 * 2**23  # up to a third above and below, floats are whole numbers


@lru_cache(maxsize=16)
def _row(length: int) -> Tensor:
    """As a row: PyTorch takes several operands with one value for all columns one by one."""
    # Whatever the defaults of PyTorch are: it is kept.
    return torch.full((length,), _WHOLE, dtype=torch.float32, device="cpu")


@lru_cache(maxsize=1)
def _adds_quotients() -> bool:
    """Whether `torch.addcdiv` multiplies, divides and adds in this order, each one rounded."""
    x, y = (
        torch.linspace(low, high, 999, dtype=torch.float32, device="cpu")
        for low, high in ((-0.9, 1.1), (1.1, 1.3))
    )
    expected = (x * 127.0 / y).round()
    found = torch.addcdiv(_row(999), x, y, value=127) - _WHOLE
    zero = torch.addcdiv(torch.zeros_like(x), x, y, value=127)
    return torch.equal(found, expected) and torch.equal(zero, x * 127.0 / y)


def _in_order(matrix: Tensor) -> Tensor:
    """A matrix with the strides of its shape, if it is a single row or column.

    A row that was cut from a matrix in the order of columns has the strides (1, 1): PyTorch 2.13
    takes that for a matrix of overlapping rows, and gives memory that nobody has written.
    """
    if 1 in matrix.shape:
        return matrix.clone(memory_format=torch.contiguous_format)
    return matrix


@lru_cache(maxsize=1)
def _keep_memory() -> None:
    """Let the allocator of glibc keep what chunks are computed in, once in each process.

    It gives memory back to the system as it is freed, and the system clears each page before it
    gives it out again: for arrays of some MB that are made and forgotten, this takes as long as
    computing them. It stops doing so up to the size of the largest array that was freed, if that
    is below 32 MiB (mallopt(3), M_MMAP_THRESHOLD). Nothing is written into this one.
    """
    torch.empty(31 << 20, dtype=torch.uint8)


def _multiplies_exactly() -> bool:
    """Whether products in float32 are what they are called."""
    try:
        return torch.get_float32_matmul_precision() == "highest"
    except RuntimeError:  # it was set for some device in the newer way, which has no one answer
        return False
