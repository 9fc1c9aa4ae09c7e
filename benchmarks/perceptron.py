"""The network that ReRAM cells are trained with: 784 inputs, 300 sigmoids, 10 classes.

Of Marinella et al. (arXiv:1707.09952, section VI); first weights as Glorot and Bengio draw them
(AISTATS 2010), as CrossSim trains. For ``rnscli train --model benchmarks.perceptron:make``.
"""

import torch
from torch import Tensor, nn

_MEAN, _DEVIATION = 0.1307, 0.3081  # of the source of MNIST, which are undone here


class Perceptron(nn.Module):
    """Pixels from 0 to 1, so that dark ones ask no cell for a step."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(784, 300)
        self.output = nn.Linear(300, 10)
        for layer in (self.hidden, self.output):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``(N, 10)`` of images ``(N, 1, 28, 28)``."""
        pixels = (images.flatten(1) * _DEVIATION + _MEAN).clamp(0, 1)
        pixels = torch.where(pixels < 0.5 / 255, 0.0, pixels)
        logits: Tensor = self.output(torch.sigmoid(self.hidden(pixels)))
        return logits


def make() -> Perceptron:
    return Perceptron()
