"""A plain convolutional network for images of 8 x 8 pixels."""

import torch
from torch import Tensor, nn

from rnscli.networks.evaluation import RandomStream


class DigitsCnn(nn.Module):
    """Two convolutions, a maximum over 2 x 2 pixels, and a linear layer.

    Dot products are 9, 288 and 512 long.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, padding=1)
        self.conv2 = nn.Conv2d(32, 32, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Linear(32 * 4 * 4, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``(N, 10)`` of images ``(N, 1, 8, 8)``."""
        features = torch.relu(self.conv1(images))
        features = self.pool(torch.relu(self.conv2(features)))
        logits: Tensor = self.head(features.flatten(1))
        return logits


def make(seed: int = 0) -> DigitsCnn:
    """An untrained network, its weights drawn from the seed alone."""
    with RandomStream(seed).in_use():
        return DigitsCnn()
