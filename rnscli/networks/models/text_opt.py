"""An OPT of reduced size, which tells the next letter of a text after each letter.

S. Zhang et al., "OPT: Open Pre-trained Transformer Language Models", arXiv:2205.01068: learned
positions, blocks of attention over the tokens so far and of two linear layers with rectifiers, each
behind a normalisation and beside a sum.
"""

import math

import torch
from torch import Tensor, nn

from rnscli.networks.evaluation import RandomStream
from rnscli.networks.models.transformer import SelfAttention
from rnscli.networks.text import LENGTH, LETTERS


class CausalSelfAttention(SelfAttention):
    """The same in which no token looks at those that follow it."""

    def forward(self, tokens: Tensor) -> Tensor:
        q = self._split(self.query(tokens))
        k = self._split(self.key(tokens))
        v = self._split(self.value(tokens))
        scores = torch.matmul(q, k.transpose(-2, -1)) / math.sqrt(q.shape[-1])
        later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
        mixed = torch.matmul(scores.masked_fill(later, -math.inf).softmax(-1), v)
        joined: Tensor = self.output(mixed.transpose(1, 2).flatten(2))
        return joined


class OptBlock(nn.Module):
    """Causal attention and two linear layers, each behind a normalisation and beside a sum."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = CausalSelfAttention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens ``(N, T, width)`` of tokens ``(N, T, width)``."""
        tokens = tokens + self.attention(self.norm1(tokens))
        mixed: Tensor = tokens + self.mlp(self.norm2(tokens))
        return mixed


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
