"""Ground floor: quantisation, moduli sets, residue arithmetic, the code, noise and the cores.

Nothing in here imports from another floor of the package.
"""
