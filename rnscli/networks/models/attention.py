"""Self-attention, its matrix products written out: an accelerator has to compute them, too.

A. Vaswani et al., "Attention Is All You Need", NeurIPS 2017 (arXiv:1706.03762), section 3.2.
"""

import math

import torch
from torch import Tensor, nn


class SelfAttention(nn.Module):
    """Every token looks at every token, in several heads.

    In each head ``softmax(q k^T / sqrt(d)) v``, d the width of a head; queries q, keys k and
    values v are linear in the tokens. Neither matrix product has a stored weight: both operands
    are activations.

    Parameters
    ----------
    width
        Numbers in a token.
    heads
        Heads, a divisor of the width.
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
        mixed = torch.matmul(scores.softmax(-1), v)
        joined: Tensor = self.output(mixed.transpose(1, 2).flatten(2))
        return joined

    def _split(self, tokens: Tensor) -> Tensor:
        """Of ``(N, T, width)``, ``(N, heads, T, width / heads)``."""
        return tokens.reshape(*tokens.shape[:2], self.heads, -1).transpose(1, 2)
