"""The least redundancy and attempts for a target, against trying every number of attempts."""

import math
from contextlib import suppress
from dataclasses import replace

import pytest

from rnscli.analysis.faults.fault_probability import (
    FaultParameters,
    fault_probability,
)
from rnscli.analysis.faults.redundancy import TargetParameters, redundancy_frontier
from rnscli.analysis.moduli import ModuliRequest
from rnscli.base.errors import InputError, NoSolutionError
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.noise import Gaussian, NoiseLaw, Uniform


@pytest.mark.parametrize("bits", [5, pytest.param(8, marks=pytest.mark.thorough)])
@pytest.mark.parametrize("legitimate_range", ["product", "operands"])
@pytest.mark.parametrize("noise", [Uniform(1e-3), Uniform(5e-3)])
@pytest.mark.parametrize("target", [1e-2, 1e-5, pytest.param(1e-9, marks=pytest.mark.thorough)])
def test_frontier(bits: int, legitimate_range: str, noise: NoiseLaw, target: float) -> None:
    found = redundancy_frontier(
        TargetParameters(
            request=ModuliRequest(bits=bits, vector_size=128),
            noise=noise,
            target=target,
            legitimate_range=legitimate_range,
        )
    )
    by_redundancy = {row.redundant: row for row in found}
    assert list(by_redundancy) == sorted(by_redundancy)
    assert [row.attempts for row in found].count(1) <= 1
    for redundant in range(max(by_redundancy) + 1):
        request = ModuliRequest(bits=bits, vector_size=128, redundant=redundant)
        moduli = request.choose()[0]
        size = request.legitimate_range(moduli, legitimate_range)

        def p_err(attempts: float, moduli=moduli, size=size) -> float:
            return fault_probability(
                FaultParameters(
                    moduli=moduli, noise=noise, attempts=attempts, legitimate_range=size
                )
            ).p_err

        fewest = next((r for r in range(1, 60) if p_err(r) <= target), None)
        if redundant not in by_redundancy:
            assert fewest is None
            assert p_err(math.inf) > target
            continue
        row = by_redundancy[redundant]
        assert row.attempts == fewest
        assert row.p_err == pytest.approx(p_err(row.attempts), rel=1e-12)
        assert row.conversions == pytest.approx(moduli.count * row.expected_attempts, rel=1e-12)
    cheapest = [row for row in found if row.cheapest]
    assert [row.conversions for row in cheapest] == [min(row.conversions for row in found)]


def test_gaussian_noise_has_a_frontier_of_its_own() -> None:
    found = redundancy_frontier(
        TargetParameters(
            request=ModuliRequest(bits=5, vector_size=16), noise=Gaussian(0.2), target=1e-4
        )
    )
    assert all(row.noise == "gaussian" and row.p_err <= 1e-4 for row in found)


def test_a_target_out_of_reach_says_how_near_one_comes() -> None:
    request = ModuliRequest(bits=4, vector_size=128)
    with pytest.raises(
        NoSolutionError, match=r"within 4 bits reaches p_err <= 1e-12.*nearest is 1"
    ):
        redundancy_frontier(TargetParameters(request=request, noise=Uniform(0.1), target=1e-12))


def test_no_set_at_all() -> None:
    request = ModuliRequest(bits=3, vector_size=128)
    with pytest.raises(NoSolutionError, match="smallest bits with an answer is 4"):
        redundancy_frontier(TargetParameters(request=request, noise=Uniform(0.1), target=1e-2))


def test_more_moduli_than_probabilities_are_computed_for() -> None:
    request = ModuliRequest(bits=7, input_bits=60, weight_bits=60, vector_size=128)
    assert request.choose()[0].count == 20
    with pytest.raises(InputError, match=r"20 moduli; .* at most 18"):
        redundancy_frontier(TargetParameters(request=request, noise=Uniform(0.1), target=1e-2))


@pytest.mark.thorough
def test_as_many_moduli_as_it_takes() -> None:
    request = ModuliRequest(bits=7, input_bits=36, weight_bits=36)
    with pytest.warns(RuntimeWarning, match="more than 18 moduli are not computed"):
        rows = redundancy_frontier(
            TargetParameters(request=request, noise=Uniform(1e-2), target=1e-9)
        )
    assert 5 in [row.redundant for row in rows]
    assert all(row.p_err <= 1e-9 for row in rows)


@pytest.mark.thorough
def test_what_is_not_computed_is_said_where_nothing_is_found() -> None:
    request = ModuliRequest(bits=7, input_bits=52, weight_bits=52)
    with pytest.raises(NoSolutionError, match=r"\(sets of more than 18 moduli are"):
        redundancy_frontier(TargetParameters(request=request, noise=Uniform(1e-3), target=1e-9))


@pytest.mark.parametrize("noise", [Uniform(0.0), Gaussian(0.0)])
def test_without_noise_there_is_nothing_to_design(noise: NoiseLaw) -> None:
    with pytest.raises(InputError, match="without noise"):
        redundancy_frontier(
            TargetParameters(
                request=ModuliRequest(bits=4, vector_size=128), noise=noise, target=1e-2
            )
        )


@pytest.mark.parametrize("target", [0.0, -1.0, 1.5, math.nan])
def test_targets_that_are_no_probability(target: float) -> None:
    with pytest.raises(InputError, match=f"`target` is {target}"):
        TargetParameters(
            request=ModuliRequest(bits=4, vector_size=128), noise=Uniform(0.1), target=target
        )


@pytest.mark.parametrize(
    ("sigma", "target", "of"),
    [(0.3, 1e-3, "p_gross"), pytest.param(0.2, 1e-4, "p_err", marks=pytest.mark.thorough)],
)
def test_families_side_by_side(sigma: float, target: float, of: str) -> None:
    """The cheapest of all sets of each family with up to three channels more than the fewest."""
    request = ModuliRequest(bits=5, vector_size=16)
    found = redundancy_frontier(
        TargetParameters(request=request, noise=Gaussian(sigma), target=target, target_of=of)
    )
    fewest = request.choose()[0].count
    tried: list[tuple[float, str, int, float]] = []
    for decoder in ("bounded-distance", "lee", "robust"):
        for redundant in range(4):
            for channels in range(fewest, fewest + 4):
                moduli = best_set(request, decoder, channels, redundant)
                if moduli is None:
                    continue
                for attempts in range(1, 30):
                    row = fault_probability(
                        FaultParameters(
                            moduli=moduli, noise=Gaussian(sigma), decoder=decoder,
                            attempts=attempts,
                        )
                    )  # fmt: skip
                    if getattr(row, of) <= target:
                        tried.append((row.conversions, decoder, redundant, attempts))
                        break
    (cheapest,) = (row for row in found if row.cheapest)
    assert (
        cheapest.conversions, cheapest.decoder, cheapest.redundant, cheapest.attempts
    ) == min(tried)  # fmt: skip
    for row in found:
        assert getattr(row, of) <= target
        assert (row.conversions, row.decoder, row.redundant, row.attempts) in tried


def best_set(
    request: ModuliRequest, decoder: str, channels: int, redundant: int
) -> ModuliSet | None:
    """The coprime set of so many redundant moduli, or that with the largest common factor."""
    try:
        if decoder != "robust":
            (moduli,) = replace(request, redundant=redundant).choose()
            return moduli if moduli.count == channels else None
        if redundant > 1:
            return None
        for factor in range(31, 1, -1):
            with suppress(NoSolutionError, InputError):
                return replace(
                    request, factor=factor, redundant=redundant, count=channels - redundant
                ).choose()[0]
    except NoSolutionError:
        pass
    return None


def test_one_family_may_have_no_set() -> None:
    """Of moduli up to 7 no three share a factor and cover enough."""
    request = ModuliRequest(bits=3, vector_size=2, input_bits=3, weight_bits=3)
    rows = redundancy_frontier(TargetParameters(request=request, noise=Gaussian(0.2), target=0.3))
    assert {row.decoder for row in rows} == {"bounded-distance", "lee"}
    with pytest.raises(NoSolutionError, match="with a common factor"):
        redundancy_frontier(
            TargetParameters(
                request=request, noise=Gaussian(0.2), target=0.3, decoder="robust"
            )
        )  # fmt: skip
