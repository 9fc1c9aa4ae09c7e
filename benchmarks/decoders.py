"""Speed of decoding, and of sums over the differences of large ranges."""

import math
import resource
from functools import partial

import numpy as np

import rnscli
from benchmarks.measure import Record, best_of
from rnscli.analysis.faults.halves import far_sums

WORDS = 500_000
SETS = {
    "lee, 6 residues, k=2": (rnscli.ModuliSet([255, 254, 253, 251, 247, 241], 2), "lee"),
    "lee, 4 residues, k=1": (rnscli.ModuliSet([255, 254, 253, 251], 1), "lee"),
    "robust, 4 residues, G=8": (rnscli.ModuliSet([248, 232, 224, 216], factor=8), "robust"),
    "robust, 5 residues that share factors": (
        rnscli.ModuliSet([63, 60, 55, 54, 49], factor=1),
        "robust",
    ),
    "robust, 6 residues, G=8, k=2": (
        rnscli.ModuliSet([248, 232, 224, 216, 200, 184], 2, factor=8),
        "robust",
    ),
}


def decoding(record: Record) -> None:
    share = 0.01
    moduli = rnscli.select_moduli(246017, 63, redundant=2)[0]
    code = rnscli.RedundantCode(moduli)
    rng = np.random.default_rng(0)
    received = code.encode(rng.integers(code.lowest, code.highest + 1, WORDS))
    for channel, modulus in enumerate(moduli.moduli):
        hit = rng.random(WORDS) < share
        received[channel, hit] = (received[channel, hit] + 1) % modulus
    decode, crt = best_of(
        5, lambda: code.decode(received), lambda: rnscli.from_residues(received, moduli)
    )
    record.add("decoding 6 residues, k=2, 1 % of residues wrong", WORDS / decode, "words/s")
    record.add("  time over one plain CRT of the same words", decode / crt, "x")
    for name, (moduli, decoder) in SETS.items():
        code = rnscli.RedundantCode(moduli, decoder=decoder)
        values = rng.integers(code.lowest, code.highest + 1, WORDS)
        for sigma in (0.2, 0.5):
            noise = np.rint(rng.normal(0.0, sigma, (moduli.count, WORDS))).astype(int)
            received = (code.encode(values) + noise) % np.array(moduli.moduli)[:, np.newaxis]
            decode, crt = best_of(
                3,
                partial(code.decode, received),
                partial(rnscli.from_residues, received, moduli),
            )
            what = f"decoding by {name}, sigma {sigma}"
            record.add(what, WORDS / decode, "words/s", ">= 1e6" if "lee" in name else "")
            record.add("  time over one plain CRT of the same words", decode / crt, "x")


def differences(record: Record) -> None:
    """One by one or in halves; a law without zeros has nothing that can be left out."""
    seven = (127, 126, 125, 121, 113, 109, 107, 103)
    dense = [np.full(m, 1e-4 / (m - 1)) for m in seven]
    for law in dense:
        law[0] = 1 - 1e-4
    narrow = [rnscli.Gaussian(0.3).error_distribution(m) for m in seven]
    whole = math.log2(math.prod(seven))
    for name, laws in (("Gaussian noise", narrow), ("a law without zeros", dense)):
        for moments in (False, True):
            (seconds,) = best_of(1, partial(far_sums, laws, 2**48, 0, 2**22, moments))
            what = "with the size of errors" if moments else "probability"
            label = f"2^48 differences of 2^{whole:.1f}, {name}, {what}"
            record.add(label, seconds, "s", "" if moments else "<= 10")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    record.add("  memory, at most", memory, "GB", "<= 2")
