"""What every noise law offers; NumPy is loaded where arrays are made."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from rnscli.base import Decibels, InputError, Names, Option, OptionGroup, PerModulus, Registry

if TYPE_CHECKING:
    import numpy as np

    from rnscli.core.arithmetic import FloatArray, IntArray
    from rnscli.core.noise.levels import Levels

_MAX_SIGMA = 1e4  # of Gaussian noise, in residue steps
MAX_TABLED_MODULUS = 2**26  # of a law written out as one probability for each error


def noise_laws() -> Registry[type[NoiseLaw]]:
    """Those registered, which are made of what is here."""
    from rnscli.core.noise import NOISE_LAWS

    return NOISE_LAWS


DEVICE = "device"  # in the place of a law: the noise of each core is that of its technology


class _OfTechnology:
    """What `DEVICE` is, in a line of the help."""

    summary = "what --technology makes of it, without a level"


def _sources() -> dict[str, type[NoiseLaw] | type[_OfTechnology]]:
    return {**noise_laws(), DEVICE: _OfTechnology}


class NoiseOptions:
    """What a user chooses of the noise, the same in every command."""

    group = OptionGroup.NOISE
    noise = Option(
        Names(_sources),
        "Law of the errors: {summaries}. A level given for another law is converted to the same "
        "probability of an error.",
        usual="uniform with --p, gaussian with --sigma or --snr-db",
    )
    p = Option(
        PerModulus(0.0, 1.0, "a probability from 0 to 1"),
        "Probability that a residue is wrong; [p,p,..] or a file gives one for each modulus, "
        "largest first.",
    )
    sigma = Option(
        PerModulus(0.0, _MAX_SIGMA, f"a number of residue steps from 0 to {_MAX_SIGMA:g}"),
        "Standard deviation of Gaussian noise, in steps of a residue; for each modulus as --p.",
    )
    snr_db = Option(
        Decibels(-40.0, 400.0, "a ratio from -40 to 400 dB"),
        "Gaussian noise by its distance from full scale: a modulus m has a full scale of m steps, "
        "so that SNR = 20 log10(m / sigma) dB; a grid such as 30..60:7 is even.",
    )


@dataclass(frozen=True, eq=False)
class Adc:
    """A conventional converter: codes from ``low`` to ``high``.

    ``full_scale_ratio`` is how many of its steps make one step of a b-bit converter with the same
    full scale, ``2**(bits - b)``.
    """

    low: int
    high: int
    full_scale_ratio: float


class NoiseLaw(ABC):
    """How residues are read wrong, and what it means for a conventional converter.

    Attributes
    ----------
    name
        Name on the command line.
    summary
        What it is, in a line of the help.
    level
        Which level is its own parameter: ``p`` or ``sigma``.
    equiprobable
        Whether all wrong values of a residue are equally likely, so that the probability of an
        undetected error has a closed form.
    constants
        What it has besides its level, by name: options of numbers. The attribute of that name is
        the default.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    level: ClassVar[str]
    equiprobable: ClassVar[bool]
    constants: ClassVar[Mapping[str, Option]]

    @classmethod
    @abstractmethod
    def of_level(
        cls, level: str, value: float, modulus: int, constants: Mapping[str, float]
    ) -> Self:
        """The law at a level: ``p``, or ``sigma`` in steps of a residue.

        A level that is not its own is converted to the same probability of a wrong residue.
        ``constants`` has a value for each that the law declares.

        Raises
        ------
        InputError
            If the law cannot have that level.
        """

    @classmethod
    def all_constants(cls, given: Mapping[str, float]) -> dict[str, float]:
        """The constants of the law: those given, and the defaults of the others.

        Raises
        ------
        InputError
            If the law has no such constant, or does not accept its value.
        """
        for name in given:
            if name not in cls.constants:
                known = ", ".join(cls.constants) or "none"
                raise InputError(
                    f"`{name}` is no constant of the noise {cls.name}, which has {known}; leave "
                    "it out"
                )
        return {
            name: option.values.check(name, given.get(name, getattr(cls, name)))
            for name, option in cls.constants.items()
        }

    @property
    def told(self) -> str:
        """What rows call it: its name, as a user gives it."""
        return self.name

    @property
    @abstractmethod
    def standard_deviation(self) -> float | None:
        """In steps of a residue, where it is a parameter of the law."""

    @abstractmethod
    def error_probability(self, modulus: int) -> float:
        """Probability that a residue of this modulus is read wrong."""

    @abstractmethod
    def error_distribution(self, modulus: int) -> FloatArray:
        """Probabilities of the errors ``0 .. m - 1``."""

    @abstractmethod
    def draw_errors(self, rng: np.random.Generator, modulus: int, size: int) -> IntArray:
        """Errors in ``[1, m)``, given that there is one."""

    def residues(self, rng: np.random.Generator, levels: FloatArray, modulus: int) -> IntArray:
        """Residues that are read of real levels, which wrap at the modulus: rounded, then hit."""
        import numpy as np

        from rnscli.core.noise.draws import draw_positions

        found = np.rint(levels).astype(np.int64)
        hit = draw_positions(rng, self.error_probability(modulus), found.size)
        found[hit] += self.draw_errors(rng, modulus, hit.size)
        return found % modulus

    def static_levels(self, rng: np.random.Generator, size: int) -> FloatArray | float:
        """What is added to levels once, and meets every attempt, before `residues` reads them."""
        return 0.0

    @property
    def has_static_errors(self) -> bool:
        """Whether errors have a part that is drawn once, and meets every attempt again."""
        return False

    @property
    def is_static(self) -> bool:
        """Whether no part of the errors is fresh: every attempt has the same."""
        return False

    def static_mixture(self, modulus: int, attempts: int) -> tuple[FloatArray, FloatArray]:
        """Weights ``(K,)`` of static parts, and probabilities ``(K, m)`` of errors given each.

        Means over it of products of as many probabilities of errors as ``attempts`` are exact.
        """
        import numpy as np

        del attempts
        return np.ones(1), self.error_distribution(modulus)[np.newaxis]

    def draw_static(self, rng: np.random.Generator, modulus: int, errors: IntArray) -> FloatArray:
        """Static parts of residues whose errors in one attempt, of ``[0, m)``, are these."""
        import numpy as np

        del rng, modulus
        return np.zeros(errors.shape)

    def draw_again(self, rng: np.random.Generator, modulus: int, static: FloatArray) -> IntArray:
        """Errors in ``[0, m)`` of another attempt, given the static parts."""
        import numpy as np

        from rnscli.core.noise.draws import draw_positions

        errors = np.zeros(static.shape, dtype=np.int64)
        hit = draw_positions(rng, self.error_probability(modulus), static.size)
        errors[hit] = self.draw_errors(rng, modulus, hit.size)
        return errors

    @abstractmethod
    def convert(
        self,
        rng: np.random.Generator,
        codes: IntArray,
        remainders: FloatArray | float,
        adc: Adc,
    ) -> IntArray:
        """Codes that a conventional ADC returns for levels ``codes + remainders`` in its steps.

        ``codes`` are the levels rounded, which may exceed 2**53 and the range of the converter;
        ``remainders`` lie in [-0.5, 0.5].
        """

    @abstractmethod
    def changed(
        self, codes: IntArray | FloatArray, remainders: FloatArray | float, adc: Adc
    ) -> FloatArray | float:
        """Probability that `convert` returns another code than without noise, for each level."""

    def square_of(self, adc: Adc, levels: Levels) -> float:
        """By how much `convert` raises the mean square of the error of levels, in steps squared."""
        import numpy as np

        del levels
        width = adc.high - adc.low + 1
        errors = np.arange(width, dtype=np.float64)
        signed = np.minimum(errors, width - errors)
        return float(np.einsum("i,i->", self.error_distribution(width), signed**2))


class ResidueLaw(NoiseLaw):
    """A law that is its probabilities of the errors of a residue, and has no level.

    It says nothing of a conventional converter.
    """

    level: ClassVar[str] = "p"
    equiprobable: ClassVar[bool] = False
    constants: ClassVar[Mapping[str, Option]] = {}

    @classmethod
    def of_level(
        cls, level: str, value: float, modulus: int, constants: Mapping[str, float]
    ) -> Self:
        raise InputError(f"a {cls.name} law has no level: it is {cls.summary}")

    @property
    def standard_deviation(self) -> None:
        return None

    def error_probability(self, modulus: int) -> float:
        """Sum over the wrong values."""
        return min(1.0, math.fsum(self.error_distribution(modulus)[1:].tolist()))

    def draw_errors(self, rng: np.random.Generator, modulus: int, size: int) -> IntArray:
        """Wrong values in proportion to their probabilities."""
        import numpy as np

        from rnscli.core.noise.draws import ErrorTable

        weights = self.error_distribution(modulus)[1:]
        return ErrorTable.of(np.arange(1, modulus), weights).draw(rng, size)

    def convert(
        self,
        rng: np.random.Generator,
        codes: IntArray,
        remainders: FloatArray | float,
        adc: Adc,
    ) -> IntArray:
        """Not defined: what is of a residue says nothing of a conventional converter."""
        del rng, codes, remainders, adc
        raise InputError(
            f"a {self.name} law is of residues; it does not apply to a conventional core"
        )

    def changed(
        self, codes: IntArray | FloatArray, remainders: FloatArray | float, adc: Adc
    ) -> FloatArray | float:
        raise InputError(
            f"a {self.name} law is of residues; it does not apply to a conventional core"
        )


def error_probabilities(laws: Sequence[NoiseLaw], sizes: Sequence[int]) -> tuple[float, ...]:
    """Probability that each converter, or residue, of so many values is read wrong."""
    return tuple(law.error_probability(size) for law, size in zip(laws, sizes, strict=True))


def noise_columns(laws: Sequence[NoiseLaw], chances: Sequence[float]) -> dict[str, Any]:
    """What rows say of laws: names, the mean probability of an error, a sigma that they share.

    Where they differ, ``residue_p`` and ``residue_sigma`` have the value of each.
    """
    # A law of sigma that was given by p has it again, but for the last digit of a double.
    both = zip(laws, chances, strict=True)
    chances = [p if law.level == "p" else float(f"{p:.15g}") for law, p in both]
    same = min(chances) == max(chances)
    deviations = tuple(law.standard_deviation for law in laws)
    share = len(set(deviations)) == 1
    return {
        "noise": ", ".join(dict.fromkeys(law.told for law in laws)),
        "p": chances[0] if same else math.fsum(chances) / len(chances),
        "sigma": deviations[0] if share else None,
        "residue_p": None if same else tuple(chances),
        "residue_sigma": None if share or None in deviations else deviations,
    }


def weights_of(laws: Sequence[NoiseLaw]) -> tuple[float, ...] | None:
    """Weights of the errors of residues whose laws have different deviations: about 1 on average.

    Examples
    --------
    >>> from rnscli.core.noise import Gaussian
    >>> weights_of([Gaussian(0.1), Gaussian(0.2)])
    (2.5, 0.625)
    """
    deviations = [law.standard_deviation for law in laws]
    squares = [one**2 for one in deviations if one]
    if len(squares) < len(deviations) or min(squares) == max(squares):
        return None
    mean = math.fsum(squares) / len(squares)
    return tuple(float(f"{mean / square:.12g}") for square in squares)


def wrong_word(residue_p: Sequence[float]) -> float:
    """Probability that at least one residue is wrong, ``1 - prod(1 - p)`` without cancellation.

    Examples
    --------
    >>> f"{wrong_word((1e-20, 2e-20)):.1e}"
    '3.0e-20'
    """
    if max(residue_p) >= 1.0:
        return 1.0
    return -math.expm1(math.fsum(math.log1p(-p) for p in residue_p))


def far_word(laws: Sequence[NoiseLaw], moduli: Sequence[int], steps: int) -> float:
    """Probability that some residue is off by more than so many steps, the shorter way round.

    Examples
    --------
    >>> from rnscli.core.noise import Gaussian
    >>> [f"{far_word([Gaussian(0.3)] * 2, [32, 24], steps):.2e}" for steps in (0, 1)]
    ['1.82e-01', '1.15e-06']
    """
    if not steps:
        return wrong_word(error_probabilities(laws, moduli))
    each = (law.error_distribution(m) for law, m in zip(laws, moduli, strict=True))
    return wrong_word([float(law[steps + 1 : law.size - steps].sum()) for law in each])


def check_modulus(modulus: int, highest: int) -> None:
    """Refuse moduli above a bound."""
    if modulus > highest:
        raise InputError(
            f"modulus {modulus} is too large for a law that is not uniform; at most "
            f"2^{highest.bit_length() - 1} is accepted"
        )
