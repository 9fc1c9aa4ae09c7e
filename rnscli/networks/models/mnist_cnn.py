"""A convolutional network of two layers for images of 28 x 28 pixels.

After Y. LeCun et al., "Gradient-based learning applied to document recognition", Proceedings of
the IEEE 86, 1998: 5 x 5 kernels, each layer followed by a smaller image, with rectifiers and maxima
in the place of squashing and averages, and one linear layer. What the two layers of the network of
arXiv:2309.10759 are is not published.
"""

import torch
from torch import Tensor, nn

from rnscli.networks.evaluation import RandomStream


class MnistCnn(nn.Module):
    """Two convolutions, each with a maximum over 2 x 2 pixels, and a linear layer.

    Dot products are 25, 400 and 512 long; an image takes 1 054 720 multiplications.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 5)
        self.conv2 = nn.Conv2d(16, 32, 5)
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Linear(32 * 4 * 4, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``(N, 10)`` of images ``(N, 1, 28, 28)``."""
        features = self.pool(torch.relu(self.conv1(images)))
        features = self.pool(torch.relu(self.conv2(features)))
        logits: Tensor = self.head(features.flatten(1))
        return logits


def make(seed: int = 0) -> MnistCnn:
    """An untrained network, its weights drawn from the seed alone."""
    with RandomStream(seed).in_use():
        return MnistCnn()
