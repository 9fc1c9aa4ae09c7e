"""A perceptron that tells the next letter of a text.

After Y. Bengio et al., "A Neural Probabilistic Language Model", Journal of Machine Learning
Research 3, 2003, of letters in the place of words: vectors of the letters before, side by side,
hidden layers, and a softmax over all letters.
"""

import torch
from torch import Tensor, nn

from rnscli.networks.evaluation import RandomStream
from rnscli.networks.text import CONTEXT, LETTERS


class NextLetter(nn.Module):
    """Eight letters as vectors of 16 numbers, two hidden layers of 128 units, 27 letters.

    All dot products are 128 long. The errors of a sample, shares of 27 letters less the one that
    came, are one large number and many small ones, of which few bits leave nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        width, hidden = 16, 128
        self.embedding = nn.Embedding(len(LETTERS), width)
        self.hidden1 = nn.Linear(CONTEXT * width, hidden)
        self.hidden2 = nn.Linear(hidden, hidden)
        self.output = nn.Linear(hidden, len(LETTERS))

    def forward(self, letters: Tensor) -> Tensor:
        """Logits ``(N, 27)`` of letters ``(N, 8)``, numbers from 0."""
        vectors = self.embedding(letters).flatten(1)
        hidden = torch.relu(self.hidden2(torch.relu(self.hidden1(vectors))))
        logits: Tensor = self.output(hidden)
        return logits


def make(seed: int = 0) -> NextLetter:
    """An untrained network, its weights drawn from the seed alone."""
    with RandomStream(seed).in_use():
        return NextLetter()
