"""Shipped workloads against the libraries that define them, where these are installed."""

from typing import Any

import pytest
import torch
from networks_by_module import Ran, meta, tokens
from torch import nn

from rnscli.hardware.workloads import Workload
from rnscli.hardware.workloads.networks import load_workload


def _agrees(ran: Ran, workload: Workload) -> None:
    assert workload.parameters == ran.parameters
    assert workload.macs == ran.macs


@pytest.mark.parametrize(
    ("name", "theirs"),
    [("resnet50", "resnet50"), ("mobilenet-v2", "mobilenet_v2"), ("vit-b16", "vit_b_16")],
)
def test_torchvision(name: str, theirs: str) -> None:
    models: Any = pytest.importorskip("torchvision.models")
    workload = load_workload(name)
    with torch.device("meta"):
        model = models.get_model(theirs)
        _agrees(Ran(model, meta(1, 3, 224, 224)), workload)
    weights = models.get_model_weights(theirs)["IMAGENET1K_V1"].meta
    assert workload.parameters == weights["num_params"]
    assert round(workload.macs / 1e9, 3) == weights["_ops"]


def test_torchvision_names_of_layers() -> None:
    models: Any = pytest.importorskip("torchvision.models")
    for name, theirs in (("resnet50", "resnet50"), ("mobilenet-v2", "mobilenet_v2")):
        with torch.device("meta"):
            model: nn.Module = models.get_model(theirs)
        known = dict(model.named_modules())
        for gemm in load_workload(name).gemms:
            layer = gemm.layer.replace("downsample", "downsample.0")
            weight: Any = known[layer].weight
            assert (gemm.k * gemm.n * gemm.count) == weight.numel(), layer


def _causal_language_model(transformers: Any, kind: str, **sizes: Any) -> nn.Module:
    config = getattr(transformers, f"{kind}Config")(**sizes, attn_implementation="eager")
    model: nn.Module = getattr(transformers, f"{kind}ForCausalLM")(config)
    return model


def test_transformers_bert() -> None:
    transformers: Any = pytest.importorskip("transformers")
    sizes = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16,
             "intermediate_size": 4096, "attn_implementation": "eager"}  # fmt: skip
    with torch.device("meta"):
        config = transformers.BertConfig(**sizes)
        _agrees(Ran(transformers.BertModel(config), tokens(1, 512)), load_workload("bert-large"))
        both = transformers.BertForPreTraining(config)
        parameters = sum(one.numel() for one in both.parameters())
    workload = load_workload("bert-large-pretraining")
    assert workload.parameters == parameters
    # The library predicts all tokens, and not only those that are hidden.
    every = load_workload("bert-large-pretraining", {"batch": 1, "predictions": 128})
    assert every.macs == Ran(both, tokens(1, 128)).macs


def test_transformers_opt() -> None:
    transformers: Any = pytest.importorskip("transformers")
    sizes = {"hidden_size": 768, "num_hidden_layers": 12, "ffn_dim": 3072}
    with torch.device("meta"):
        model = _causal_language_model(transformers, "OPT", **sizes)
        _agrees(Ran(model, tokens(1, 2048)), load_workload("opt-125m"))


@pytest.mark.parametrize(
    ("name", "kind", "sizes"),
    [
        ("llama-2-7b", "Llama", {"num_hidden_layers": 32, "intermediate_size": 11008}),
        ("llama-2-13b", "Llama",
         {"num_hidden_layers": 40, "hidden_size": 5120, "intermediate_size": 13824,
          "num_attention_heads": 40}),
        ("llama-3-8b", "Llama",
         {"vocab_size": 128256, "intermediate_size": 14336, "num_key_value_heads": 8}),
    ],
)  # fmt: skip
def test_transformers_llama(name: str, kind: str, sizes: dict[str, int]) -> None:
    transformers: Any = pytest.importorskip("transformers")
    with torch.device("meta"):
        model = _causal_language_model(transformers, kind, **sizes)
        ran = Ran(model, tokens(1, 64))
    workload = load_workload(name, {"sequence": 64})
    assert workload.parameters == ran.parameters
    # Some versions take the angles of rotary positions for a product, of two numbers each.
    assert 0 <= ran.macs - workload.macs <= 64 * 64


def test_transformers_mixtral() -> None:
    transformers: Any = pytest.importorskip("transformers")
    with torch.device("meta"):
        model = _causal_language_model(
            transformers, "Mixtral", num_local_experts=8, num_experts_per_tok=2
        )
        parameters = sum(one.numel() for one in model.parameters())
    assert load_workload("mixtral-8x7b").parameters == parameters
