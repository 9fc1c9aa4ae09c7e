"""Networks to design for, by name, and those of a user, from a file.

The former are derived layer by layer from their published architectures. Other packages add theirs
as entry points of the group ``rnscli.workloads``, which name a `NamedWorkload`.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from rnscli.base import InputError, Registry, check_int, shown
from rnscli.hardware.workloads import (
    Gemm,
    NamedWorkload,
    Workload,
)
from rnscli.hardware.workloads.formats.csv_file import COLUMNS, read_csv

# With both at their limits the first layer of ResNet-50 has 2**40 output pixels.
MAX_BATCH = 2**16
MAX_IMAGE_SIZE = 2**13

_BIAS = 1  # parameters that a layer has for each output channel
_BATCH_NORM = 2  # scale and shift; the running mean and variance are not trained


class _Image(NamedTuple):
    """A square feature map."""

    size: int
    channels: int

    def window(self, channels: int, kernel: int, stride: int, padding: int) -> "_Image":
        """What a window that slides over it makes of it."""
        return _Image((self.size + 2 * padding - kernel) // stride + 1, channels)


@dataclass(eq=False, repr=False)
class _Layers:
    """The layers so far."""

    batch: int
    gemms: list[Gemm] = field(default_factory=list)
    other_parameters: int = 0

    def convolution(
        self, layer: str, image: _Image, channels: int, kernel: int,
        stride: int = 1, padding: int = 0, per_channel: int = _BATCH_NORM,
    ) -> _Image:  # fmt: skip
        """Add a convolution with ``per_channel`` further parameters for each output channel."""
        result = image.window(channels, kernel, stride, padding)
        pixels = self.batch * result.size**2
        self.gemms.append(Gemm(layer, pixels, image.channels * kernel**2, channels))
        self.other_parameters += per_channel * channels
        return result

    def dense(self, layer: str, inputs: int, outputs: int) -> None:
        self.gemms.append(Gemm(layer, self.batch, inputs, outputs))
        self.other_parameters += _BIAS * outputs


def resnet50(batch: int = 1, image_size: int = 224) -> Workload:
    """ResNet-50 for the 1000 classes of ImageNet, with layers named as torchvision names them.

    A 7 x 7 convolution of stride 2 and a pooling of stride 2 are followed by stages of 3, 4, 6 and
    3 blocks. A block of width w narrows its input to w channels (1 x 1), filters it (3 x 3) and
    widens it to 4w (1 x 1); the first block of a stage projects its shortcut, too, and halves the
    size in all stages but the first. This is version 1.5, with that stride in the 3 x 3
    convolution, as torchvision and MLPerf have it; the paper has it in the 1 x 1 before.

    References
    ----------
    He et al., "Deep Residual Learning for Image Recognition", 2015, arXiv:1512.03385, table 1;
    https://pytorch.org/vision/stable/models/generated/torchvision.models.resnet50.html, which
    gives 25 557 032 parameters and 4.09 G multiplications.

    Examples
    --------
    >>> network = resnet50()
    >>> len(network.gemms), network.parameters, network.macs
    (54, 25557032, 4089184256)
    >>> network.gemms[0].m, network.gemms[0].k, network.gemms[0].n
    (12544, 147, 64)
    """
    layers = _Layers(check_int("batch", batch, 1, MAX_BATCH))
    image = _Image(check_int("image_size", image_size, 1, MAX_IMAGE_SIZE), channels=3)
    image = layers.convolution("conv1", image, 64, kernel=7, stride=2, padding=3)
    image = image.window(image.channels, kernel=3, stride=2, padding=1)
    for stage, blocks in enumerate((3, 4, 6, 3)):
        width = 64 * 2**stage
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            image = _bottleneck(layers, f"layer{stage + 1}.{block}", image, width, stride)
    layers.dense("fc", image.channels, 1000)  # after an average over all pixels
    return Workload("resnet50", tuple(layers.gemms), layers.other_parameters)


def _bottleneck(layers: _Layers, block: str, image: _Image, width: int, stride: int) -> _Image:
    inner = layers.convolution(f"{block}.conv1", image, width, kernel=1)
    inner = layers.convolution(f"{block}.conv2", inner, width, kernel=3, stride=stride, padding=1)
    result = layers.convolution(f"{block}.conv3", inner, 4 * width, kernel=1)
    if image != result:  # the shortcut can be added only in the same shape
        layers.convolution(f"{block}.downsample", image, 4 * width, kernel=1, stride=stride)
    return result


def mnist_cnn(batch: int = 1) -> Workload:
    """The two convolutions and two dense layers of PyTorch's MNIST example.

    Images of 28 x 28 pixels; 3 x 3 convolutions without padding to 32 and to 64 channels, a
    maximum over 2 x 2 pixels, and dense layers of 128 and 10 outputs, all with biases. It is this
    documented network, and not necessarily the one of any paper on analog accelerators.

    References
    ----------
    https://github.com/pytorch/examples/blob/main/mnist/main.py; 1 199 882 parameters.

    Examples
    --------
    >>> network = mnist_cnn()
    >>> network.parameters, network.macs
    (1199882, 11992448)
    """
    layers = _Layers(check_int("batch", batch, 1, MAX_BATCH))
    image = layers.convolution("conv1", _Image(28, 1), 32, kernel=3, per_channel=_BIAS)
    image = layers.convolution("conv2", image, 64, kernel=3, per_channel=_BIAS)
    image = image.window(image.channels, kernel=2, stride=2, padding=0)
    layers.dense("fc1", image.channels * image.size**2, 128)
    layers.dense("fc2", 128, 10)
    return Workload("mnist-cnn", tuple(layers.gemms), layers.other_parameters)


class _Transformer(NamedTuple):
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


WORKLOADS: Registry[NamedWorkload] = Registry(
    "workload",
    "workloads",
    NamedWorkload,
    [
        NamedWorkload("resnet50", "ResNet-50, one image of 224 x 224 pixels", resnet50),
        NamedWorkload("bert-large", "BERT-large, one sequence", bert_large),
        NamedWorkload("opt-125m", "OPT-125M, one sequence", opt_125m),
        NamedWorkload("mnist-cnn", "two convolutions for images of 28 x 28 pixels", mnist_cnn),
    ],
)


def load_workload(name_or_path: str) -> Workload:
    """A network by its name in ``WORKLOADS``, or one described in a file.

    The file is a CSV with columns layer, M, K, N and, optionally, count: a matrix product a row
    (see `Gemm`), with weights that are stored. A name goes before a file of that name: the latter
    is ``./name``.

    Parameters
    ----------
    name_or_path
        A name, or the path of a file.

    Raises
    ------
    InputError
        If it is neither, or the file is not such a file.

    Examples
    --------
    >>> load_workload("mnist-cnn").macs
    11992448
    >>> load_workload("lenet")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    rnscli.base.errors.InputError: `workload` is lenet, which is no file; it must be one of ...
    """
    if name_or_path in WORKLOADS:
        return WORKLOADS[name_or_path].make()
    path = Path(name_or_path)
    if not name_or_path or not _exists(path):
        raise InputError.of(
            "workload",
            name_or_path,
            f"one of {', '.join(WORKLOADS)}, or a CSV file with columns {COLUMNS}",
            what=f"is {shown(name_or_path) or 'empty'}, which is no file",
        )
    return read_csv(path)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:  # of a folder: reading the file raises it again
        return True
    except OSError:  # what no file can be called
        return False
