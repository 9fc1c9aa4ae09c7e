"""Networks that take no time, and data for them, for commands that need some of their own."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

SIGNS = "tiny_networks:signs"
CNN = "tiny_networks:cnn"
READY = "tiny_networks:ready"


def signs() -> nn.Module:
    """Two classes, by the sign of a sum of 8 inputs; no machine rounds its answers differently.

    The margin of its logits is 100 and more for `write_signs`: the loss of a right answer is zero
    in float32, and so is its gradient, but for what one step of size 1e-12 cannot show.
    """
    model = nn.Linear(8, 2)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[25.0] * 8, [-25.0] * 8]))
        model.bias.zero_()
    return model


def write_signs(path: Path, wrong: int = 4, samples: int = 16) -> Path:
    """Patterns of 8 signs that `signs` gets right, but ``wrong`` of those to test with."""
    numbers = np.arange(samples)
    x = np.where((numbers[:, None] * 37 + 11 >> np.arange(8)) & 1, 1.0, -1.0)
    x[x.sum(axis=1) == 0, 0] *= -1
    y = (x.sum(axis=1) < 0).astype(np.int64)
    flipped = y.copy()
    flipped[:wrong] = 1 - flipped[:wrong]
    np.savez(path, x=x, y=flipped, x_train=x, y_train=y)
    return path


class TinyCnn(nn.Module):
    """Every kind of product that a core computes: a convolution, a linear layer, attention."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, 4, 3)
        self.linear = nn.Linear(4, 3)

    def forward(self, images: Tensor) -> Tensor:
        """Of images (N, 1, 4, 4): 4 positions of 4 channels, which attend to each other."""
        tokens = self.convolution(images).flatten(2).transpose(1, 2).relu()
        attention = (tokens @ tokens.transpose(1, 2)).softmax(-1)
        logits: Tensor = self.linear((attention @ tokens).mean(1))
        return logits


def cnn() -> nn.Module:
    """Untrained, its weights from the seed."""
    return TinyCnn()


def ready() -> nn.Module:
    """The same with weights of its own, as a trained one has, of which nothing is remarked."""
    torch.manual_seed(0)
    return TinyCnn()


def write_images(path: Path, samples: int = 300, noise: float = 0.6) -> Path:
    """Images of 4 x 4 pixels of three patterns in noise; a third as many to train with."""
    random = np.random.default_rng(1)
    patterns = random.normal(size=(3, 1, 4, 4))
    arrays = {}
    for suffix, count in (("", samples), ("_train", samples // 3)):
        y = random.integers(0, 3, count)
        arrays[f"x{suffix}"] = patterns[y] + noise * random.normal(size=(count, 1, 4, 4))
        arrays[f"y{suffix}"] = y
    np.savez(path, **arrays)
    return path


class WithDistances(TinyCnn):
    """With a product that no core computes."""

    def __init__(self) -> None:
        super().__init__()
        self.centres = nn.Parameter(torch.eye(3))

    def forward(self, images: Tensor) -> Tensor:
        """How near the logits of the tiny network are to centres."""
        return -torch.cdist(super().forward(images), self.centres)


def digital() -> nn.Module:
    """A network with a product that stays digital."""
    return WithDistances()


class WithKronecker(TinyCnn):
    """With another one."""

    def forward(self, images: Tensor) -> Tensor:
        """As the tiny network, and a product of its logits."""
        return torch.kron(super().forward(images), self.linear.bias[:1])


def with_kron() -> nn.Module:
    """A network with another function that stays digital."""
    return WithKronecker()


def only_means() -> nn.Module:
    """A network without products."""
    return nn.Sequential(nn.Flatten(), nn.AdaptiveAvgPool1d(3))


def lazy() -> nn.Module:
    """A network whose layer infers its size."""
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(3))


class Half(TinyCnn):
    """With a buffer in a type that NumPy does not have."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("factor", torch.ones(1, dtype=torch.bfloat16))

    def forward(self, images: Tensor) -> Tensor:
        """As the tiny network."""
        logits: Tensor = super().forward(images) * self.factor.float()  # type: ignore[operator]
        return logits


def half() -> nn.Module:
    """A network with a buffer of bfloat16."""
    return Half()


def deep() -> nn.Module:
    """Twelve linear layers and nothing between them."""
    layers = [nn.Linear(16, 16, bias=False) for _ in range(11)]
    model = nn.Sequential(nn.Flatten(), *layers, nn.Linear(16, 3))
    with torch.no_grad():
        for layer in layers:
            layer.weight.mul_(3)
    return model


SEEN: list[Tensor] = []  # what a watched network was trained with


class Watched(TinyCnn):
    """Keeps what it is trained with."""

    def forward(self, images: Tensor) -> Tensor:
        """As the tiny network."""
        if self.training:
            SEEN.append(images)
        return super().forward(images)


def watched() -> nn.Module:
    """A network that keeps what it sees."""
    return Watched()


def dropping() -> nn.Module:
    """A network that draws random numbers when it is trained."""
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 32), nn.Dropout(0.5), nn.Linear(32, 3))
