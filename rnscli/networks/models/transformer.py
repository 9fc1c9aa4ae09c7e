"""A small transformer for images of 8 x 8 pixels.

After A. Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021 (arXiv:2010.11929), with
rows of pixels in the place of patches, and a classifier that reads all tokens.
"""

import torch
from torch import Tensor, nn

from rnscli.networks.determinism import RandomStream
from rnscli.networks.models.attention import SelfAttention


class EncoderBlock(nn.Module):
    """Self-attention and two linear layers, each behind a layer normalisation and beside a sum.

    Parameters
    ----------
    width
        Numbers in a token.
    heads
        Heads of the attention.
    hidden
        Width between the two linear layers.
    dropout
        Probability that a number of either summand is dropped while training.
    """

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = SelfAttention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens ``(N, T, width)`` of tokens ``(N, T, width)``."""
        tokens = tokens + self.dropout(self.attention(self.norm1(tokens)))
        mixed: Tensor = tokens + self.dropout(self.mlp(self.norm2(tokens)))
        return mixed


class DigitsTransformer(nn.Module):
    """Rows as 8 tokens with learned positions, two encoder blocks, and a linear layer.

    Dot products are 8, 64, 256 and 512 long; those of the attention 16 and 8.

    Parameters
    ----------
    width, heads, hidden, dropout
        Of the blocks (see `EncoderBlock`).
    """

    def __init__(
        self, width: int = 64, heads: int = 4, hidden: int = 256, dropout: float = 0.2
    ) -> None:
        super().__init__()
        self.embedding = nn.Linear(8, width)
        self.positions = nn.Parameter(torch.randn(8, width) * 0.02)
        self.blocks = nn.Sequential(
            *(EncoderBlock(width, heads, hidden, dropout) for _ in range(2))
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(8 * width, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``(N, 10)`` of images ``(N, 1, 8, 8)``."""
        tokens = self.embedding(images.squeeze(1)) + self.positions
        logits: Tensor = self.head(self.norm(self.blocks(tokens)).flatten(1))
        return logits


def make(seed: int = 0) -> DigitsTransformer:
    """An untrained network, its weights drawn from the seed alone.

    Examples
    --------
    >>> make().eval()(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 10])
    """
    with RandomStream(seed).in_use():
        return DigitsTransformer()
