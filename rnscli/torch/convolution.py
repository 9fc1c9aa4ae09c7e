"""`torch.nn.Conv2d` on a core."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from rnscli.core.readout import Core
from rnscli.matrix.dataflow import Dataflow
from rnscli.torch.analog import AnalogLayer, described, placed
from rnscli.torch.patches import patches
from rnscli.torch.product import Place, stored_matmul


class AnalogConv2d(AnalogLayer, nn.Conv2d):
    """A convolution whose product is computed on a core; the bias is added in FP32.

    Patches of the image become rows of inputs (im2col), with dot products over the input channels
    and the area of the kernel; each group is a product of its own. Parameters and ``state_dict``
    are those of `torch.nn.Conv2d`.

    Parameters
    ----------
    *arguments, **options
        As of `torch.nn.Conv2d`.
    core
        The core, or a `rnscli.Dataflow` on it.

    Examples
    --------
    >>> import rnscli, torch
    >>> layer = AnalogConv2d(3, 8, 3, padding=1, core=rnscli.analog_core("rns", bits=6))
    >>> layer(torch.ones(2, 3, 5, 5)).shape, sorted(layer.state_dict())
    (torch.Size([2, 8, 5, 5]), ['bias', 'weight'])
    """

    def __init__(self, *arguments: Any, core: Core | Dataflow, **options: Any) -> None:
        """As `torch.nn.Conv2d`."""
        super().__init__(*arguments, **options)
        self.place = placed(core, "conv2d")

    def forward(self, input: Tensor) -> Tensor:
        """The convolution."""
        # As PyTorch keeps the padding for modes other than zeros, and for the padding "same".
        around, mode = self._reversed_padding_repeated_twice, self.padding_mode
        padded = _padded(input, around, "constant" if mode == "zeros" else mode)
        return analog_conv2d(
            padded, self.weight, self.bias, self.stride, 0, self.dilation, self.groups,
            place=self.place,
        )  # fmt: skip

    def extra_repr(self) -> str:
        """With the core."""
        return f"{super().extra_repr()}, {described(self.place)}"  # type: ignore[no-untyped-call]


def analog_conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | str | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    *,
    place: Place,
) -> Tensor:
    """`torch.nn.functional.conv2d` on a core."""
    if input.dim() == 3:
        batch = input.unsqueeze(0)
        return analog_conv2d(
            batch, weight, bias, stride, padding, dilation, groups, place=place
        ).squeeze(0)
    outputs, channels, *_ = weight.shape
    kernel = _pair(weight.shape[2:])
    strides, dilations = _pair(stride), _pair(dilation)
    input = _padded(input, _padding(padding, kernel, dilations))
    if input.dim() != 4 or input.shape[1] != channels * groups:
        raise RuntimeError(
            f"a convolution of {channels * groups} channels got an input of shape "
            f"{tuple(input.shape)}"
        )
    rows = patches(input, kernel, strides, dilations, groups)
    images, _, positions, terms = rows.shape
    width = outputs // groups
    columns = weight.reshape(groups, width, terms).transpose(-1, -2)
    if groups == 1:
        found = stored_matmul(rows.squeeze(1), columns[0], place)
    else:
        # No size is left to be found out, which a batch of no images would not allow.
        rows = rows.transpose(0, 1).reshape(groups, images * positions, terms)
        found = stored_matmul(rows, columns, place)
        found = found.view(groups, images, positions, width).permute(1, 2, 0, 3)
    size = [
        (length - spread * (area - 1) - 1) // step + 1
        for length, area, step, spread in zip(
            input.shape[2:], kernel, strides, dilations, strict=True
        )
    ]
    result = found.reshape(images, positions, outputs).transpose(1, 2)
    result = result.reshape(images, outputs, *size)
    return result if bias is None else result + bias.view(-1, 1, 1)


def _padded(images: Tensor, padding: list[int], mode: str = "constant") -> Tensor:
    """PyTorch copies images even if it adds nothing."""
    return functional.pad(images, padding, mode=mode) if any(padding) else images


def _pair(value: int | Sequence[int]) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    first, second = value if len(value) == 2 else (value[0], value[0])
    return first, second


def _padding(
    padding: int | str | Sequence[int], kernel: Sequence[int], dilation: Sequence[int]
) -> list[int]:
    """Zeros at the left, right, top and bottom."""
    if padding == "valid":
        return [0, 0, 0, 0]
    if padding == "same":
        totals = [spread * (width - 1) for width, spread in zip(kernel, dilation, strict=True)]
        (top, bottom), (left, right) = ((n // 2, n - n // 2) for n in totals)
        return [left, right, top, bottom]
    assert not isinstance(padding, str)
    rows, columns = _pair(padding)
    return [columns, columns, rows, rows]
