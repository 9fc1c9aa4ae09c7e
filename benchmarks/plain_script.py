"""The throw-away script that a researcher would write: whole arrays, `%` per modulus, CRT."""

import numpy as np

MODULI = (63, 62, 61, 59)


def plain_pairs(pairs: int, size: int, bits: int = 6) -> tuple[float, float]:
    """Mean absolute error of the cores rns and fixed-lp."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (pairs, size))
    w = rng.uniform(-1, 1, (pairs, size))
    levels = 2 ** (bits - 1) - 1
    scale_x = np.abs(x).max(axis=1, keepdims=True)
    scale_w = np.abs(w).max(axis=1, keepdims=True)
    integer_x = np.round(x * levels / scale_x).astype(np.int64)
    integer_w = np.round(w * levels / scale_w).astype(np.int64)
    scale = (scale_x * scale_w)[:, 0] / levels**2
    product = int(np.prod(MODULI))
    total = np.zeros(pairs, dtype=np.int64)
    for modulus in MODULI:
        residue = ((integer_x % modulus) * (integer_w % modulus)).sum(axis=1) % modulus
        rest = product // modulus
        total += residue * (rest * pow(rest, -1, modulus) % product)
    total %= product
    rns = np.where(total > product // 2, total - product, total)
    exact = (x * w).sum(axis=1)
    step = 2 ** (2 * bits + int(np.ceil(np.log2(size))) - 1 - bits)
    fixed = np.round((integer_x * integer_w).sum(axis=1) / step) * step
    return float(np.abs(rns * scale - exact).mean()), float(np.abs(fixed * scale - exact).mean())
