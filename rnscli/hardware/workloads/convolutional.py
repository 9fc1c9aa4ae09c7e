"""Convolutional networks: classifiers, a detector, and one for volumes."""

from typing import NamedTuple

from rnscli.base import InputError, check_int
from rnscli.hardware.workloads import Gemm, Workload
from rnscli.hardware.workloads.layers import BIAS, MAX_BATCH, MAX_IMAGE_SIZE, Image, Layers

_CLASSES = 1000  # of ImageNet


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
    layers, image = _begin(batch, image_size)
    image = _resnet_stem(layers, image)
    for stage, blocks in enumerate((3, 4, 6, 3)):
        image = _bottlenecks(layers, f"layer{stage + 1}", image, 64 * 2**stage, blocks, stage > 0)
    layers.vector("average-pool", image.values)
    layers.dense("fc", image.channels, _CLASSES)
    return layers.workload("resnet50")


def _begin(batch: int, image_size: int, least: int = 1) -> tuple[Layers, Image]:
    size = check_int("image_size", image_size, least, MAX_IMAGE_SIZE)
    return Layers(check_int("batch", batch, 1, MAX_BATCH)), Image(size, channels=3)


def _resnet_stem(layers: Layers, image: Image) -> Image:
    image = layers.convolution("conv1", image, 64, kernel=7, stride=2, padding=3)
    layers.vector("relu", image.values)
    return layers.pool(image, kernel=3, stride=2, padding=1)


def _bottlenecks(
    layers: Layers, stage: str, image: Image, width: int, blocks: int, halved: bool,
    deformable: bool = False,
) -> Image:  # fmt: skip
    for block in range(blocks):
        name, stride = f"{stage}.{block}", 2 if halved and block == 0 else 1
        inner = layers.convolution(f"{name}.conv1", image, width, kernel=1)
        layers.vector("relu", inner.values)
        filtered = _deformable if deformable else _filtered
        inner = filtered(layers, f"{name}.conv2", inner, stride)
        layers.vector("relu", inner.values)
        result = layers.convolution(f"{name}.conv3", inner, 4 * width, kernel=1)
        image = _added(layers, name, image, result, stride)
    return image


def _filtered(layers: Layers, layer: str, image: Image, stride: int) -> Image:
    return layers.convolution(layer, image, image.channels, kernel=3, stride=stride, padding=1)


def _added(layers: Layers, block: str, image: Image, result: Image, stride: int) -> Image:
    if image != result:  # the shortcut can be added only in the same shape
        layers.convolution(f"{block}.downsample", image, result.channels, kernel=1, stride=stride)
    layers.vector("add", result.values)
    layers.vector("relu", result.values)
    return result


def resnet50_dcnv2(batch: int = 1, image_size: int = 800) -> Workload:
    """The backbone ResNet-50 of a detector, with modulated deformable convolutions.

    The 3 x 3 convolutions of its last three stages (c3 to c5, 13 of them) read their nine inputs
    where a further convolution says: it has two offsets and a weight for each of the nine, which
    all channels share. Each value is sampled bilinearly between four pixels and weighted, so every
    output has inputs of its own. There is no classifier; an image of 800 x 800 pixels stands for
    the detector's 800 x 1333.

    References
    ----------
    Zhu et al., "Deformable ConvNets v2: More Deformable, Better Results", 2018, arXiv:1811.11168;
    https://github.com/open-mmlab/mmdetection, configs/dcnv2/faster_rcnn_r50_fpn_mdconv_c3-c5, for
    the stages and the one group of offsets.

    Examples
    --------
    >>> network = resnet50_dcnv2()
    >>> offsets = [gemm for gemm in network.gemms if gemm.layer.endswith("offset")]
    >>> len(offsets), {gemm.n for gemm in offsets}
    (13, {27})
    >>> network.parameters, network.macs
    (24379295, 54542400000)
    """
    layers, image = _begin(batch, image_size)
    image = _resnet_stem(layers, image)
    for stage, blocks in enumerate((3, 4, 6, 3)):
        name, width = f"layer{stage + 1}", 64 * 2**stage
        image = _bottlenecks(layers, name, image, width, blocks, stage > 0, deformable=stage > 0)
    return layers.workload("resnet50-dcnv2")


def _deformable(layers: Layers, layer: str, image: Image, stride: int) -> Image:
    places = 3 * 3
    offsets = layers.convolution(
        f"{layer}.offset", image, 3 * places, 3, stride, padding=1, per_channel=BIAS
    )
    layers.vector("sigmoid", offsets.pixels * places)
    sampled = offsets.pixels * places * image.channels
    layers.vector("sample", sampled)
    layers.vector("multiply", sampled)
    result = Image(offsets.size, image.channels)
    rows = layers.batch * result.pixels
    layers.product(Gemm(layer, rows, places * image.channels, result.channels), 2 * result.channels)
    layers.vector("folded-batch-norm", result.values)
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
    layers = Layers(check_int("batch", batch, 1, MAX_BATCH))
    image = layers.convolution("conv1", Image(28, 1), 32, kernel=3, per_channel=BIAS)
    layers.vector("relu", image.values)
    image = layers.convolution("conv2", image, 64, kernel=3, per_channel=BIAS)
    layers.vector("relu", image.values)
    image = layers.pool(image, kernel=2, stride=2)
    layers.vector("relu", layers.dense("fc1", image.values, 128))
    layers.vector("softmax", layers.dense("fc2", 128, 10))
    return layers.workload("mnist-cnn")


class _Inverted(NamedTuple):
    """Inverted residuals of MobileNetV2: a row of table 2 of its paper."""

    expansion: int
    channels: int
    blocks: int
    stride: int


_MOBILENET_V2 = (
    _Inverted(1, 16, 1, 1), _Inverted(6, 24, 2, 2), _Inverted(6, 32, 3, 2), _Inverted(6, 64, 4, 2),
    _Inverted(6, 96, 3, 1), _Inverted(6, 160, 3, 2), _Inverted(6, 320, 1, 1),
)  # fmt: skip


def mobilenet_v2(batch: int = 1, image_size: int = 224) -> Workload:
    """MobileNetV2 for ImageNet, with layers named as torchvision names them.

    A depthwise convolution filters each channel by itself: as many products of nine inputs with
    one column of weights as there are channels.

    References
    ----------
    Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018,
    arXiv:1801.04381, table 2; torchvision's weights say 3 504 872 parameters and 0.301 G
    multiplications.

    Examples
    --------
    >>> network = mobilenet_v2()
    >>> network.parameters, network.macs
    (3504872, 300774272)
    """
    layers, image = _begin(batch, image_size)
    image = layers.convolution("features.0.0", image, 32, kernel=3, stride=2, padding=1)
    layers.vector("relu", image.values)
    block = 0
    for row in _MOBILENET_V2:
        for index in range(row.blocks):
            block += 1
            stride = row.stride if index == 0 else 1
            image = _inverted(layers, f"features.{block}.conv", image, row, stride)
    image = layers.convolution(f"features.{block + 1}.0", image, 1280, kernel=1)
    layers.vector("relu", image.values)
    layers.vector("average-pool", image.values)
    layers.dense("classifier.1", image.channels, _CLASSES)
    return layers.workload("mobilenet-v2")


def _inverted(layers: Layers, block: str, image: Image, row: _Inverted, stride: int) -> Image:
    inner, step = image, 0
    if row.expansion > 1:
        inner = layers.convolution(f"{block}.0.0", image, row.expansion * image.channels, 1)
        layers.vector("relu", inner.values)
        step = 1
    inner = layers.convolution(
        f"{block}.{step}.0", inner, inner.channels, 3, stride, padding=1, groups=inner.channels
    )
    layers.vector("relu", inner.values)
    result = layers.convolution(f"{block}.{step + 1}", inner, row.channels, kernel=1)
    if result == image:
        layers.vector("add", result.values)
    return result


# Of each of the six maps on which SSD finds boxes: boxes at a place.
_SSD_BOXES = (4, 6, 6, 6, 4, 4)
_SSD_CLASSES = 81  # of COCO, with the background
# Of the blocks that make the maps after the first: channels between and at the end, stride and
# padding of the second convolution.
_SSD_BLOCKS = ((256, 512, 2, 1), (256, 512, 2, 1), (128, 256, 2, 1), (128, 256, 2, 0),
               (128, 256, 1, 0))  # fmt: skip


def ssd_resnet34(batch: int = 1, image_size: int = 1200) -> Workload:
    """The detector SSD on ResNet-34 of MLPerf inference (up to version 2.1).

    The first three stages of ResNet-34, the third without its stride; five further blocks; on each
    of the six maps two 3 x 3 convolutions, of stride 3, for places and classes of boxes: 15 130
    boxes in an image of 1200 x 1200 pixels. Decoding of the boxes is counted, sorting out those
    that overlap is not.

    References
    ----------
    Liu et al., "SSD: Single Shot MultiBox Detector", 2015, arXiv:1512.02325;
    https://github.com/mlcommons/inference, ssd_r34.py and base_model_r34.py.

    Examples
    --------
    >>> network = ssd_resnet34()
    >>> network.parameters, network.macs
    (19972534, 216415931904)
    >>> {gemm.layer: gemm.m for gemm in network.gemms}["loc.0"]  # 50 x 50 places
    2500
    """
    layers, image = _begin(batch, image_size, least=300)
    image = _resnet_stem(layers, image)
    for stage, (blocks, stride) in enumerate(((3, 1), (4, 2), (6, 1))):
        for block in range(blocks):
            first = stride if block == 0 else 1
            name = f"layer{stage + 1}.{block}"
            image = _basic(layers, name, image, 64 * 2**stage, first)
    maps = [image]
    for index, (between, channels, stride, padding) in enumerate(_SSD_BLOCKS):
        name = f"additional_blocks.{index}"
        inner = layers.convolution(f"{name}.0", maps[-1], between, 1, per_channel=BIAS)
        layers.vector("relu", inner.values)
        inner = layers.convolution(f"{name}.2", inner, channels, 3, stride, padding, 1, BIAS)
        layers.vector("relu", inner.values)
        maps.append(inner)
    boxes = 0
    for index, (source, each) in enumerate(zip(maps, _SSD_BOXES, strict=True)):
        for name, channels in (("loc", 4 * each), ("conf", _SSD_CLASSES * each)):
            found = layers.convolution(f"{name}.{index}", source, channels, 3, 3, 1, 1, BIAS)
        boxes += found.pixels * each
    # Two centres (scaled, times the size of the default box, plus its centre), two sizes (scaled,
    # exponential, times that size), and two corners of these.
    layers.vector("multiply", 12 * boxes)
    layers.vector("add", 6 * boxes)
    layers.vector("exp", 2 * boxes)
    layers.vector("softmax", _SSD_CLASSES * boxes)
    return layers.workload("ssd-resnet34")


def _basic(layers: Layers, block: str, image: Image, width: int, stride: int) -> Image:
    inner = layers.convolution(f"{block}.conv1", image, width, 3, stride, padding=1)
    layers.vector("relu", inner.values)
    result = layers.convolution(f"{block}.conv2", inner, width, 3, padding=1)
    return _added(layers, block, image, result, stride)


_UNET_FILTERS = (32, 64, 128, 256, 320, 320)  # of the levels, each of half the size
_UNET_HALVED = 2 ** (len(_UNET_FILTERS) - 1)
_MAX_VOLUME = 2**10


def unet_3d(batch: int = 1, image_size: int = 128) -> Workload:
    """The 3D U-Net of MLPerf for kidney tumours (KiTS19), on one window of 128 x 128 x 128 voxels.

    Two 3 x 3 x 3 convolutions on each of six levels, on the way down with a stride of 2 in the
    first; on the way up a transposed convolution of 2 x 2 x 2 without overlap, joined with what
    was found on the way down. Instances are normalised one by one, so nothing can be folded into
    weights. A whole patient takes windows that overlap by half.

    Raises
    ------
    InputError
        If the size is no multiple of 32, or out of its range.

    References
    ----------
    Cicek et al., "3D U-Net", 2016, arXiv:1606.06650; https://github.com/mlcommons/training,
    image_segmentation/pytorch/model (unet3d.py, layers.py);
    https://github.com/mlcommons/inference, vision/medical_imaging/3d-unet-kits19 (global_vars.py).

    Examples
    --------
    >>> network = unet_3d()
    >>> network.parameters, network.macs
    (31190243, 477298688000)
    """
    size = check_int("image_size", image_size, 1, _MAX_VOLUME)
    if size % _UNET_HALVED:
        accepted = f"a multiple of {_UNET_HALVED} up to {_MAX_VOLUME}"
        raise InputError.of("image_size", image_size, accepted)
    layers = Layers(check_int("batch", batch, 1, MAX_BATCH))
    image, skipped = Image(size, 1, dimensions=3), list[Image]()
    for level, filters in enumerate(_UNET_FILTERS):
        name = f"down{level}" if level else "input"
        image = _unet_pair(layers, name, image, filters, stride=2 if level else 1)
        skipped.append(image)
    for level in reversed(range(_UNET_HALVED.bit_length() - 1)):
        filters = _UNET_FILTERS[level]
        # Every voxel makes 2 x 2 x 2 of its own.
        rows = layers.batch * image.pixels
        gemm = Gemm(f"up{level}.upsample", rows, image.channels, 8 * filters)
        layers.product(gemm, BIAS * filters)
        joined = Image(2 * image.size, filters + skipped[level].channels, dimensions=3)
        image = _unet_pair(layers, f"up{level}", joined, filters, stride=1)
    layers.convolution("output", image, 3, kernel=1, per_channel=BIAS)
    return layers.workload("3d-unet")


def _unet_pair(layers: Layers, name: str, image: Image, filters: int, stride: int) -> Image:
    for number, step in ((1, stride), (2, 1)):
        image = layers.convolution(
            f"{name}.conv{number}", image, filters, 3, step, padding=1, per_channel=0
        )
        layers.other_parameters += 2 * filters  # scale and shift of the normalisation
        layers.vector("layer-norm", image.values)
        layers.vector("relu", image.values)
    return image
