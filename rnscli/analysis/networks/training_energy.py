"""Energy of the steps of a training: forward, both gradients, and the change of the weights."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain

import torch

from rnscli import networks
from rnscli.analysis.networks.layer_cores import digital_products, probe
from rnscli.analysis.networks.priced_flow import FP32_SIZE, PricedFlow, changes_energy
from rnscli.core import CellUpdates, Operations
from rnscli.hardware import Gemm
from rnscli.networks import OPTIMISERS, Recipe
from rnscli.torch import ROLES, ProductKind, Recording, converted, recording

_FORWARD, _INPUTS, _WEIGHTS = ROLES
_SAID = {"fp-multiply": "products", "fp-add": "sums", "add": "integer operations"}

Attempts = tuple[float, float, float]  # of a dot product, on average: forward, and the gradients
ONE_ATTEMPT: Attempts = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class EpochProducts:
    """What the steps of an epoch compute and write.

    Parameters
    ----------
    forward, inputs, weights
        Products of the forward pass, of the gradients of inputs and of those of weights.
    trained
        Stored matrices of weights that a step changes, with the rows of inputs of all steps;
        ``transposed`` are those of them whose transpose the gradients of inputs need.
    steps, samples
        Of the epoch.
    parameters
        Numbers that a step changes, those of no product included.
    digital
        Products that no core computes, and that nothing here has.
    """

    forward: tuple[Gemm, ...]
    inputs: tuple[Gemm, ...]
    weights: tuple[Gemm, ...]
    trained: tuple[Gemm, ...]
    transposed: tuple[Gemm, ...]
    steps: int
    samples: int
    parameters: int
    digital: tuple[str, ...]

    @property
    def macs(self) -> int:
        """Multiplications of an epoch, each with its addition."""
        return sum(one.macs for one in chain(self.forward, self.inputs, self.weights))


@dataclass(frozen=True)
class EpochEnergy:
    """Energy in J of the steps of an epoch, or of several; ``None`` where none is known.

    Parameters
    ----------
    forward, input_gradient, weight_gradient
        Of the products, and of writing those of their operands into arrays that are no weights.
    update
        Of the optimiser, and of writing the changed weights into arrays.
    outer_product
        Of rank-one updates in the arrays, in the place of ``weight_gradient`` and ``update``.
    extrapolated
        Whether a model was used outside of its range.
    """

    forward: float | None
    input_gradient: float | None
    weight_gradient: float | None
    update: float | None
    outer_product: float | None
    extrapolated: bool

    @property
    def total(self) -> float | None:
        """Of the steps as they are simulated."""
        return _sum((self.forward, self.input_gradient, self.weight_gradient, self.update))

    @classmethod
    def mean(cls, several: Iterable["EpochEnergy"], over: int = 1) -> "EpochEnergy":
        """Their sum, over a number of trainings."""
        every = tuple(several)

        def share(values: Iterable[float | None]) -> float | None:
            total = _sum(values)
            return None if total is None else total / over

        return cls(
            forward=share(one.forward for one in every),
            input_gradient=share(one.input_gradient for one in every),
            weight_gradient=share(one.weight_gradient for one in every),
            update=share(one.update for one in every),
            outer_product=share(one.outer_product for one in every),
            extrapolated=any(one.extrapolated for one in every),
        )


def _sum(values: Iterable[float | None]) -> float | None:
    every = tuple(values)
    known = [one for one in every if one is not None]
    return math.fsum(known) if len(known) == len(every) else None


def epoch_products(
    network: networks.PortableNetwork, data: networks.Dataset, recipe: Recipe
) -> EpochProducts:
    """The products of an epoch, recorded in one step of each size that an epoch has.

    Raises
    ------
    RnscliError
        If the network cannot be computed on a core.

    Examples
    --------
    Two convolutions and a linear layer are trained in three steps of 30 samples.

    >>> import numpy as np
    >>> from rnscli.networks import Dataset, LabelledData
    >>> part = LabelledData(np.ones((90, 1, 8, 8)), np.zeros(90, int))
    >>> network = networks.PortableNetwork("digits-cnn", (1, 8, 8))
    >>> made = epoch_products(network, Dataset("ones", part, part), Recipe())
    >>> made.steps, made.parameters, [(one.k, one.n, one.count) for one in made.trained]
    (3, 14698, [(9, 32, 3), (288, 32, 3), (512, 10, 3)])
    """
    sizes = recipe.steps(len(data.part_to_train()))
    steps = {size: _recorded_step(network, data, size) for size in sizes}
    gemms: dict[str, list[Gemm]] = {name: [] for name in (*ROLES, "trained", "transposed")}
    for size, count in sizes.items():
        step = steps[size]
        trained = step.trained
        for kind, of_step in step.made.gemms().items():
            gemm = replace(of_step, count=count * of_step.count)
            gemms[kind.role].append(gemm)
            if kind in trained:
                gemms["trained" if kind.role == _FORWARD else "transposed"].append(gemm)
    first = next(iter(steps.values()))
    forward, inputs, weights, changed, transposed = map(tuple, gemms.values())
    return EpochProducts(
        forward, inputs, weights, changed, transposed, sum(sizes.values()),
        len(data.part_to_train()), first.parameters, first.digital,
    )  # fmt: skip


@dataclass(frozen=True)
class _Step:
    """A recorded step: its products, how many numbers it changes, and what stays digital."""

    made: Recording
    parameters: int
    digital: tuple[str, ...]

    @property
    def trained(self) -> frozenset[ProductKind]:
        """Products with stored weights that have gradients, forward and with their transpose.

        The gradient of K x N weights has K rows of inputs for N columns.
        """
        kinds = self.made.kinds
        changed = {
            (k.layer, k.product, k.rows, k.n, k.matrices) for k in kinds if k.role == _WEIGHTS
        }
        shapes = {_FORWARD: lambda k: (k.k, k.n), _INPUTS: lambda k: (k.n, k.k)}
        return frozenset(
            k
            for k in kinds
            if k.stationary and (k.layer, k.product, *shapes[k.role](k), k.matrices) in changed
        )


@lru_cache(maxsize=64)
def _recorded_step(
    network: networks.PortableNetwork, data: networks.Dataset, samples: int
) -> _Step:
    train = data.train
    assert train is not None and train.labels is not None
    some = train[:samples]
    model = converted(network.made(), probe()).train()
    with (
        networks.running(network.name, "cannot be trained on a core"),
        networks.one_thread(),
        networks.RandomStream(0).in_use(),
        recording() as made,
    ):
        loss = networks.training_loss(
            model(torch.from_numpy(some.inputs)), torch.from_numpy(some.labels)
        )
        torch.autograd.backward(loss)
    changed = sum(one.numel() for one in model.parameters() if one.requires_grad)
    return _Step(made, changed, tuple(digital_products(model, made)))


def epoch_energy(
    epoch: EpochProducts,
    flows: tuple[PricedFlow, PricedFlow, PricedFlow],
    recipe: Recipe,
    attempts: Attempts = ONE_ATTEMPT,
    updates: CellUpdates | None = None,
) -> EpochEnergy:
    """Energy of the steps of an epoch.

    Parameters
    ----------
    epoch
        What is computed.
    flows
        Where: the forward pass, the gradients of inputs, and those of weights.
    recipe
        Whose optimiser changes the parameters, in FP32.
    attempts
        Mean number of attempts of a dot product of each of these.
    updates
        Of weights in cells, whose pulses have no price here: then no update has an energy.
    """
    forward, inputs, weights = flows
    read = _read_transposed(flows)
    parts = (
        (forward, epoch.forward, attempts[0], "vmm"),
        (inputs, epoch.inputs, attempts[1], "mvm" if read else "vmm"),
        (weights, epoch.weights, attempts[2], "vmm"),
    )
    energies: list[float | None] = []
    extrapolated = False
    for priced, gemms, often, kernel in parts:
        if not gemms:
            energies.append(0.0)
            continue
        bill = priced.products(gemms, often, kernel)
        written = priced.writing([one for one in gemms if not one.stationary])
        energies.append(_sum((bill.energy_j if bill else None, written)))
        extrapolated |= bill is not None and bill.extrapolated
    return EpochEnergy(
        forward=energies[0],
        input_gradient=energies[1],
        weight_gradient=energies[2],
        update=None if updates is not None else _update(epoch, flows, recipe),
        outer_product=forward.outer_product(epoch.trained),
        extrapolated=extrapolated,
    )


def _read_transposed(flows: tuple[PricedFlow, ...]) -> bool:
    """Whether the gradients of inputs read the arrays of the forward pass along their rows."""
    forward, inputs, _ = flows
    if forward.flow is None or inputs.flow is None:
        return False
    return forward.transposes and forward.flow.core == inputs.flow.core


def _update(
    epoch: EpochProducts, flows: tuple[PricedFlow, PricedFlow, PricedFlow], recipe: Recipe
) -> float | None:
    operations, words = _of_parameter(recipe)
    changes = float(epoch.parameters * epoch.steps)
    changed = changes_energy(flows[0].array, operations, words, changes)
    written = flows[0].writing(epoch.trained, rounded=True)
    copied = 0.0 if _read_transposed(flows) else flows[1].writing(epoch.transposed, rounded=True)
    return _sum((changed, written, copied))


def _of_parameter(recipe: Recipe) -> tuple[Operations, int]:
    """Operations of a parameter in a step, and words that it reads or writes."""
    optimiser = OPTIMISERS[recipe.optimiser]
    return optimiser.operations(decays=recipe.weight_decay > 0), optimiser.words


def energy_assumptions(
    flows: tuple[PricedFlow, PricedFlow, PricedFlow],
    recipe: Recipe,
    updates: CellUpdates | None = None,
) -> list[str]:
    """What an energy of a training takes for granted, in sentences."""
    forward, inputs, _ = flows
    operations, words = _of_parameter(recipe)
    takes = ", ".join(f"{one.count:g} {_SAID[one.kind]}" for one in operations)
    said = [
        "energies are of the steps of training: not of tests, calibration, clipping, what is no "
        "matrix product, and the first writing of weights",
        "a gradient of weights has the gradients of the outputs in its arrays, which are written "
        "for every step, and activations as inputs",
        f"{recipe.optimiser} takes {takes} and {words} words of a memory of 32 KB for a parameter "
        "in a step, in FP32",
    ]
    if updates is not None:
        said.append(
            "weights in cells have no update_energy_j, and so no energy_j: what pulses and carries "
            "of --update take has no source; products are priced as those of one array, also where "
            "a weight has several cells, and outer_product_energy_j as that of one cell, if at all"
        )
    for one in dict.fromkeys(flows):
        name = f"{one.name} on {one.array.name}"
        if one.unpriced:
            said.append(f"{name} has none: {one.unpriced}")
        elif one.flow is None:
            said.append(
                f"FP32 is {name}, {FP32_SIZE} x {FP32_SIZE}, to which operands are written as to a "
                "memory of 32 KB"
            )
        elif one.programs:
            said.append(
                f"{name}: operands are written row by row, each by one pass of the kernel update "
                "without verification"
            )
        else:
            said.append(
                f"{name}: operands are written as to a memory of 32 KB; what setting the cells "
                f"takes has no source, and is not counted"
            )
    if _read_transposed(flows):
        said.append(
            f"{forward.name} on {forward.array.name}: gradients of inputs read the arrays of the "
            "forward pass along their rows (kernel mvm); outer_product_energy_j is that of "
            "rank-one updates there, for each row of inputs, in the place of the gradient of "
            "weights and of the update, which is not how it is trained here"
        )
    else:
        said.append(
            f"{inputs.name} on {inputs.array.name}: gradients of inputs have arrays of their own, "
            "into which the transposed weights are written after each step"
        )
    return said
