"""A small residual network for images of 8 x 8 pixels.

K. He, X. Zhang, S. Ren and J. Sun, "Deep Residual Learning for Image Recognition", CVPR 2016
(arXiv:1512.03385): the block of figure 2, with the projection of its option B.
"""

import torch
from torch import Tensor, nn

from rnscli.networks.evaluation import RandomStream


class ResidualBlock(nn.Module):
    """Two convolutions with batch normalisation, beside a shortcut.

    The stride is that of the first convolution: 2 halves height and width.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:  # the sum needs one shape
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, features: Tensor) -> Tensor:
        """Features ``(N, outputs, H / stride, W / stride)`` of features ``(N, inputs, H, W)``."""
        residual = torch.relu(self.norm1(self.conv1(features)))
        residual = self.norm2(self.conv2(residual))
        return torch.relu(residual + self.shortcut(features))


class DigitsResnet(nn.Module):
    """A convolution, three residual blocks, an average over all pixels, and a linear layer.

    Dot products are 9, 288, 432 and 576 long, 32 and 48 in shortcuts, 64 in the last layer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU()
        )
        self.blocks = nn.Sequential(
            ResidualBlock(32, 32, stride=1),
            ResidualBlock(32, 48, stride=2),
            ResidualBlock(48, 64, stride=2),
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(64, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``(N, 10)`` of images ``(N, 1, 8, 8)``."""
        features = self.pool(self.blocks(self.stem(images)))
        logits: Tensor = self.head(features.flatten(1))
        return logits


def make(seed: int = 0) -> DigitsResnet:
    """An untrained network, its weights drawn from the seed alone."""
    with RandomStream(seed).in_use():
        return DigitsResnet()
