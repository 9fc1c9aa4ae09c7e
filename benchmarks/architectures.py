"""Public architectures on a core, with random weights: what is on it, how well, and what it costs.

    python -m benchmarks.architectures

Prints a row for each: parameters, share of the MACs that are on the core (of all that PyTorch
counts in the model that is not converted), what stays digital, SNR of the outputs at 8 bits (rns,
a scale for each vector, h = 128) and the fewest dB of a layer in place, and time and peak memory of
a forward pass over those in FP32. Weights are random and networks often small, so that nothing is
downloaded: an SNR of these is about the arithmetic, and no accuracy. What is not installed is
skipped, with a word. With names, such as ``resnet18``, only these are run.
"""

import ctypes
import gc
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import rnscli
import rnscli.torch

BITS = 8
Made = tuple[nn.Module, dict[str, Any] | Tensor]  # with an input, or arguments by name


class Unet(nn.Module):
    """Two levels down, two up, with connections between them."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.down = nn.ModuleList(_twice(a, b) for a, b in ((3, width), (width, 2 * width)))
        self.middle = _twice(2 * width, 4 * width)
        self.widen = nn.ModuleList(
            nn.ConvTranspose2d(2 * n, n, 2, stride=2) for n in (2 * width, width)
        )
        self.up = nn.ModuleList(_twice(2 * n, n) for n in (2 * width, width))
        self.last = nn.Conv2d(width, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for one in self.down:
            kept.append(one(x))
            x = nn.functional.max_pool2d(kept[-1], 2)
        x = self.middle(x)
        for widen, one in zip(self.widen, self.up, strict=True):
            x = one(torch.cat([kept.pop(), widen(x)], 1))
        found: Tensor = self.last(x)
        return found


def _twice(a: int, b: int) -> nn.Sequential:
    first, second = nn.Conv2d(a, b, 3, padding=1), nn.Conv2d(b, b, 3, padding=1)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU())


class Sequences(nn.Module):
    """A recurrent network with a linear layer at its end."""

    def __init__(self, kind: type[nn.Module]) -> None:
        super().__init__()
        self.recurrent = kind(32, 64, 2, batch_first=True)
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.head(self.recurrent(x)[0][:, -1])
        return found


def _plain(name: str) -> Made:
    sequence = torch.randn(2, 24, 32)
    if name in ("lstm", "gru"):
        return Sequences(nn.LSTM if name == "lstm" else nn.GRU), sequence
    if name == "unet":
        return Unet(), torch.randn(2, 3, 32, 32)
    if name == "conv1d":
        layers = [
            nn.Conv1d(a, 64, 5, padding=2 * d, dilation=d) for a, d in ((1, 1), (64, 2), (64, 4))
        ]
        return nn.Sequential(*layers, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(64, 10)), (
            torch.randn(2, 1, 200)
        )
    layer = nn.TransformerEncoderLayer(32, 4, 128, batch_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), sequence


def _torchvision(name: str, size: int = 64, **options: Any) -> Made:
    from torchvision import models

    images = (2, 3, 4, size, size) if name.startswith("r3d") else (2, 3, size, size)
    home = models
    for part in ("segmentation", "video"):
        home = home if hasattr(home, name) else getattr(models, part)
    return getattr(home, name)(weights=None, **options), torch.randn(images)


def _timm(name: str, size: int = 64, **options: Any) -> Made:
    import timm

    return timm.create_model(name, pretrained=False, **options), torch.randn(2, 3, size, size)


_SMALL = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
_TEXT = {"vocab_size": 200, "intermediate_size": 128, **_SMALL}
_EXPERTS = {"num_key_value_heads": 2, "num_local_experts": 4, "experts_implementation": "eager"}


def _transformers(kind: str, inputs: str = "text", head: str = "Model", **options: Any) -> Made:
    import transformers

    config = getattr(transformers, f"{kind}Config")(**options)
    model = getattr(transformers, f"{kind}{head}")(config)
    tokens = torch.randint(0, 200, (2, 16))
    arguments: dict[str, dict[str, Any]] = {
        "text": {"input_ids": tokens},
        "both": {"input_ids": tokens, "decoder_input_ids": tokens},
        "image": {"pixel_values": torch.randn(2, 3, 64, 64)},
        "sound": {"input_values": torch.randn(2, 4000)},
        "spectrum": {"input_features": torch.randn(2, 80, 200), "decoder_input_ids": tokens},
    }
    return model, arguments[inputs]


def _torchaudio(name: str) -> Made:
    from torchaudio import models

    return models.Conformer(32, 4, 64, 2, 7), {
        "input": torch.randn(2, 24, 32), "lengths": torch.tensor([24, 24])
    }  # fmt: skip


def _of(make: Callable[..., Made], *arguments: Any, **options: Any) -> Callable[[], Made]:
    return lambda: make(*arguments, **options)


_SEGMENTS: dict[str, Any] = {"weights_backbone": None}
CASES: dict[str, Callable[[], Made]] = {
    **{name: _of(_plain, name) for name in ("lstm", "gru", "conv1d", "unet", "encoder")},
    **{
        name: _of(_torchvision, name)
        for name in (
            "resnet18", "resnet50", "resnext50_32x4d", "vgg11", "alexnet", "squeezenet1_1",
            "densenet121", "mobilenet_v2", "mobilenet_v3_small", "shufflenet_v2_x1_0",
            "mnasnet1_0", "efficientnet_b0", "regnet_y_400mf", "convnext_tiny", "swin_t", "r3d_18",
        )
    },
    "vit_b_16": _of(_torchvision, "vit_b_16", image_size=64),
    "googlenet": _of(_torchvision, "googlenet", aux_logits=False, init_weights=False),
    "inception_v3": _of(_torchvision, "inception_v3", 80, aux_logits=False, init_weights=False),
    "fcn_resnet50": _of(_torchvision, "fcn_resnet50", 32, **_SEGMENTS),
    "deeplabv3_resnet50": _of(_torchvision, "deeplabv3_resnet50", 32, **_SEGMENTS),
    **{
        name: _of(_timm, name)
        for name in ("ghostnet_100", "poolformer_s12", "hrnet_w18_small", "repvgg_a0")
    },
    **{
        name: _of(_timm, name, img_size=64)
        for name in ("mixer_s16_224", "deit_tiny_patch16_224", "gmlp_s16_224")
    },
    "bert": _of(_transformers, "Bert", **_TEXT),
    "electra": _of(_transformers, "Electra", **_TEXT),
    "distilbert": _of(_transformers, "DistilBert", vocab_size=200, dim=64, n_layers=2, n_heads=4,
                      hidden_dim=128),
    "gpt2": _of(_transformers, "GPT2", head="LMHeadModel", vocab_size=200, n_embd=64, n_layer=2,
                n_head=4),
    "llama": _of(_transformers, "Llama", head="ForCausalLM", num_key_value_heads=2, **_TEXT),
    "mixtral (experts)": _of(_transformers, "Mixtral", head="ForCausalLM", **_EXPERTS, **_TEXT),
    "mamba": _of(_transformers, "Mamba", head="ForCausalLM", vocab_size=200, hidden_size=64,
                 num_hidden_layers=2),
    "t5": _of(_transformers, "T5", "both", vocab_size=200, d_model=64, d_ff=128, d_kv=16,
              num_layers=2, num_heads=4),
    "whisper": _of(_transformers, "Whisper", "spectrum", vocab_size=200, d_model=64,
                   encoder_layers=2, decoder_layers=2, encoder_attention_heads=4,
                   decoder_attention_heads=4, encoder_ffn_dim=128, decoder_ffn_dim=128,
                   max_source_positions=100, pad_token_id=0, bos_token_id=1, eos_token_id=2,
                   decoder_start_token_id=1, suppress_tokens=None, begin_suppress_tokens=None),
    "wav2vec2": _of(_transformers, "Wav2Vec2", "sound", **_SMALL, intermediate_size=128),
    "vit (transformers)": _of(_transformers, "ViT", "image", image_size=64, intermediate_size=128,
                              **_SMALL),
    "clip, its images": _of(_transformers, "CLIPVision", "image", image_size=64,
                            intermediate_size=128, **_SMALL),
    "conformer (torchaudio)": _of(_torchaudio, "Conformer"),
}  # fmt: skip


def _run(model: nn.Module, inputs: Any) -> Any:
    with torch.no_grad():
        return model(**inputs) if isinstance(inputs, dict) else model(inputs)


def _all_macs(model: nn.Module, inputs: Any) -> int:
    """Multiplications of all products that PyTorch computes, whatever calls them."""
    # Without operators that are a whole recurrent layer, encoder or attention.
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with (
            FlopCounterMode(display=False) as counted,
            torch.backends.mkldnn.flags(enabled=False),
            sdpa_kernel(SDPBackend.MATH),
        ):
            _run(model, inputs)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    return int(counted.get_total_flops()) // 2


def _peak(model: nn.Module, inputs: Any) -> float | None:
    """Bytes that a run takes at its peak, besides those that were taken before; on Linux."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    gc.collect()
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        reset.write_text("5")
        before = _kilobytes(status, "VmRSS")
        _run(model, inputs)
        return 1024 * (_kilobytes(status, "VmHWM") - before)
    except OSError:
        return None


def _kilobytes(status: Path, key: str) -> float:
    return float(next(
        line.split()[1] for line in status.read_text().splitlines() if line.startswith(key)
    ))  # fmt: skip


def _seconds(model: nn.Module, inputs: Any, repetitions: int = 2) -> float:
    found = []
    for _ in range(repetitions):
        start = time.perf_counter()
        _run(model, inputs)
        found.append(time.perf_counter() - start)
    return min(found)


def _unmapped(analog: nn.Module, made: rnscli.torch.Recording) -> str:
    layers = dict(rnscli.torch.conversion(analog).digital)
    counted = Counter(layers.values())
    counted.update(
        function for layer, _, function in (one.partition(": ") for one in made.unmapped)
        if layer not in layers
    )  # fmt: skip
    return ", ".join(f"{count} {what}" for what, count in counted.items()) or "-"


def row(name: str, make: Callable[[], Made]) -> str:
    """All that is measured of an architecture, as a row of a table."""
    torch.manual_seed(0)
    model, inputs = make()
    model = model.eval().requires_grad_(False)
    parameters = sum(one.numel() for one in model.parameters())
    every = _all_macs(model, inputs)
    analog = rnscli.torch.convert(model, rnscli.analog_core("rns", bits=BITS))
    with rnscli.torch.recording() as made:
        _run(analog, inputs)
    on_core = sum(one.rows * kind.k * kind.n for kind, one in made.kinds.items())
    found = rnscli.torch.agreement(model, analog, [inputs])
    layers = [one.in_place.snr_db for one in found.layers]
    least = min((one for one in layers if one is not None), default=None)
    memory = [_peak(one, inputs) for one in (model, analog)]
    taken = [_seconds(one, inputs) for one in (model, analog)]
    more = "-"
    if memory[0] is not None and memory[1] is not None and memory[0] > 2**20:
        more = f"{memory[1] / memory[0]:.1f}"
    return (
        f"| {name} | {parameters / 1e6:.2f} M | {every / 1e6:.1f} M | {on_core / every:.1%} "
        f"| {_unmapped(analog, made)} | {_db(found.outputs.snr_db)} | {_db(least)} "
        f"| {taken[1] / taken[0]:.1f} | {more} |"
    )


def _db(value: float | None) -> str:
    return "of zeros" if value is None else f"{value:.1f} dB"


def main(names: list[str]) -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    print("| architecture | parameters | MACs | on the core | digital | SNR | least layer | time "
          "| memory |")  # fmt: skip
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in names or CASES:
        try:
            print(row(name, CASES[name]), flush=True)
        except (ImportError, OSError) as error:  # not installed, or built for another PyTorch
            print(f"{name} is skipped: {str(error).splitlines()[0]}", flush=True)
        except Exception as error:  # of one must not keep the others from being measured
            print(f"{name} has failed: {type(error).__name__}: {str(error)[:200]}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
