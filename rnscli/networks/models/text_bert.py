"""A BERT of reduced size, which tells hidden letters of a text.

J. Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers for Language
Understanding", arXiv:1810.04805: learned positions, blocks of attention over all tokens and of two
linear layers with GELU, each normalised behind its sum, and a head for the tokens that are hidden.
"""

import torch
from torch import Tensor, nn

from rnscli.networks.evaluation import RandomStream
from rnscli.networks.models.transformer import SelfAttention
from rnscli.networks.text import LENGTH, LETTERS, MASK


class BertBlock(nn.Module):
    """Self-attention and two linear layers, each beside a sum and before a normalisation."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = SelfAttention(width, heads)
        self.norm1 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.norm2 = nn.LayerNorm(width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens ``(N, T, width)`` of tokens ``(N, T, width)``."""
        tokens = self.norm1(tokens + self.attention(tokens))
        mixed: Tensor = self.norm2(tokens + self.mlp(tokens))
        return mixed


class TextBert(nn.Module):
    """Two blocks of width 64 with 4 heads for 16 letters.

    Dot products are 64 and 256 long; those of the attention 16. BERT-Large has 24 blocks of
    width 1024. There is one kind of segment, no dropout, and the head has weights of its own.
    """

    def __init__(self) -> None:
        super().__init__()
        width = 64
        self.embedding = nn.Embedding(len(LETTERS) + 1, width)
        self.positions = nn.Parameter(torch.randn(LENGTH, width))  # as large as embeddings
        self.norm = nn.LayerNorm(width)
        self.blocks = nn.Sequential(*(BertBlock(width, heads=4) for _ in range(2)))
        self.transform = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width))
        self.head = nn.Linear(width, MASK)

    def forward(self, letters: Tensor) -> Tensor:
        """Logits ``(N, T, 27)`` of letters ``(N, T)``, numbers from 0, T up to 16."""
        tokens = self.norm(self.embedding(letters) + self.positions[: letters.shape[1]])
        logits: Tensor = self.head(self.transform(self.blocks(tokens)))
        return logits


def make(seed: int = 0) -> TextBert:
    """An untrained network, its weights drawn from the seed alone."""
    with RandomStream(seed).in_use():
        return TextBert()
