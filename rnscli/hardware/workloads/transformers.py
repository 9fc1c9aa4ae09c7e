"""Transformers: encoders of texts and images, decoders, and decoders that are trained to decode."""

from typing import Any, NamedTuple

from rnscli.base import InputError, check_int
from rnscli.hardware.workloads import MAX_SIZE, Gemm, Workload
from rnscli.hardware.workloads.layers import (
    BIAS,
    MAX_BATCH,
    MAX_CONTEXT,
    MAX_IMAGE_SIZE,
    NORM,
    Layers,
)

_MAX_LAYERS = 1024
_MAX_WIDTH = 2**20


class _Transformer(NamedTuple):
    """A stack of equal blocks of self-attention and a feed-forward network.

    Every dense layer has biases; every block normalises twice, before or after its halves.
    """

    layers: int
    hidden: int
    intermediate: int
    heads: int
    activation: str
    causal: bool = False

    def add(self, network: Layers, sequence: int) -> None:
        """Add all blocks: products of one kind have one shape, so they are counted."""
        for name in ("query", "key", "value"):
            self._dense(network, name, sequence, self.hidden, self.hidden)
        _attention(
            network, self.layers, self.heads, sequence, self.hidden // self.heads, sequence,
            causal=self.causal,
        )  # fmt: skip
        self._dense(network, "attention output", sequence, self.hidden, self.hidden)
        self._half(network, sequence)
        self._dense(network, "feed-forward 1", sequence, self.hidden, self.intermediate)
        network.vector(self.activation, self.layers * sequence * self.intermediate)
        self._dense(network, "feed-forward 2", sequence, self.intermediate, self.hidden)
        self._half(network, sequence)

    def _dense(self, network: Layers, name: str, sequence: int, inputs: int, outputs: int) -> None:
        blocks = self.layers
        gemm = Gemm(name, network.batch * sequence, inputs, outputs, blocks, depth=blocks)
        network.product(gemm, self.layers * BIAS * outputs)

    def _half(self, network: Layers, sequence: int) -> None:
        """What ends either half of a block: the residual and a normalisation."""
        network.vector("add", self.layers * sequence * self.hidden)
        network.vector("layer-norm", self.layers * sequence * self.hidden)
        network.other_parameters += self.layers * NORM * self.hidden


def _attention(
    network: Layers, blocks: int, heads: int, queries: int, width: int, keys: int, causal: bool,
    group: int = 1,
) -> None:  # fmt: skip
    """Add scores and context of heads of keys in all blocks, each with ``group`` heads of queries.

    Neither operand is stored: the keys and values of a text are new, or in a cache.
    """
    rows, count = group * queries, network.batch * blocks * heads
    kind: dict[str, Any] = {
        "count": count, "stationary": False, "depth": blocks, "cached": keys > queries
    }  # fmt: skip
    network.product(Gemm("scores", rows, width, keys, **kind))
    scores = blocks * heads * rows * keys
    network.vector("multiply", scores)  # by the root of the width
    if causal:
        network.vector("add", scores)  # the mask
    network.vector("softmax", scores)
    network.product(Gemm("context", rows, keys, width, **kind))


_BERT_LARGE = _Transformer(24, 1024, 4096, 16, "gelu")
_BERT_VOCABULARY, _BERT_POSITIONS = 30_522, 512
_BERT_SEGMENTS = 2  # which of two sentences a token belongs to


def bert_large(batch: int = 1, sequence: int = 512) -> Workload:
    """BERT-large, the encoder with its pooler and without the head of any task.

    24 blocks, 1024 wide (4096 in the feed-forward network), 16 heads of 64. By default a text
    fills the longest sequence, 512 tokens. The pooler sees the first token only.

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
    return _bert(batch, sequence).workload("bert-large", tokens=batch * sequence)


def _bert(batch: int, sequence: int) -> Layers:
    shape = _BERT_LARGE
    sequence = check_int("sequence", sequence, 1, _BERT_POSITIONS)
    network = Layers(check_int("batch", batch, 1, MAX_BATCH))
    for rows in (_BERT_VOCABULARY, _BERT_POSITIONS, _BERT_SEGMENTS):
        network.table(rows, shape.hidden, sequence)
    network.vector("add", 2 * sequence * shape.hidden)
    network.vector("layer-norm", sequence * shape.hidden)
    network.other_parameters += NORM * shape.hidden
    shape.add(network, sequence)
    network.vector("sigmoid", network.dense("pooler", shape.hidden, shape.hidden))
    return network


def bert_large_pretraining(batch: int = 32, sequence: int = 128, predictions: int = 20) -> Workload:
    """BERT-large with the heads of its pre-training: hidden words, and whether sentences follow.

    Phase 1 has sequences of 128 tokens, of which 20 are hidden and predicted; phase 2 has 512 and
    80. Only hidden words go through the head, whose weights are the embedding of tokens. The batch
    of 32 is an example; published ones are what many devices compute together.

    References
    ----------
    Devlin et al., arXiv:1810.04805, appendix A.2;
    https://github.com/NVIDIA/DeepLearningExamples, PyTorch/LanguageModeling/BERT/scripts/
    run_pretraining.sh, for lengths and predictions of the phases; 336 226 108 parameters as
    BertForPreTraining of transformers has them. Pati et al., arXiv:2104.08335, profile it.

    Examples
    --------
    >>> network = bert_large_pretraining()
    >>> network.parameters
    336226108
    """
    shape, network = _BERT_LARGE, _bert(batch, sequence)
    predictions = check_int("predictions", predictions, 1, sequence)
    network.vector("gelu", network.dense("transform", shape.hidden, shape.hidden, predictions))
    network.vector("layer-norm", shape.hidden * predictions)
    network.other_parameters += NORM * shape.hidden + BIAS * _BERT_VOCABULARY
    network.dense("next sentence", shape.hidden, 2)
    _tied(network, "language-model head", predictions, shape.hidden, _BERT_VOCABULARY)
    return network.workload("bert-large-pretraining", tokens=batch * sequence)


def _tied(network: Layers, name: str, rows: int, hidden: int, vocabulary: int) -> None:
    """Add a head whose weights are a table of the embedding, which are counted with the head."""
    network.product(Gemm(name, network.batch * rows, hidden, vocabulary))
    network.other_parameters -= hidden * vocabulary
    network.table_parameters -= hidden * vocabulary


_OPT_125M = _Transformer(12, 768, 3072, 12, "relu", causal=True)
_OPT_VOCABULARY, _OPT_POSITIONS = 50_272, 2048


def opt_125m(batch: int = 1, sequence: int = 2048) -> Workload:
    """OPT-125M with its language-model head, reading a prompt (prefill).

    12 blocks, 768 wide (3072 in the feed-forward network), 12 heads of 64. By default the prompt
    fills the context of 2048 tokens. The head gives scores of the next token after every one of
    them; its weights are the embedding of tokens, so they are parameters once. Attention is
    counted in full: the half that the causal mask hides is computed and dropped.

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
    sequence = check_int("sequence", sequence, 1, _OPT_POSITIONS)
    network = Layers(check_int("batch", batch, 1, MAX_BATCH))
    network.table(_OPT_VOCABULARY, shape.hidden, sequence)
    # The table of positions has two rows before the first position.
    network.table(_OPT_POSITIONS + 2, shape.hidden, sequence)
    network.vector("add", sequence * shape.hidden)
    shape.add(network, sequence)
    network.vector("layer-norm", sequence * shape.hidden)  # after the last block
    network.other_parameters += NORM * shape.hidden
    _tied(network, "language-model head", sequence, shape.hidden, _OPT_VOCABULARY)
    return network.workload("opt-125m", tokens=batch * sequence)


_VIT_B16 = _Transformer(12, 768, 3072, 12, "gelu")
_VIT_PATCH = 16


def vit_b16(batch: int = 1, image_size: int = 224) -> Workload:
    """ViT-B/16 for the 1000 classes of ImageNet.

    Patches of 16 x 16 pixels are the tokens, with one more for the class; 12 blocks, 768 wide.

    Raises
    ------
    InputError
        If the size is no multiple of 16, or out of its range.

    References
    ----------
    Dosovitskiy et al., "An Image is Worth 16x16 Words", 2020, arXiv:2010.11929, table 1;
    torchvision's weights say 86 567 656 parameters and 17.564 G multiplications.

    Examples
    --------
    >>> network = vit_b16()
    >>> network.parameters, network.macs
    (86567656, 17563828224)
    """
    shape, patch = _VIT_B16, _VIT_PATCH
    side = check_int("image_size", image_size, 1, MAX_IMAGE_SIZE) // patch
    if image_size % patch:
        accepted = f"a multiple of {patch} up to {MAX_IMAGE_SIZE}"
        raise InputError.of("image_size", image_size, accepted)
    network = Layers(check_int("batch", batch, 1, MAX_BATCH))
    network.dense("patches", 3 * patch**2, shape.hidden, rows=side**2)
    tokens = side**2 + 1
    network.other_parameters += (tokens + 1) * shape.hidden  # positions, and the token of the class
    network.vector("add", tokens * shape.hidden)
    shape.add(network, tokens)
    network.vector("layer-norm", tokens * shape.hidden)
    network.other_parameters += NORM * shape.hidden
    network.dense("head", shape.hidden, 1000)
    return network.workload("vit-b16")


def llama(
    name: str, batch: int = 1, sequence: int = 512, cache: int = 0, layers: int = 32,
    hidden: int = 4096, intermediate: int = 11_008, heads: int = 32, kv_heads: int = 32,
    vocabulary: int = 32_000, context: int = 4096, experts: int = 1, active_experts: int = 1,
) -> Workload:  # fmt: skip
    """A decoder of the family of Llama: prefill, or decoding with a cache of keys and values.

    A block normalises, attends with rotary positions, normalises again, and multiplies in a gated
    feed-forward network (three matrices); nothing has biases. ``heads / kv_heads`` heads of queries
    share one of keys, so they are rows of one product. ``sequence`` new tokens follow ``cache``
    tokens whose keys and values are there: decoding is a sequence of one. Attention is counted in
    full, what a causal mask hides included; the head gives scores after every new token.

    With more than one of ``experts`` the feed-forward network is as many, of which each token
    takes ``active_experts``; tokens are spread evenly. Experts that no token takes are stored, and
    idle.

    Parameters
    ----------
    name
        What reports call it.
    batch, sequence, cache, layers, hidden, intermediate, heads, kv_heads, vocabulary
        Sizes.
    context
        Most tokens that there may be, those of the cache included.
    experts, active_experts
        How many feed-forward networks a layer has, and how many of them a token takes.

    Raises
    ------
    InputError
        If a size is out of its range, or does not go into another one.

    References
    ----------
    Touvron et al., "Llama 2", 2023, arXiv:2307.09288; https://github.com/meta-llama/llama-models,
    models/llama3/reference_impl/model.py; Jiang et al., "Mixtral of Experts", 2024,
    arXiv:2401.04088, table 1 and section 2.1.

    Examples
    --------
    >>> llama("llama-2-7b").parameters
    6738415616
    >>> decode = llama("llama-2-7b", sequence=1, cache=4095)
    >>> [(g.m, g.k, g.n, g.count) for g in decode.gemms if not g.stationary]
    [(1, 128, 4096, 1024), (1, 4096, 128, 1024)]
    """
    network = Layers(check_int("batch", batch, 1, MAX_BATCH))
    context = check_int("context", context, 1, MAX_CONTEXT)
    sequence = check_int("sequence", sequence, 1, context)
    cache = check_int("cache", cache, 0, context - sequence)
    layers = check_int("layers", layers, 1, _MAX_LAYERS)
    hidden = check_int("hidden", hidden, 1, _MAX_WIDTH)
    intermediate = check_int("intermediate", intermediate, 1, _MAX_WIDTH)
    vocabulary = check_int("vocabulary", vocabulary, 1, MAX_SIZE)
    heads = _divisor("heads", heads, "hidden", hidden)
    kv_heads = _divisor("kv_heads", kv_heads, "heads", heads)
    experts = check_int("experts", experts, 1, _MAX_LAYERS)
    active = check_int("active_experts", active_experts, 1, experts)
    width, tokens = hidden // heads, network.batch * sequence
    values = sequence * hidden  # of the stream, for each member of the batch

    network.table(vocabulary, hidden, sequence)
    network.vector("rms-norm", layers * values)
    for projection, outputs in (
        ("query", hidden), ("key", kv_heads * width), ("value", kv_heads * width)
    ):  # fmt: skip
        network.product(Gemm(projection, tokens, hidden, outputs, layers, depth=layers))
    network.vector("rotate", layers * sequence * (heads + kv_heads) * width)
    _attention(
        network, layers, kv_heads, sequence, width, cache + sequence, causal=sequence > 1,
        group=heads // kv_heads,
    )  # fmt: skip
    network.product(Gemm("attention output", tokens, hidden, hidden, layers, depth=layers))
    network.vector("add", layers * values)
    network.vector("rms-norm", layers * values)
    if experts > 1:
        network.product(Gemm("router", tokens, hidden, experts, layers, depth=layers))
        network.vector("softmax", layers * sequence * experts)
    inner = layers * sequence * active * intermediate
    _spread(network, "gate", tokens * active, hidden, intermediate, layers, experts)
    network.vector("silu", inner)
    _spread(network, "up", tokens * active, hidden, intermediate, layers, experts)
    network.vector("multiply", inner)
    _spread(network, "down", tokens * active, intermediate, hidden, layers, experts)
    if experts > 1:  # the weighted sum over the experts of a token
        network.vector("multiply", layers * values * active)
        if active > 1:
            network.vector("add", layers * values * (active - 1))
    network.vector("add", layers * values)
    network.vector("rms-norm", values)
    network.other_parameters += (2 * layers + 1) * hidden  # scales of the normalisations
    network.product(Gemm("language-model head", tokens, hidden, vocabulary))
    return network.workload(name, tokens=tokens)


def _divisor(name: str, value: int, of: str, whole: int) -> int:
    value = check_int(name, value, 1, _MAX_WIDTH)
    if whole % value:
        raise InputError.of(name, value, f"a divisor of `{of}`, {whole}")
    return value


def _spread(
    network: Layers, name: str, rows: int, inputs: int, outputs: int, layers: int, experts: int
) -> None:
    """Add products of ``rows`` vectors that are spread over experts, in each of the layers."""
    each, more = divmod(rows, experts)
    if more:
        busier = f"{name} of more tokens" if each else name
        idle = 0 if each else layers * (experts - more)  # no token goes there
        gemm = Gemm(busier, each + 1, inputs, outputs, layers * more, depth=layers, idle=idle)
        network.product(gemm)
    if each:
        count = layers * (experts - more)
        network.product(Gemm(name, each, inputs, outputs, count, depth=layers))
