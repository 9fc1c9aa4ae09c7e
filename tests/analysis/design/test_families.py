"""Families of codes side by side, against the functions that compute each number."""

import math
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
import tiny_networks

from rnscli.analysis.design.families import (
    CHECKED,
    COMMON,
    CONVENTIONAL,
    CORRECTED,
    NEAREST,
    OF_NETWORK,
    REPEATED,
    compare_families,
    largest_factor,
)
from rnscli.analysis.design.rows import FamilyRow
from rnscli.analysis.design.space import DesignSpace
from rnscli.analysis.energy import EnergyParameters
from rnscli.analysis.faults.fault_probability import FaultParameters, fault_probability
from rnscli.analysis.faults.value_law import normal_values
from rnscli.analysis.networks.family_accuracy import flow_of, with_accuracy
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.noise import Gaussian
from rnscli.hardware.profile import load_technology
from rnscli.networks.portable import open_network

SPACE = DesignSpace(bits=(6,), vector_size=(16,), redundant=(0, 1, 2), attempts=(1, 2), pairs=2000)
SIGMAS = (0.15, 0.4)


@pytest.fixture(scope="module")
def rows() -> tuple[FamilyRow, ...]:
    return compare_families(SPACE, SIGMAS)


def test_every_family_has_its_channels(rows: tuple[FamilyRow, ...]) -> None:
    for spare in SPACE.redundant:
        for sigma in SIGMAS:
            group = [row for row in rows if (row.spare, row.sigma) == (spare, sigma)]
            families = {row.family for row in group}
            assert {COMMON, CONVENTIONAL} <= families
            assert (REPEATED in families) == (NEAREST in families) == (spare > 0)
            assert (CORRECTED in families) == (spare > 1)
            counts = {len(row.moduli) + len(row.redundant_moduli) for row in group if row.moduli}
            # A factor that is the largest may leave a channel out.
            assert len(counts) <= 2 and max(counts) - min(counts) <= 1
            assert sum(row.best for row in group) == 1
            (best,) = (row for row in group if row.best)
            least = min(row.output_error for row in group)
            assert best.output_error <= 1.01 * least
            for row in group:
                if row.output_error <= 1.01 * least and row.energy_per_mac_j:
                    assert best.energy_per_mac_j <= row.energy_per_mac_j


def test_numbers_of_codes(rows: tuple[FamilyRow, ...]) -> None:
    dot = DotProduct(16, 6, 6)
    seen = 0
    for row in rows:
        if row.family == CONVENTIONAL:
            assert row.p_err is row.p_gross is row.moduli is None and row.conversions == 1
            continue
        members = (*row.redundant_moduli, *row.moduli)
        moduli = ModuliSet(members, len(row.redundant_moduli), row.factor)
        found = fault_probability(
            FaultParameters(
                moduli=moduli,
                noise=Gaussian(row.sigma),
                attempts=row.attempts or 1,
                decoder=row.decoder,
                legitimate_range=dot.dynamic_range,
                tolerance=8,
                values=normal_values(dot),
            )
        )
        assert row.p_err == pytest.approx(found.p_err, rel=1e-4)
        assert row.p_gross == pytest.approx(found.p_gross, rel=1e-3, abs=1e-15)
        assert row.conversions == pytest.approx(found.conversions, rel=1e-6)
        if row.family in (COMMON, NEAREST) and row.energy_per_mac_j is not None:
            # A robust decoder believes errors below a quarter of the factor.
            borne = 0 if row.family == NEAREST else math.ceil(row.factor / 4) - 1
            within = math.erf((borne + 0.5) / (row.sigma * math.sqrt(2)))
            made = EnergyParameters(
                core="rns",
                dot_product=dot,
                bits=6,
                technology=load_technology("photonic-phase"),
                moduli=moduli,
                legitimate_range=dot.dynamic_range,
                decoder=row.decoder,
                search_probability=1 - within ** len(members),
                max_link_sigma=row.sigma,
            )
            energy = made.design.energies.total / 16
            assert row.energy_per_mac_j == pytest.approx(energy, rel=1e-6)
            seen += 1
    assert seen >= 4


def test_small_errors_everywhere_are_no_gross_errors(rows: tuple[FamilyRow, ...]) -> None:
    """What this comparison is for: at half a step the codes that count residues are lost."""
    loud = {row.family: row for row in rows if (row.spare, row.sigma) == (2, 0.4)}
    assert loud[CORRECTED].p_gross > 1e-3
    assert loud[NEAREST].p_gross < 1e-4 * loud[CORRECTED].p_gross
    assert loud[COMMON].output_error < loud[CORRECTED].output_error
    assert loud[CHECKED].p_gross < 1e-3


@pytest.mark.parametrize("redundant", [0, 1])
@pytest.mark.parametrize("channels", [2, 3, 4])
@pytest.mark.parametrize(("highest", "required"), [(15, 60), (20, 200), (31, 500), (31, 4000)])
def test_the_largest_factor(highest: int, required: int, channels: int, redundant: int) -> None:
    best = None
    for factor in range(2, highest // 2 + 1):
        for chosen in combinations(range(2, highest // factor + 1), channels):
            coprime = all(math.gcd(a, b) == 1 for a, b in combinations(chosen, 2))
            if coprime and factor * math.prod(chosen[: channels - redundant]) >= required:
                best = factor
    assert largest_factor(required, highest, channels, redundant) == best


@pytest.mark.thorough
def test_accuracy_of_a_network_on_each_family(rows: tuple[FamilyRow, ...], tmp_path: Path) -> None:
    """Gross errors cost it, and nothing else does."""
    opened = open_network(tiny_networks.CNN, tiny_networks.write_images(tmp_path / "i.npz", 200))
    chosen = [row for row in rows if (row.spare, row.sigma) == (2, 0.4)]
    accuracies: dict[str, float] = {}
    for row in chosen:
        core = flow_of(row, SPACE).core
        assert core.dot_product == DotProduct(16, 6, 6)
        if row.family == CONVENTIONAL:
            assert core.name == "fixed-lp" and core.adc_range == "calibrated"
            assert core.noise == Gaussian(0.4)
        else:
            assert set(core.laws) == {Gaussian(0.4)}
            assert core.code.moduli.moduli == (*row.redundant_moduli, *row.moduli)
            assert core.code.moduli.factor == row.factor
            assert core.code.decoder == row.decoder
            assert core.code.size == DotProduct(16, 6, 6).dynamic_range
            assert core.attempts == (row.attempts or 1)
        found = with_accuracy(row, SPACE, opened, samples=100)
        assert (found.model, found.samples) == (opened.network.name, 100)
        assert replace(found, **dict.fromkeys(OF_NETWORK)) == row
        accuracies[row.family, row.attempts] = found.relative_accuracy
    assert accuracies[NEAREST, 1] > 0.97 and accuracies[COMMON, None] > 0.97
    assert accuracies[CONVENTIONAL, None] > 0.97
    assert accuracies[REPEATED, 2] < 0.8


def test_attempts_without_end_leave_no_accuracy(
    rows: tuple[FamilyRow, ...], tmp_path: Path
) -> None:
    opened = open_network(tiny_networks.CNN, tiny_networks.write_images(tmp_path / "i.npz", 20))
    row = next(row for row in rows if row.family == REPEATED and row.sigma == 0.4)
    found = with_accuracy(replace(row, attempts=math.inf, sigma=4.0), SPACE, opened)
    assert found.accuracy is None and found.model == opened.network.name
