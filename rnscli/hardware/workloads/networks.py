"""Networks to design for, by name, and those of a user, from a file.

The former are derived layer by layer from their published architectures. Other packages add theirs
as entry points of the group ``rnscli.workloads``, which name a `NamedWorkload`.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from rnscli.base import InputError, Registry, shown
from rnscli.hardware.workloads import (
    NamedWorkload,
    Workload,
)
from rnscli.hardware.workloads.convolutional import (
    mnist_cnn,
    mobilenet_v2,
    resnet50,
    resnet50_dcnv2,
    ssd_resnet34,
    unet_3d,
)
from rnscli.hardware.workloads.formats.csv_file import read_csv
from rnscli.hardware.workloads.formats.onnx_file import read_onnx
from rnscli.hardware.workloads.graphs import AMAZON2M, PPI, REDDIT, gcn
from rnscli.hardware.workloads.recommendation import dlrm
from rnscli.hardware.workloads.recurrent import rnn_t
from rnscli.hardware.workloads.transformers import (
    bert_large,
    bert_large_pretraining,
    llama,
    opt_125m,
    vit_b16,
)

# Sizes of released models (table 1 of arXiv:2307.09288 and of arXiv:2401.04088; config.json of
# Meta-Llama-3-8B), with the context that each was trained for.
_LLAMA_2_13B = {"layers": 40, "hidden": 5120, "intermediate": 13_824, "heads": 40, "kv_heads": 40}
_LLAMA_3_8B = {
    "context": 8192, "intermediate": 14_336, "kv_heads": 8, "vocabulary": 128_256
}  # fmt: skip
_MIXTRAL = {
    "context": 32_768, "intermediate": 14_336, "kv_heads": 8, "experts": 8, "active_experts": 2
}  # fmt: skip
_DECODE = {"sequence": 1, "cache": 2047}
# Layers and width as in run_ppi.sh and run_reddit.sh of Cluster-GCN's authors; on Amazon2M the
# three layers of the paper's abstract, and 400 as in the port of its experiments to DGL.
_GCN_PPI = {**PPI._asdict(), "layers": 5, "hidden": 2048}
_GCN_REDDIT = {**REDDIT._asdict(), "layers": 4, "hidden": 512}
_GCN_AMAZON2M = {**AMAZON2M._asdict(), "layers": 3, "hidden": 400}


WORKLOADS: Registry[NamedWorkload] = Registry(
    "workload",
    "workloads",
    NamedWorkload,
    [
        NamedWorkload("resnet50", "ResNet-50, one image of 224 x 224 pixels", resnet50),
        NamedWorkload("bert-large", "BERT-large, one sequence", bert_large),
        NamedWorkload("opt-125m", "OPT-125M, one sequence", opt_125m),
        NamedWorkload("mnist-cnn", "two convolutions for images of 28 x 28 pixels", mnist_cnn),
        NamedWorkload("mobilenet-v2", "MobileNetV2, depthwise convolutions", mobilenet_v2),
        NamedWorkload("ssd-resnet34", "a detector, images of 1200 x 1200 pixels", ssd_resnet34),
        NamedWorkload("resnet50-dcnv2", "a backbone of deformable convolutions", resnet50_dcnv2),
        NamedWorkload("3d-unet", "3D U-Net, one window of 128^3 voxels", unet_3d),
        NamedWorkload("vit-b16", "ViT-B/16, one image of 224 x 224 pixels", vit_b16),
        NamedWorkload("rnn-t", "an RNN transducer, 15 s of speech", rnn_t),
        NamedWorkload("dlrm", "DLRM with tables of 40 million rows, one pair", dlrm),
        NamedWorkload("bert-large-pretraining", "BERT-large and its heads, phase 1",
                      bert_large_pretraining),
        NamedWorkload("llama-2-7b", "Llama 2 7B, a prompt of 512 tokens",
                      partial(llama, "llama-2-7b")),
        NamedWorkload("llama-2-13b", "Llama 2 13B, a prompt of 512 tokens",
                      partial(llama, "llama-2-13b", **_LLAMA_2_13B)),
        NamedWorkload("llama-3-8b", "Llama 3 8B, a prompt of 512 tokens",
                      partial(llama, "llama-3-8b", **_LLAMA_3_8B)),
        NamedWorkload("llama-3-8b-decode", "Llama 3 8B, one token after 2047",
                      partial(llama, "llama-3-8b-decode", **_LLAMA_3_8B, **_DECODE)),
        NamedWorkload("mixtral-8x7b", "Mixtral 8x7B, 2 of 8 experts, a prompt of 512 tokens",
                      partial(llama, "mixtral-8x7b", **_MIXTRAL)),
        NamedWorkload("mixtral-8x7b-decode", "Mixtral 8x7B, one token after 2047",
                      partial(llama, "mixtral-8x7b-decode", **_MIXTRAL, **_DECODE)),
        NamedWorkload("gcn-ppi", "a graph network on protein interactions",
                      partial(gcn, "gcn-ppi", True, **_GCN_PPI)),
        NamedWorkload("gcn-reddit", "a graph network on Reddit",
                      partial(gcn, "gcn-reddit", False, **_GCN_REDDIT)),
        NamedWorkload("gcn-amazon2m", "a graph network on products bought together",
                      partial(gcn, "gcn-amazon2m", False, **_GCN_AMAZON2M)),
    ],
)  # fmt: skip


def load_workload(name_or_path: str, sizes: Mapping[str, int] | None = None) -> Workload:
    """A network by its name in ``WORKLOADS``, or one described in a file.

    A file ``.onnx`` is an ONNX model (`read_onnx`), any other one a CSV (`read_csv`): with columns
    layer, M, K, N and, optionally, count, stationary, inputs and steps, a matrix product a row (see
    `Gemm`), or a topology of SCALE-Sim. A name goes before a file of that name: the latter is
    ``./name``.

    Parameters
    ----------
    name_or_path
        A name, or the path of a file.
    sizes
        Sizes of a network that has a name, such as ``batch``, instead of its own, or those that an
        ONNX model leaves open.

    Raises
    ------
    InputError
        If it is neither, the file is not such a file, or it has no such size.

    Examples
    --------
    >>> load_workload("mnist-cnn").macs, load_workload("mnist-cnn", {"batch": 2}).macs
    (11992448, 23984896)
    >>> load_workload("lenet")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    rnscli.base.errors.InputError: `workload` is lenet, which is no file; it must be one of ...
    """
    sizes = sizes or {}
    if name_or_path in WORKLOADS:
        return WORKLOADS[name_or_path].with_sizes(sizes)
    path = Path(name_or_path)
    if not name_or_path or not _exists(path):
        raise InputError.of(
            "workload",
            name_or_path,
            f"one of {', '.join(WORKLOADS)}, a file .onnx or .pt2, or a CSV file with columns "
            "layer, M, K, N",
            what=f"is {shown(name_or_path) or 'empty'}, which is no file",
        )
    if path.suffix.lower() == ".onnx":
        return read_onnx(path, sizes)
    if sizes:
        raise InputError(
            f"`{next(iter(sizes))}` is of a network that has a name or is in an ONNX file, and "
            f"{shown(name_or_path)} holds its sizes; leave it out"
        )
    return read_csv(path)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:  # of a folder: reading the file raises it again
        return True
    except OSError:  # what no file can be called
        return False
