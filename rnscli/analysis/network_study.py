"""What is computed of networks to compare it with what is published, and how much of it.

Networks and data are small, so that everything takes minutes; torch need not be there to read this.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from rnscli.analysis import published
from rnscli.networks.shipped import NETWORKS

CORES = ("rns", "fixed-lp", "bit-sliced")


@dataclass(frozen=True)
class NetworkPoint:
    """A network on a core with converters of b bits and dot products of h terms."""

    model: str
    core: str
    bits: int
    vector_size: int = published.VECTOR_SIZE
    redundant: int = 0
    attempts: int = 1
    p: float | None = None


@dataclass(frozen=True)
class TrainingPoint:
    """A training on residues of b bits, or in FP32 without any."""

    bits: int | None
    seed: int


@dataclass(frozen=True)
class NetworkStudy:
    """What is computed, and how much of it.

    Attributes
    ----------
    size_model, size_bits, sizes
        The network whose accuracy is found for each b and h in a conventional core: the one with
        the longest dot products.
    models, bits
        The networks whose accuracy is found for each core and b.
    noise_model, noise_bits, redundancies, probabilities
        The network whose accuracy is found on residues under noise, for each (k, R) and p. Without
        redundancy nothing is detected, and further attempts change nothing.
    training_model, training_bits, epochs, seeds
        The network that is trained, and for how long: half of the epochs of its recipe, after
        which losses have come to rest.
    samples
        Test samples, all if not given.
    """

    size_model: str = "digits-resnet"
    size_bits: tuple[int, ...] = (2, 3, 4, 5, 6, 7, 8)
    sizes: tuple[int, ...] = (16, 32, 64, 128, 256, 512)
    models: tuple[str, ...] = NETWORKS.own
    bits: tuple[int, ...] = (4, 5, 6, 7, 8, 9, 10)
    noise_model: str = "digits-transformer"
    noise_bits: int = published.ACCURACY_BITS
    redundancies: tuple[tuple[int, int], ...] = (
        (0, 1), (1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3),
    )  # fmt: skip
    # From 1e-6 to 1e-1, two in a decade.
    probabilities: tuple[float, ...] = tuple(
        float(f"{10 ** (half / 2):.6g}") for half in range(-12, -1)
    )
    training_model: str = "digits-cnn"
    training_bits: tuple[int, ...] = (5, 6, published.TRAINING_BITS)
    epochs: int = 10
    seeds: int = 5
    samples: int | None = None

    def in_conventional_core(self, bits: int) -> tuple[NetworkPoint, ...]:
        """One b at each h."""
        return tuple(NetworkPoint(self.size_model, "fixed-lp", bits, h) for h in self.sizes)

    def on_core(self, model: str, core: str) -> tuple[NetworkPoint, ...]:
        """A network on a core at each b."""
        return tuple(NetworkPoint(model, core, bits) for bits in self.bits)

    def under_noise(self, redundant: int, attempts: int) -> tuple[NetworkPoint, ...]:
        """One k and R at each p."""
        return tuple(
            NetworkPoint(
                self.noise_model,
                "rns",
                self.noise_bits,
                redundant=redundant,
                attempts=attempts,
                p=p,
            )
            for p in self.probabilities
        )

    def trained_with(self, bits: Iterable[int], seed: int) -> tuple[TrainingPoint, ...]:
        """Trainings in FP32, and with each of these bits, by each seed."""
        return tuple(TrainingPoint(b, s) for b in (None, *bits) for s in self.seeds_from(seed))

    def seeds_from(self, seed: int) -> tuple[int, ...]:
        """Seeds of trainings; after the largest one comes 0."""
        return tuple((seed + offset) % 2**63 for offset in range(self.seeds))


STUDY = NetworkStudy()
