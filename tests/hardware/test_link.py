"""Links of light: noise against the same budget in plain Python, limits, and how far they reach."""

import math
from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.hardware.expression import Expression
from rnscli.hardware.profile import load_technology
from rnscli.hardware.technology import Pass, Technology

QUICK = settings(max_examples=100, deadline=None, derandomize=True)
CHARGE, BOLTZMANN = 1.602176634e-19, 1.380649e-23
PHASE, INCOHERENT = load_technology("photonic-phase"), load_technology("photonic-incoherent")


def residues(rows: int, modulus: int, columns: int = 128) -> Pass:
    bits = (modulus - 1).bit_length()
    return Pass(rows, columns, bits, bits, bits, modulus)


def powers(rows: int, columns: int, bits: int) -> Pass:
    return Pass(rows, columns, bits, bits, bits)


class Light(NamedTuple):
    """Numbers of photonic-phase, as its file states them."""

    laser_power: float = 10e-3
    losses: float = 1.6 + 6 + 2  # dB: coupling, reading, margin
    shifter_loss: float = 0.33  # dB
    responsivity: float = 1.1
    load: float = 50.0
    temperature: float = 300.0
    intensity_noise: float = -140.0  # dB/Hz
    phase_step_error: float = 1e-3
    rate: float = 5e9


def sigma_of(light: Light, rows: int, modulus: int) -> float:
    """Of section 2.9 of the design: I, its variance, the phase's, and m / 2 pi steps of it."""
    detected = light.laser_power * 10 ** (-(light.losses + rows * light.shifter_loss) / 10)
    current = light.responsivity * detected
    bandwidth = light.rate / math.sqrt(2)
    shot = 2 * CHARGE * current * bandwidth
    thermal = 4 * BOLTZMANN * light.temperature * bandwidth / light.load
    intensity = 10 ** (light.intensity_noise / 10) * current**2 * bandwidth
    of_noise = modulus * math.sqrt(shot + thermal + intensity) / current / (2 * math.pi)
    of_shifters = modulus * math.sqrt(rows) * light.phase_step_error / (2 * math.pi)
    return math.hypot(of_noise, of_shifters)


def with_light(light: Light) -> Technology:
    values = light._asdict()
    losses = values.pop("losses")
    return PHASE.with_values(
        {**values, "coupling_loss": losses, "reading_loss": 0.0, "margin": 0.0}
    )


@pytest.mark.parametrize("rows", [1, 2, 8, 16, 57, 64, 128, 1024])
@pytest.mark.parametrize("modulus", [3, 15, 16, 31, 63, 127, 255])
def test_phases(rows: int, modulus: int) -> None:
    found = PHASE.link_sigma(residues(rows, modulus))
    assert found == pytest.approx(sigma_of(Light(), rows, modulus), rel=1e-12, abs=0)


@QUICK
@given(
    st.builds(
        Light,
        laser_power=st.floats(1e-6, 1.0),
        losses=st.floats(0, 30),
        shifter_loss=st.floats(0, 2),
        responsivity=st.floats(0.1, 2),
        load=st.floats(1, 1e5),
        temperature=st.floats(0, 400),
        intensity_noise=st.floats(-200, -100),
        phase_step_error=st.floats(0, 0.1),
        rate=st.floats(1e6, 1e11),
    ),
    st.integers(1, 1024),
    st.integers(3, 300),
    st.integers(1, 128),
)
def test_phases_with_other_light(light: Light, rows: int, modulus: int, columns: int) -> None:
    """Columns have lasers of their own, so how many there are makes no difference."""
    found = with_light(light).link_sigma(residues(rows, modulus, columns))
    assert found == pytest.approx(sigma_of(light, rows, modulus), rel=1e-9, abs=0)


QUIET = {"temperature": 0.0, "intensity_noise": -500.0, "phase_step_error": 0.0}
RATE = {"laser_power": 1e-3, "rate": 8e9}


def made(**values: float) -> Technology:
    return PHASE.with_values({**QUIET, **RATE, **values})


def test_shot_noise_alone() -> None:
    """It follows from how many electrons there are in 1 / (2 B): the phase has 1 / sqrt(N)."""
    detected = 1e-3 * 10 ** (-(9.6 + 20 * 0.33) / 10)
    electrons = 1.1 * detected / CHARGE / (2 * 8e9 / math.sqrt(2))
    found = made().link_sigma(residues(20, 63))
    assert found == pytest.approx(63 / (2 * math.pi) / math.sqrt(electrons), rel=1e-12, abs=0)
    four = made(laser_power=4e-3).link_sigma(residues(20, 63))
    assert found is not None and four == pytest.approx(found / 2, rel=1e-12, abs=0)


def test_thermal_noise_alone() -> None:
    """With a load of so little resistance that shot noise is 1e-9 of it: in proportion to 1 / P."""
    cold = {"load": 1e-9, "temperature": 300.0}
    found = made(**cold).link_sigma(residues(20, 63))
    current = 1.1 * 1e-3 * 10 ** (-(9.6 + 20 * 0.33) / 10)
    volts = math.sqrt(4 * BOLTZMANN * 300 * 1e-9 * 8e9 / math.sqrt(2))  # Johnson and Nyquist
    assert found == pytest.approx(63 / (2 * math.pi) * volts / 1e-9 / current, rel=1e-6, abs=0)
    ten = made(laser_power=1e-2, **cold).link_sigma(residues(20, 63))
    assert found is not None and ten == pytest.approx(found / 10, rel=1e-6, abs=0)


def test_intensity_noise_alone() -> None:
    """No light helps against it: -100 dB/Hz in 8 GHz / sqrt 2 is a constant share."""
    share = math.sqrt(1e-10 * 8e9 / math.sqrt(2))
    for power in (1.0, 10.0):
        found = made(intensity_noise=-100.0, laser_power=power).link_sigma(residues(20, 63))
        assert found == pytest.approx(63 / (2 * math.pi) * share, rel=1e-6, abs=0)


def test_shifters_alone() -> None:
    """Their errors add in squares: 25 of 2 mrad are 10 mrad."""
    quiet = made(phase_step_error=2e-3, laser_power=1e3, shifter_loss=0.0, rate=1.0)
    found = quiet.link_sigma(residues(25, 63))
    assert found == pytest.approx(63 * 0.010 / (2 * math.pi), rel=1e-6, abs=0)


def test_no_light() -> None:
    for technology in (PHASE, INCOHERENT):
        dark = technology.with_values({"laser_power": 0.0})
        assert dark.link_sigma(residues(1, 15)) == math.inf
        assert dark.largest_rows(residues(1, 15), 1e300) == 0
    assert PHASE.link_sigma(residues(10**6, 15)) == math.inf  # so little that it is 0 in a double
    for name in ("reram-analog", "digital-logic", "switched-capacitor"):
        assert load_technology(name).link_sigma(residues(1, 15)) is None
        assert load_technology(name).link == ()


WORSE = {
    "laser_power": -1, "responsivity": -1, "load": -1, "rate": 1, "temperature": 1,
    "intensity_noise": 1, "phase_step_error": 1, "coupling_loss": 1, "reading_loss": 1, "margin": 1,
    "shifter_loss": 1,
}  # fmt: skip


@QUICK
@given(st.sampled_from(sorted(WORSE)), st.floats(1.01, 3), st.integers(1, 60), st.integers(3, 255))
def test_what_makes_it_noisier(name: str, factor: float, rows: int, modulus: int) -> None:
    """While there is light: behind some hundred rows one noise is all, and hides the others."""
    value = PHASE.value_of(name)
    # Intensity noise is negative, in decibels.
    more = value / factor if name == "intensity_noise" else value * factor
    before = PHASE.link_sigma(residues(rows, modulus))
    after = PHASE.with_values({name: more}).link_sigma(residues(rows, modulus))
    assert before is not None and after is not None
    assert (after - before) * WORSE[name] > 0


@QUICK
@given(st.integers(1, 1023), st.integers(3, 254))
def test_rows_and_moduli_make_it_noisier(rows: int, modulus: int) -> None:
    found = PHASE.link_sigma(residues(rows, modulus))
    more_rows = PHASE.link_sigma(residues(rows + 1, modulus))
    larger = PHASE.link_sigma(replace(residues(rows, modulus), modulus=modulus + 1))
    assert found is not None and more_rows is not None and larger is not None
    assert more_rows > found
    assert larger == pytest.approx(found * (modulus + 1) / modulus, rel=1e-12, abs=0)


# The most rows ------------------------------------------------------------------------------------


def counted(technology: Technology, done: Pass, sigma: float) -> int:
    """Row by row."""
    most = 0
    for rows in range(1, technology.rows + 1):
        found = technology.link_sigma(replace(done, rows=rows))
        if found is None or found > sigma:
            break
        most = rows
    return most


@pytest.mark.parametrize("modulus", [3, 7, 15, 31, 63, 127, 255])
@pytest.mark.parametrize("sigma", [0.01, 0.05, 0.1, 0.25, 1.0, 1e9])
def test_the_most_rows_of_phases(modulus: int, sigma: float) -> None:
    done = residues(1, modulus)
    found = PHASE.largest_rows(done, sigma)
    assert found == counted(PHASE, done, sigma)
    by_hand = [sigma_of(Light(), rows, modulus) <= sigma for rows in range(1, 1025)]
    assert found == sum(by_hand) and by_hand == sorted(by_hand, reverse=True)


@pytest.mark.parametrize("bits", [2, 3, 4, 6, 8])
@pytest.mark.parametrize("sigma", [0.1, 0.5, 0.816, 3.0])
def test_the_most_rows_of_powers(bits: int, sigma: float) -> None:
    done = powers(1, 16, bits)
    assert INCOHERENT.largest_rows(done, sigma) == counted(INCOHERENT, done, sigma)


def test_the_largest_modulus_that_light_allows() -> None:
    """At 6 bits and below a row can be read to 0.1 steps, and at 7 bits not even one."""
    wanted = PHASE.wanted_sigma
    assert wanted == 0.1
    for modulus in (7, 15, 31, 63):
        assert PHASE.largest_rows(residues(1, modulus), wanted) >= 1
    for modulus in (127, 255):
        assert PHASE.largest_rows(residues(1, modulus), wanted) == 0
        assert sigma_of(Light(), 1, modulus) > 0.1


def test_how_often_a_residue_is_wrong() -> None:
    """The sentence of the profile: at 0.1 steps a residue is wrong with probability 6e-7."""
    assert math.erfc(0.5 / 0.1 / math.sqrt(2)) == pytest.approx(6e-7, rel=0.05)


@QUICK
@given(st.integers(3, 255), st.floats(1e-3, 10), st.floats(1.0, 3.0))
def test_more_noise_allows_more_rows(modulus: int, sigma: float, factor: float) -> None:
    done = residues(1, modulus)
    most = PHASE.largest_rows(done, sigma)
    assert most <= PHASE.largest_rows(done, sigma * factor)
    brighter = PHASE.with_values({"laser_power": PHASE.value_of("laser_power") * factor})
    assert most <= brighter.largest_rows(done, sigma)
    faster = PHASE.with_values({"rate": PHASE.value_of("rate") * factor})
    assert most >= faster.largest_rows(done, sigma)


def test_with_other_values_nothing_is_kept() -> None:
    """What has been computed of a technology is not that of one with other constants."""
    done = residues(64, 63)
    before = PHASE.link_sigma(done), PHASE.largest_rows(done, 0.1)
    other = PHASE.with_values({"laser_power": 1e-4})
    assert (other.link_sigma(done), other.largest_rows(done, 0.1)) != before
    assert (PHASE.link_sigma(done), PHASE.largest_rows(done, 0.1)) == before


# Powers of many wavelengths -----------------------------------------------------------------------


def sigma_of_powers(rows: int, columns: int, bits: int, rate: float) -> float:
    """CASES 2022 (Vatsavai et al.), equations 9 and 10, with its table I: noise of a current in
    two detectors, one of them dark; losses of the rings that are passed, in and out."""
    loss = 1.6 + 4 + 2 * (rows - 1) * 0.01 + 0.3e3 * (rows * 20e-6 + 100e-6)
    loss += math.log2(columns) * 0.01 + 10 * math.log10(columns) + 4.8
    current, dark = 1.2 * 10e-3 * 10 ** (-loss / 10), 35e-9
    thermal = 4 * BOLTZMANN * 300 / 50
    lit = 2 * CHARGE * (current + dark) + thermal + 1e-14 * current**2
    unlit = 2 * CHARGE * dark + thermal
    noise = (math.sqrt(lit) + math.sqrt(unlit)) * math.sqrt(rate / math.sqrt(2))
    return 2**bits * noise / current


@pytest.mark.parametrize("rate", [1e9, 5e9, 10e9])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (16, 16), (44, 44), (128, 2), (7, 128)])
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_powers(rate: float, rows: int, columns: int, bits: int) -> None:
    found = INCOHERENT.with_values({"rate": rate}).link_sigma(powers(rows, columns, bits))
    assert found == pytest.approx(sigma_of_powers(rows, columns, bits, rate), rel=1e-12, abs=0)


def square(rate: float, bits: int) -> int:
    """The largest array of as many rows as columns."""
    technology = INCOHERENT.with_values({"rate": rate})
    wanted = technology.wanted_sigma
    assert wanted is not None
    sizes = range(1, 200)
    sigmas = [technology.link_sigma(powers(size, size, bits)) for size in sizes]
    return sum(sigma is not None and sigma <= wanted for sigma in sigmas)


@pytest.mark.parametrize(("rate", "size"), [(1e9, 44), (3e9, 28), (5e9, 22), (10e9, 16)])
def test_published_sizes(rate: float, size: int) -> None:
    """CASES 2022, table II: 4 bits at 1, 3, 5 and 10 GHz; and 8 bits at none of them.

    A single ring at 1 GHz passes by a hair, 0.81 steps where 0.816 are wanted; it is no array.
    """
    assert abs(square(rate, 4) - size) <= 1
    assert square(rate, 8) == (1 if rate == 1e9 else 0)


def test_how_many_bits_a_ratio_is() -> None:
    """Equation 11, a ratio of 6.02 n + 1.76 dB, is noise of sqrt(2/3) = 0.816 of 2^n steps."""
    for bits in (1, 4, 8):
        noise = 0.8165 / 2**bits  # of the largest current, as `sigma` is
        ratio = 20 * math.log10(1 / noise)
        assert ratio == pytest.approx(6.02 * bits + 1.76, abs=0.02)
    assert INCOHERENT.wanted_sigma == pytest.approx(math.sqrt(2 / 3), abs=1e-3)


# Made up ------------------------------------------------------------------------------------------


def test_a_link_by_hand() -> None:
    """2 A with a variance of 0.04 A^2, a tenth of it; rows add 0.01 each in squares."""
    technology = replace(
        PHASE,
        values=(),
        parts=(),
        link=(
            ("current", Expression("2")),
            ("noise_variance", Expression("current * 0.02")),
            ("phase_error", Expression("0.01")),
        ),
    )
    relative = math.sqrt(0.1**2 + 16 * 0.01**2)
    found = technology.link_sigma(residues(16, 100))
    assert found == pytest.approx(100 / (2 * math.pi) * relative, rel=1e-12, abs=0)
    unwrapped = replace(technology, modulo="circuit")
    assert unwrapped.link_sigma(powers(16, 1, 5)) == pytest.approx(32 * relative, rel=1e-12, abs=0)


# Parts of the noise -------------------------------------------------------------------------------


@QUICK
@given(
    st.builds(
        Light,
        laser_power=st.floats(1e-6, 1.0),
        losses=st.just(9.6),
        shifter_loss=st.just(0.33),
        responsivity=st.just(1.1),
        load=st.just(50.0),
        temperature=st.floats(0, 400),
        intensity_noise=st.floats(-200, -100),
        phase_step_error=st.floats(0, 0.1),
        rate=st.just(5e9),
    ),
    st.integers(1, 200),
    st.integers(3, 300),
)
def test_parts_of_phases(light: Light, rows: int, modulus: int) -> None:
    """Each is what is left where the others are switched off; together they are all."""
    done, technology = residues(rows, modulus), with_light(light)
    parts = technology.link_parts(done)
    assert math.hypot(*parts.values()) == pytest.approx(sigma_of(light, rows, modulus), rel=1e-9)
    none = light._replace(temperature=0.0, intensity_noise=-1e4, phase_step_error=0.0)
    alone = {
        "shot": sigma_of(none, rows, modulus),
        "phase": modulus * math.sqrt(rows) * light.phase_step_error / (2 * math.pi),
    }
    for name, only in {"thermal": "temperature", "intensity": "intensity_noise"}.items():
        of_both = sigma_of(none._replace(**{only: getattr(light, only)}), rows, modulus)
        alone[name] = math.sqrt(max(0.0, of_both**2 - alone["shot"] ** 2))
    scale = parts["shot"]
    for name, sigma in alone.items():
        assert parts[name] == pytest.approx(sigma, rel=1e-6, abs=1e-6 * scale), name


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (16, 16), (44, 44)])
def test_parts_of_powers(rows: int, columns: int, bits: int) -> None:
    """What two detectors add up to is shared like the noise of the one with light."""
    done = powers(rows, columns, bits)
    parts = INCOHERENT.link_parts(done)
    assert math.hypot(*parts.values()) == pytest.approx(
        sigma_of_powers(rows, columns, bits, 5e9), rel=1e-12
    )
    loss = 1.6 + 4 + 2 * (rows - 1) * 0.01 + 0.3e3 * (rows * 20e-6 + 100e-6)
    loss += math.log2(columns) * 0.01 + 10 * math.log10(columns) + 4.8
    current = 1.2 * 10e-3 * 10 ** (-loss / 10)
    shot, thermal = 2 * CHARGE * (current + 35e-9), 4 * BOLTZMANN * 300 / 50
    assert (parts["shot"] / parts["thermal"]) ** 2 == pytest.approx(shot / thermal, rel=1e-12)
    assert (parts["intensity"] / parts["thermal"]) ** 2 == pytest.approx(
        1e-14 * current**2 / thermal, rel=1e-12
    )
    assert parts["phase"] == 0


def test_noise_without_names() -> None:
    """What a profile of one's own does not divide is one part; without light it is infinite."""
    technology = replace(
        PHASE, values=(), parts=(),
        link=(
            ("current", Expression("2")),
            ("noise_variance", Expression("current * 0.02")),
            ("phase_error", Expression("0.01")),
        ),
    )  # fmt: skip
    parts = technology.link_parts(residues(16, 100))
    of_turn = 100 / (2 * math.pi)
    assert parts == pytest.approx({"detector": 0.1 * of_turn, "phase": 0.04 * of_turn}, rel=1e-12)
    dark = PHASE.with_values({"laser_power": 0.0}).link_parts(residues(1, 15))
    assert dark["shot"] == dark["thermal"] == math.inf
