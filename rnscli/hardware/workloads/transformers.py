"""Transformers, derived from the shapes that their papers publish."""

from dataclasses import dataclass

from rnscli.base import check_int
from rnscli.hardware.workloads.gemm import Gemm, Workload

MAX_BATCH = 2**16


@dataclass(frozen=True)
class _Transformer:
    """A stack of equal blocks of self-attention and a feed-forward network.

    Every dense layer has biases; every block normalises twice, before or after its halves.
    """

    layers: int
    hidden: int
    intermediate: int
    heads: int
    vocabulary: int
    positions: int

    def gemms(self, sequence: int, batch: int) -> tuple[Gemm, ...]:
        """Products of all blocks: those of one kind have one shape, so they are counted."""
        tokens = batch * sequence
        head = self.hidden // self.heads
        matrices = self.layers * self.heads * batch  # of attention: none is shared
        return (
            Gemm("query", tokens, self.hidden, self.hidden, self.layers),
            Gemm("key", tokens, self.hidden, self.hidden, self.layers),
            Gemm("value", tokens, self.hidden, self.hidden, self.layers),
            Gemm("scores", sequence, head, sequence, matrices, stationary=False),
            Gemm("context", sequence, sequence, head, matrices, stationary=False),
            Gemm("attention output", tokens, self.hidden, self.hidden, self.layers),
            Gemm("feed-forward 1", tokens, self.hidden, self.intermediate, self.layers),
            Gemm("feed-forward 2", tokens, self.intermediate, self.hidden, self.layers),
        )

    @property
    def norm(self) -> int:
        """Scale and shift of a layer normalisation."""
        return 2 * self.hidden

    @property
    def block_vectors(self) -> int:
        """Biases and normalisation of all blocks."""
        biases = 4 * self.hidden + self.intermediate + self.hidden
        return self.layers * (biases + 2 * self.norm)


_BERT_LARGE = _Transformer(
    layers=24, hidden=1024, intermediate=4096, heads=16, vocabulary=30_522, positions=512
)
_OPT_125M = _Transformer(
    layers=12, hidden=768, intermediate=3072, heads=12, vocabulary=50_272, positions=2048
)


def bert_large(batch: int = 1, sequence: int = 512) -> Workload:
    """BERT-large, the encoder with its pooler and without the head of any task.

    24 blocks, 1024 wide (4096 in the feed-forward network), 16 heads of 64. By default a text
    fills the longest sequence, 512 tokens. The pooler sees the first token only.

    Parameters
    ----------
    batch
        Texts at a time.
    sequence
        Tokens of each, padding included; at most 512.

    Raises
    ------
    InputError
        If a parameter is out of its range.

    References
    ----------
    Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers for Language
    Understanding", 2018, arXiv:1810.04805, which rounds to 340 M parameters; the released
    vocabulary of 30 522 gives 335 141 888, as in the library transformers of Hugging Face
    (bert-large-uncased) and in Keras.

    Examples
    --------
    >>> network = bert_large()
    >>> network.parameters, network.macs
    (335141888, 167504773120)
    """
    shape = _BERT_LARGE
    batch = check_int("batch", batch, 1, MAX_BATCH)
    sequence = check_int("sequence", sequence, 1, shape.positions)
    pooler = Gemm("pooler", batch, shape.hidden, shape.hidden)
    segments = 2  # which of two sentences a token belongs to
    embeddings = (shape.vocabulary + shape.positions + segments) * shape.hidden + shape.norm
    other = embeddings + shape.block_vectors + shape.hidden  # biases of the pooler
    return Workload("bert-large", (*shape.gemms(sequence, batch), pooler), other)


def opt_125m(batch: int = 1, sequence: int = 2048) -> Workload:
    """OPT-125M with its language-model head, reading a prompt (prefill).

    12 blocks, 768 wide (3072 in the feed-forward network), 12 heads of 64. By default the prompt
    fills the context of 2048 tokens. The head gives scores of the next token after every one of
    them; its weights are the embedding of tokens, so they are parameters once. Attention is
    counted in full: the half that the causal mask hides is computed and dropped.

    Parameters
    ----------
    batch
        Prompts at a time.
    sequence
        Tokens of each; at most 2048.

    Raises
    ------
    InputError
        If a parameter is out of its range.

    References
    ----------
    Zhang et al., "OPT: Open Pre-trained Transformer Language Models", 2022, arXiv:2205.01068,
    table 1; https://huggingface.co/facebook/opt-125m/blob/main/config.json for vocabulary and
    positions, which give 125 239 296 parameters.

    Examples
    --------
    >>> network = opt_125m()
    >>> network.parameters, network.macs
    (125239296, 330326605824)
    """
    shape = _OPT_125M
    batch = check_int("batch", batch, 1, MAX_BATCH)
    sequence = check_int("sequence", sequence, 1, shape.positions)
    head = Gemm("language-model head", batch * sequence, shape.hidden, shape.vocabulary)
    # The table of positions has two rows before the first position. The embedding of tokens is
    # counted as the weights of the head.
    positions = (shape.positions + 2) * shape.hidden
    other = positions + shape.block_vectors + shape.norm  # after the last block
    return Workload("opt-125m", (*shape.gemms(sequence, batch), head), other)
