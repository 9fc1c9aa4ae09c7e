"""One training, which goes on where a checkpoint ends."""

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import torch
from torch import nn

from rnscli.analysis.core_columns import described_flow
from rnscli.analysis.training_parameters import TrainingParameters, TrainingProgress, TrainingRecord
from rnscli.core.errors import InputError, RnscliError
from rnscli.core.files import write_atomically
from rnscli.networks.training import Trainer
from rnscli.runtime.describe import describe, digest, versions
from rnscli.torch.convert import converted

ALGORITHM = 1  # to be counted up whenever the same parameters would give other results

Listener = Callable[[TrainingProgress], None]
_listener: ContextVar[Listener | None] = ContextVar("rnscli_listener", default=None)


def training_run(
    parameters: TrainingParameters, block: int, parts: tuple[str, ...]
) -> dict[str, TrainingRecord]:
    """Train a network; a pure function of its arguments, but that it need not begin anew."""
    del block
    trainer = Trainer(_model(parameters), parameters.data, parameters.recipe)
    failure = ""
    kept = _Checkpoint(parameters)
    kept.restore(trainer)
    before = len(trainer.results)
    tell = _listener.get()
    while not trainer.finished and not failure:
        try:
            trainer.advance()
        except RnscliError as error:  # of this training; others may do better
            failure = str(error)
        else:
            kept.save(trainer)
            if tell is not None:
                computed = len(trainer.results) - before
                tell(TrainingProgress(parameters, _record(trainer), computed))
    return dict.fromkeys(parts, _record(trainer, failure))


@contextmanager
def heard_by(listener: Listener | None) -> Iterator[None]:
    """Trainings in this process tell of every epoch; what they compute does not depend on it."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def _record(trainer: Trainer, failure: str = "") -> TrainingRecord:
    epochs = tuple((r.train_loss, r.test_loss, r.test_accuracy) for r in trainer.results)
    return TrainingRecord(epochs, failure)


def description(parameters: TrainingParameters) -> dict[str, Any]:
    """All that a training depends on."""
    return {
        "what": "training",
        "algorithm": ALGORITHM,
        "versions": {**versions(), "torch": str(torch.__version__)},
        "model": parameters.network.name,
        "network": parameters.network.digest(parameters.recipe.seed),
        "data": parameters.data.digest(),
        "recipe": describe(parameters.recipe),
        "seed": parameters.recipe.seed,
        **described_flow(parameters.flow),
    }


def _model(parameters: TrainingParameters) -> nn.Module:
    """The network before its first epoch."""
    model = parameters.network.made(parameters.recipe.seed)
    return model if parameters.flow is None else converted(model, parameters.flow)


class _Checkpoint:
    """The state of a training after its last epoch, in a file of its own."""

    def __init__(self, parameters: TrainingParameters) -> None:
        self._path: Path | None = None
        self._key = ""
        if parameters.checkpoint is not None:
            self._key = digest(description(parameters))
            name = parameters.network.name.replace(":", ".").replace("/", ".")
            self._path = parameters.checkpoint / f"{name}-{self._key[:24]}.pt"

    def restore(self, trainer: Trainer) -> None:
        """Go on from the file, if there is one."""
        if self._path is None or not self._path.exists():
            return
        try:
            content = io.BytesIO(self._path.read_bytes())
            with zipfile.ZipFile(content) as archive:
                damaged = archive.testzip()  # torch does not look at the checksums
            content.seek(0)
            stored = torch.load(content, weights_only=True)
            if damaged is not None or stored["key"] != self._key:
                raise ValueError
            trainer.restore(stored["state"])
        except Exception:  # as many kinds as there are of damage
            raise InputError(
                f"`checkpoint` {self._path} is damaged or of another training; move it away to "
                "begin anew"
            ) from None

    def save(self, trainer: Trainer) -> None:
        """Replace the file by the state after another epoch."""
        if self._path is None:
            return
        stream = io.BytesIO()
        torch.save({"key": self._key, "state": trainer.state()}, stream)
        write_atomically(self._path, stream.getvalue())
