"""A small transformer for images of 8 x 8 pixels.

After A. Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021 (arXiv:2010.11929), with
rows of pixels in the place of patches, and a classifier that reads all tokens. The matrix products
of attention (A. Vaswani et al., "Attention Is All You Need", NeurIPS 2017, arXiv:1706.03762,
section 3.2) are written out: an accelerator has to compute them, too.
"""

import math
from typing import ClassVar

import torch
from torch import Tensor, nn

from rnscli.networks.evaluation import RandomStream


class SelfAttention(nn.Module):
    """Every token looks at every token, in several heads.

    In each head ``softmax(q k^T / sqrt(d)) v``, d the width of a head; queries q, keys k and
    values v are linear in the tokens. Neither matrix product has a stored weight: both operands
    are activations. The number of heads divides the width of the tokens.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens ``(N, T, width)`` of tokens ``(N, T, width)``."""
        q = self._split(self.query(tokens))
        k = self._split(self.key(tokens))
        v = self._split(self.value(tokens))
        scores = torch.matmul(q, k.transpose(-2, -1)) / math.sqrt(q.shape[-1])
        mixed = torch.matmul(self.weights(scores), v)
        joined: Tensor = self.output(mixed.transpose(1, 2).flatten(2))
        return joined

    def weights(self, scores: Tensor) -> Tensor:
        """With which weights each token looks at the others."""
        return scores.softmax(-1)

    def _split(self, tokens: Tensor) -> Tensor:
        """Of ``(N, T, width)``, ``(N, heads, T, width / heads)``."""
        return tokens.reshape(*tokens.shape[:2], self.heads, -1).transpose(1, 2)


class EncoderBlock(nn.Module):
    """Self-attention and two linear layers, each behind a layer normalisation and beside a sum.

    ``hidden`` is the width between the two linear layers, ``dropout`` the probability that a number
    of either summand is dropped while training. ``attends`` and ``activates`` are the kinds of its
    attention and of the function between the two.
    """

    attends: ClassVar[type[SelfAttention]] = SelfAttention
    activates: ClassVar[type[nn.Module]] = nn.GELU

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = self.attends(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, hidden), self.activates(), nn.Linear(hidden, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens ``(N, T, width)`` of tokens ``(N, T, width)``."""
        tokens = tokens + self.dropout(self.attention(self.norm1(tokens)))
        mixed: Tensor = tokens + self.dropout(self.mlp(self.norm2(tokens)))
        return mixed


class DigitsTransformer(nn.Module):
    """Rows as 8 tokens with learned positions, two encoder blocks, and a linear layer.

    Dot products are 8, 64, 256 and 512 long; those of the attention 16 and 8.
    """

    def __init__(self) -> None:
        super().__init__()
        width = 64
        self.embedding = nn.Linear(8, width)
        self.positions = nn.Parameter(torch.randn(8, width) * 0.02)
        blocks = (EncoderBlock(width, heads=4, hidden=256, dropout=0.2) for _ in range(2))
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(8 * width, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``(N, 10)`` of images ``(N, 1, 8, 8)``."""
        tokens = self.embedding(images.squeeze(1)) + self.positions
        logits: Tensor = self.head(self.norm(self.blocks(tokens)).flatten(1))
        return logits


def make(seed: int = 0) -> DigitsTransformer:
    """An untrained network, its weights drawn from the seed alone."""
    with RandomStream(seed).in_use():
        return DigitsTransformer()
