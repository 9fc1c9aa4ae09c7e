"""The noise of a design, as it is given: a law by name, and its level by one of three measures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rnscli.base import InputError, Option
from rnscli.core.noise.law import NoiseLaw, noise_laws

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rnscli.core.arithmetic import ModuliSet

LEVELS = ("p", "sigma", "snr_db")
Level = float | tuple[float, ...]


def law_constants() -> dict[str, Option]:
    """The constants of all laws by their names; none is named as what every law has."""
    return noise_laws().constants(("noise", *LEVELS))


@dataclass(frozen=True, kw_only=True)
class NoiseSetting:
    """A law and a level, from which the law of every residue and every converter follows.

    Parameters
    ----------
    noise
        Name of the law; ``None`` for the one whose own parameter the level is.
    p, sigma, snr_db
        Level: the probability that a residue is wrong, a standard deviation in steps of a residue,
        or the ratio of the full scale of m steps to it in dB. Exactly one is given, as a number or
        as one number for each modulus, the largest first.
    constants
        Name and value of each constant of the law that differs from its default.

    Raises
    ------
    InputError
        If there is none or more than one level, the law is unknown, or has no such constants.

    Examples
    --------
    >>> from rnscli.core.arithmetic.moduli import ModuliSet
    >>> NoiseSetting(snr_db=50).laws(ModuliSet([63, 61]))  # doctest: +ELLIPSIS
    (Gaussian(sigma=0.1992234..., static_share=0.0), Gaussian(sigma=0.1928989..., static_share=0.0))
    >>> NoiseSetting(noise="uniform", sigma=0.2).of_converter(6, "fixed-lp")  # doctest: +ELLIPSIS
    Uniform(p=0.0124193...)
    """

    noise: str | None = None
    p: Level | None = None
    sigma: Level | None = None
    snr_db: Level | None = None
    constants: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        given = [f"`{name}`" for name in LEVELS if getattr(self, name) is not None]
        if not given:
            raise InputError("`noise` has no level; give `p`, `sigma` or `snr_db`, too")
        if len(given) > 1:
            raise InputError(
                f"{given[0]} and {given[1]} both give the level of the noise; leave one of them out"
            )
        self.law.all_constants(dict(self.constants))

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> NoiseSetting | None:
        """The setting of options of these names; ``None`` where there is no level and no law."""
        none = all(options[name] is None for name in ("noise", *LEVELS))
        return None if none else cls.stated(options)

    @classmethod
    def stated(cls, options: Mapping[str, Any]) -> NoiseSetting:
        """The setting of options of which one gives a level, and of the constants of its law.

        In a sweep constants of other laws are those of other rows.
        """
        made = cls(**{name: options[name] for name in ("noise", *LEVELS)})
        constants = tuple(
            (name, value) for name in made.law.constants if (value := options.get(name)) is not None
        )
        return replace(made, constants=constants)

    @property
    def level(self) -> tuple[str, Level]:
        """The level that is given, with its name."""
        return next((n, v) for n in LEVELS if (v := getattr(self, n)) is not None)

    @cached_property
    def law(self) -> type[NoiseLaw]:
        """The law of the name; without one, that which the level is a parameter of."""
        if self.noise is not None:
            return noise_laws().named(self.noise)
        level, _ = self.level
        own = "sigma" if level == "snr_db" else level
        return next(law for law in noise_laws().values() if law.level == own)

    @property
    def has_static_errors(self) -> bool:
        """Whether errors have a part that meets every attempt again, at a level above zero."""
        made = self.law.of_level("sigma", 1.0, 2, self.law.all_constants(dict(self.constants)))
        return made.has_static_errors

    @property
    def columns(self) -> dict[str, Any]:
        """What rows say of it: the law by name, the level that is given, and all constants."""
        return {
            "noise": self.law.name,
            **{one: getattr(self, one) for one in LEVELS},
            **dict.fromkeys(law_constants()),
            **self.law.all_constants(dict(self.constants)),
        }

    def laws(self, moduli: ModuliSet) -> tuple[NoiseLaw, ...]:
        """The law of each residue, the largest modulus first.

        Raises
        ------
        InputError
            If there is not one level for each modulus, or a law cannot have its level.
        """
        name, value = self.level
        values = value if isinstance(value, tuple) else (value,) * moduli.count
        if len(values) != moduli.count:
            raise InputError(
                f"`{name}` has {len(values)} values, but the set "
                f"{','.join(map(str, moduli.moduli))} has {moduli.count} moduli; give one for each"
            )
        return tuple(map(self._of, values, moduli.moduli))

    def of_converter(self, bits: int, core: str) -> NoiseLaw:
        """The law of converters of a core without moduli, compared at b bits: as of one of 2^b.

        Raises
        ------
        InputError
            If there is a level for each modulus, as it has none.
        """
        name, value = self.level
        if isinstance(value, tuple):
            raise InputError(
                f"`{name}` has a value for each modulus, which says nothing of the core {core}; "
                "give one value, or leave that core out"
            )
        return self._of(value, 2**bits)

    def _of(self, value: float, modulus: int) -> NoiseLaw:
        level, _ = self.level
        if level == "snr_db":
            level, value = "sigma", modulus * 10.0 ** (-value / 20)
        return self.law.of_level(
            level, value, modulus, self.law.all_constants(dict(self.constants))
        )


def law_of_each(
    noise: NoiseSetting | NoiseLaw | tuple[NoiseLaw, ...], moduli: ModuliSet
) -> tuple[NoiseLaw, ...]:
    """The law of each residue of a set, the largest modulus first."""
    if isinstance(noise, NoiseSetting):
        return noise.laws(moduli)
    laws = noise if isinstance(noise, tuple) else (noise,) * moduli.count
    if len(laws) != moduli.count:
        raise InputError(f"`noise` has {len(laws)} laws; the set has {moduli.count} moduli")
    return laws


def laws_of(
    noise: NoiseSetting | NoiseLaw | None,
    bits: int,
    moduli: ModuliSet | None,
    core: str,
) -> NoiseLaw | tuple[NoiseLaw, ...] | None:
    """The law of a core's converters: of each residue of a set, else of a converter of b bits.

    One law stands for all residues where they share it.
    """
    if not isinstance(noise, NoiseSetting):
        return noise
    if moduli is None:
        return noise.of_converter(bits, core)
    laws = noise.laws(moduli)
    return laws if len(set(laws)) > 1 else laws[0]
