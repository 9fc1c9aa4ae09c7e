"""An OPT of reduced size, which tells the next letter of a text after each letter.

S. Zhang et al., "OPT: Open Pre-trained Transformer Language Models", arXiv:2205.01068: learned
positions, blocks of attention over the tokens so far and of two linear layers with rectifiers, each
behind a normalisation and beside a sum.
"""

import math

import torch
from torch import Tensor, nn

from rnscli.networks.evaluation import RandomStream
from rnscli.networks.models.transformer import EncoderBlock, SelfAttention
from rnscli.networks.text import LENGTH, LETTERS


class CausalSelfAttention(SelfAttention):
    """The same in which no token looks at those that follow it."""

    def weights(self, scores: Tensor) -> Tensor:
        later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
        return super().weights(scores.masked_fill(later, -math.inf))


class OptBlock(EncoderBlock):
    """Causal attention and two linear layers, each behind a normalisation and beside a sum."""

    attends = CausalSelfAttention
    activates = nn.ReLU

    def __init__(self, width: int, heads: int) -> None:
        super().__init__(width, heads, hidden=4 * width, dropout=0.0)


class TextOpt(nn.Module):
    """Two blocks of width 64 with 4 heads for 16 letters.

    Dot products are 64 and 256 long; those of the attention 16. OPT-125M has 12 blocks of
    width 768. There is no dropout, and the head has weights of its own.
    """

    def __init__(self) -> None:
        super().__init__()
        width = 64
        self.embedding = nn.Embedding(len(LETTERS), width)
        self.positions = nn.Parameter(torch.randn(LENGTH, width))  # as large as embeddings
        self.blocks = nn.Sequential(*(OptBlock(width, heads=4) for _ in range(2)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, len(LETTERS))

    def forward(self, letters: Tensor) -> Tensor:
        """Logits ``(N, T, 27)`` of letters ``(N, T)``, numbers from 0, T up to 16."""
        tokens = self.embedding(letters) + self.positions[: letters.shape[1]]
        logits: Tensor = self.head(self.norm(self.blocks(tokens)))
        return logits


def make(seed: int = 0) -> TextOpt:
    """An untrained network, its weights drawn from the seed alone."""
    with RandomStream(seed).in_use():
        return TextOpt()
