"""Noise comes from PyTorch's generator, and only where there is some."""

import random

import numpy as np
import pytest
import torch
from comparison import COARSE, Calls, normal
from made_cores import ANALOG
from torch import nn

import rnscli
from rnscli.torch import convert, recording

X = normal(50, 40)
NOISY = rnscli.analog_core("rns", bits=4, vector_size=16, p=0.05)


def network(core: object) -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(40, 30), nn.ReLU(), nn.Linear(30, 10))
    return convert(model, core)  # type: ignore[arg-type]


@pytest.mark.parametrize("core", ANALOG)
@pytest.mark.parametrize("path", ["homomorphic", "channels"])
def test_a_probability_of_zero_is_no_noise(core: str, path: str) -> None:
    options = {"adc_bits": 4} if core == "bit-sliced" else {}
    found = [
        network(
            rnscli.Dataflow(
                rnscli.analog_core(core, bits=4, vector_size=16, p=p, **options), path=path
            )
        )(X)
        for p in (0.0, None)
    ]
    assert torch.equal(*found)


def test_the_seed_of_pytorch_fixes_it_and_every_call_draws_on() -> None:
    model = network(NOISY)
    torch.manual_seed(7)
    first, second = model(X), model(X)
    torch.manual_seed(7)
    state_of_the_first = model(X)
    kept = torch.get_rng_state()
    assert torch.equal(state_of_the_first, first)
    assert not torch.equal(first, second)
    assert torch.equal(model(X), second)
    torch.set_rng_state(kept)
    assert torch.equal(model(X), second)


def test_other_generators_do_not_matter() -> None:
    model = network(NOISY)
    found = []
    for seed in (1, 2):
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(7)
        found.append(model(X))
    assert torch.equal(*found)


def test_without_noise_nothing_is_drawn() -> None:
    model = network(COARSE)
    before = torch.get_rng_state()
    model(X).sum().backward()
    assert torch.equal(torch.get_rng_state(), before)


def test_gradients_are_noisy_as_well() -> None:
    gradients = []
    for seed in (7, 7, 8):
        model = network(NOISY)
        expected = model(X).detach()
        torch.manual_seed(seed)
        (model(X) * expected).sum().backward()
        gradients.append(model[0].weight.grad)
    assert torch.equal(gradients[0], gradients[1])
    assert not torch.equal(gradients[1], gradients[2])


def test_as_many_results_are_wrong_as_the_code_lets_through() -> None:
    """Without redundancy each residue that is hit spoils its word: 1 - (1 - p)^n.

    20 000 words; 5 standard deviations are left by chance once in 1.7 million seeds.
    """
    core = rnscli.analog_core("rns", bits=4, vector_size=16, p=0.01)
    channels = core.code.moduli.count  # type: ignore[attr-defined]
    expected = 1 - 0.99**channels
    torch.manual_seed(3)
    with recording() as made:
        convert(Calls(torch.matmul), core)(normal(400, 16), normal(16, 50))
    assert made.counts.dot_products == 20_000
    deviation = (expected * (1 - expected) / 20_000) ** 0.5
    assert made.counts.output_error_rate == pytest.approx(expected, abs=5 * deviation)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_another_default_device_does_not_matter(device: str) -> None:
    model = network(NOISY)
    torch.manual_seed(7)
    expected = model(X)
    torch.manual_seed(7)
    with torch.device(device):
        assert torch.equal(model(X), expected)


def test_dropout_is_that_of_the_digital_model_where_there_is_no_noise() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(40, 30), nn.Dropout(0.5))
    analog = convert(model, COARSE)
    torch.manual_seed(4)
    kept = model(X) != 0
    torch.manual_seed(4)
    found = analog(X)
    assert not found[~kept].any()
