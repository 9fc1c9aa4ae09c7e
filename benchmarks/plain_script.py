"""The throw-away scripts that a researcher would write: whole arrays, `%` per modulus, CRT."""

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
    rns = _signed([((integer_x % m) * (integer_w % m)).sum(axis=1) % m for m in MODULI])
    exact = (x * w).sum(axis=1)
    step = 2 ** (2 * bits + int(np.ceil(np.log2(size))) - 1 - bits)
    fixed = np.round((integer_x * integer_w).sum(axis=1) / step) * step
    return float(np.abs(rns * scale - exact).mean()), float(np.abs(fixed * scale - exact).mean())


def plain_matrix(x: np.ndarray, w: np.ndarray, bits: int = 6) -> np.ndarray:
    """``x @ w`` in integers for each modulus, with a scale for each row and column."""
    levels = 2 ** (bits - 1) - 1
    scale_x = np.abs(x).max(axis=1, keepdims=True)
    scale_w = np.abs(w).max(axis=0, keepdims=True)
    integer_x = np.round(x * levels / scale_x).astype(np.int64)
    integer_w = np.round(w * levels / scale_w).astype(np.int64)
    total = _signed([(integer_x % m) @ (integer_w % m) % m for m in MODULI])
    return total * (scale_x * scale_w / levels**2)


def _signed(residues: list[np.ndarray]) -> np.ndarray:
    """Chinese remainders of `MODULI`, around zero."""
    product = int(np.prod(MODULI))
    total = np.zeros_like(residues[0])
    for residue, modulus in zip(residues, MODULI, strict=True):
        rest = product // modulus
        total += residue * (rest * pow(rest, -1, modulus) % product)
    total %= product
    return np.where(total > product // 2, total - product, total)
