"""Models are copied, stored and read again as any other."""

import copy
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from comparison import COARSE, FINE, assert_near, normal
from torch import Tensor, nn

import rnscli
from rnscli.torch import AnalogLinear, conversion, convert, recording

IMAGES = normal(3, 1, 6, 6)


class Flat(nn.Module):
    """A module of a user, with products that are functions."""

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(2)
        return (x.transpose(1, 2) @ x).flatten(1)


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    attention = nn.TransformerEncoderLayer(16, 2, 8, dropout=0.0, batch_first=True)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        Flat(),
        nn.Linear(36 * 36, 16),
        nn.Unflatten(1, (1, 16)),
        attention,
        nn.Linear(16, 3),
    ).eval()


@pytest.mark.parametrize("assign", [False, True])
def test_state_dicts_fit_both_ways(assign: bool) -> None:
    plain, analog = network(), convert(network(1), COARSE)
    assert list(plain.state_dict()) == list(analog.state_dict())
    expected = convert(plain, COARSE)(IMAGES)
    analog.load_state_dict(plain.state_dict(), strict=True, assign=assign)
    assert torch.equal(analog(IMAGES), expected)
    back = network(2)
    back.load_state_dict(analog.state_dict(), strict=True, assign=assign)
    assert torch.equal(back(IMAGES), plain(IMAGES))


def test_optimisers_load_their_state_over_a_conversion() -> None:
    plain = network()
    optimiser = torch.optim.Adam(plain.parameters())
    plain(IMAGES).sum().backward()
    optimiser.step()
    other = torch.optim.Adam(convert(plain, COARSE).parameters())
    other.load_state_dict(optimiser.state_dict())
    assert len(other.state) == len(optimiser.state)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_compute_the_same_and_share_nothing(
    copied: Callable[[nn.Module], nn.Module],
) -> None:
    model = convert(network(), COARSE)
    expected = model(IMAGES)
    other = copied(model)
    assert torch.equal(other(IMAGES), expected)
    assert conversion(other) == conversion(model)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    assert not other(IMAGES).any()
    assert torch.equal(model(IMAGES), expected)


def test_a_copy_is_recorded_as_the_original() -> None:
    model = convert(network(), COARSE)
    told = []
    for one in (model, copy.deepcopy(model), copy.copy(model)):
        with recording() as made:
            one(IMAGES)
        told.append(made.kinds)
    assert told[0] == told[1] == told[2]


READ = """
import sys
import torch, test_state
from rnscli.torch import conversion
model = torch.load(sys.argv[1], weights_only=False)
assert conversion(model) == torch.load(sys.argv[2], weights_only=False)
torch.save(model(test_state.IMAGES), sys.argv[3])
again = test_state.convert(test_state.network(), test_state.SILENT)
torch.save(again(test_state.IMAGES), sys.argv[4])
"""
# Noise that never strikes.
SILENT = rnscli.analog_core("rns", bits=4, vector_size=16, p=0.0)


@pytest.mark.thorough
def test_another_process_computes_the_same(
    tmp_path: Path, in_a_process_of_its_own: Callable[..., str]
) -> None:
    model = convert(network(), SILENT)
    names = ("model", "conversion", "read", "again")
    files = [tmp_path / f"{name}.pt" for name in names]
    torch.save(model, files[0])
    torch.save(conversion(model), files[1])
    here = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
    in_a_process_of_its_own(here + READ, *files)
    expected = model(IMAGES)
    assert torch.equal(model(IMAGES), expected)
    assert torch.equal(torch.load(files[2]), expected)
    assert torch.equal(torch.load(files[3]), expected)
    assert torch.equal(torch.load(files[0], weights_only=False)(IMAGES), expected)
    assert torch.equal(convert(network(), COARSE)(IMAGES), expected)


def test_weights_alone_are_read_by_the_safe_loader(tmp_path: Path) -> None:
    model = convert(network(), COARSE)
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    network(1).load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))


def test_layers_made_without_a_model_are_stored_as_well() -> None:
    torch.manual_seed(0)
    layer = AnalogLinear(20, 3, core=FINE)
    other = pickle.loads(pickle.dumps(layer))
    assert torch.equal(layer(normal(2, 20)), other(normal(2, 20)))
    plain = nn.Linear(20, 3)
    plain.load_state_dict(layer.state_dict())
    assert_near(layer(normal(2, 20)), plain(normal(2, 20)))
