"""Noise of operands that are not uniform: their laws, and what follows from these."""

import math
from pathlib import Path

import numpy as np
import pytest

from rnscli.analysis.error.operand_files import load_operands
from rnscli.analysis.error.operands import DISTRIBUTIONS
from rnscli.analysis.noise.operand_law import sampled_laws, uniform_law
from rnscli.analysis.noise.parameters import NoiseParameters
from rnscli.base import InputError
from rnscli.core import Devices, DotProduct, ModuliSet

DOT = DotProduct(64, 6, 6)


def test_a_sample_of_uniform_operands_has_their_law() -> None:
    """2^20 values of 63 levels: each share within six of its standard deviations."""
    exact = uniform_law(31, 64)
    for law in sampled_laws(DISTRIBUTIONS["uniform"], DOT, 64):
        assert law.values.tolist() == exact.values.tolist()
        spread = np.sqrt(exact.chances / 2**20)
        assert (np.abs(law.chances - exact.chances) < 6 * spread).all()


def quantised(values: np.ndarray) -> np.ndarray:
    scale = np.abs(values).max(axis=1, keepdims=True)
    return np.rint(values / scale * 31)


@pytest.mark.parametrize("name", ["normal", "relu-normal"])
@pytest.mark.parametrize("residues", ["plain", "symmetric"])
def test_the_noise_of_cells_against_plain_sums(name: str, residues: str) -> None:
    """sum x^2 (2 cells) (W a / 2)^2 over pairs that are drawn here; 2 % is five deviations."""
    rng, error, modulus = np.random.default_rng(3), 1e-3, 63
    x = rng.normal(size=(4000, 64))
    inputs = quantised(np.maximum(x, 0.0) if name == "relu-normal" else x)
    below = modulus // 2 if residues == "symmetric" else 0
    applied = (inputs + below) % modulus - below
    full = max(below, modulus - 1 - below)
    variance = (applied**2).sum(axis=1).mean() * 2 * (full * error / 2) ** 2
    reading = NoiseParameters(
        core="rns", dot_product=DOT, bits=6, moduli=ModuliSet([63, 62, 61, 59]),
        devices=Devices(cell_error=error, residues=residues), operands=DISTRIBUTIONS[name],
    ).budget.readings[0]  # fmt: skip
    assert reading.sigma == pytest.approx(math.sqrt(variance), rel=0.02)


def test_operands_of_a_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, w = np.abs(rng.normal(size=(200, 64))), rng.normal(size=(200, 64))
    np.savez(tmp_path / "mine.npz", x=x, w=w)
    source = load_operands(str(tmp_path / "mine.npz"))
    first, second = sampled_laws(source, DOT, 64)
    for law, values in ((first, x), (second, w)):
        expected = np.bincount((quantised(values) + 31).astype(int).ravel(), minlength=63)
        assert law.chances.tolist() == (expected / expected.sum()).tolist()
    with pytest.raises(InputError, match="vectors of 64 values, and sums of 32"):
        sampled_laws(source, DotProduct(32, 6, 6), 32)
    # Of inputs above 0 the sums have a mean, if weights have one, too.
    np.savez(tmp_path / "positive.npz", x=x, w=np.abs(w))
    both = load_operands(str(tmp_path / "positive.npz"))
    budget = NoiseParameters(core="fixed-hp", dot_product=DOT, bits=6, operands=both).budget
    sums = (quantised(x) * quantised(np.abs(w))).sum(axis=1)
    assert budget.output_rms == pytest.approx(math.sqrt((sums**2).mean()), rel=0.02)
