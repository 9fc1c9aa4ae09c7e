"""Models of libraries, with the weights that are on this machine: nothing is downloaded."""

from __future__ import annotations

import importlib
import pickle
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rnscli.base import InputError, Registry, install_command, nearest, said

if TYPE_CHECKING:
    from torch import nn


class Library(ABC):
    """Makes models by what it calls them: ``--model NAME:WHICH``."""

    name: ClassVar[str]
    package: ClassVar[str]
    summary: ClassVar[str]
    weights: ClassVar[str]  # where they are from, as the help of the option says it

    def made(self, which: str, seed: int) -> nn.Module:
        """A model, its weights from files of this machine, or else drawn from the seed.

        Raises
        ------
        InputError
            If the library is not there, or knows no such model.
        """
        from rnscli.networks.evaluation import RandomStream

        try:
            package = importlib.import_module(self.package)
        except ImportError as error:
            missing = error.name == self.package
            problem = "which is not installed" if missing else f"which fails: {said(error)}"
            raise InputError(
                f"`model` {self.name}:{which} needs the package {self.package}, {problem}; "
                f"install it with: {install_command(self.package)}"
            ) from None
        except Exception as error:  # such as one that was built for another version of PyTorch
            raise InputError(
                f"`model` {self.name}:{which}: the package {self.package} cannot be imported: "
                f"{said(error)}"
            ) from None
        with RandomStream(seed).in_use():
            return self._model(package, which)

    @abstractmethod
    def _model(self, package: Any, which: str) -> nn.Module: ...


class TorchVision(Library):
    """``torchvision.models``; weights are those that its cache has (``torch.hub.get_dir``)."""

    name = "torchvision"
    package = "torchvision"
    summary = "a name of torchvision.models"
    weights = "with the weights in its cache"

    def _model(self, package: Any, which: str) -> nn.Module:
        import torch

        from rnscli.networks.weights import load_weights

        models = importlib.import_module(f"{self.package}.models")
        names = models.list_models()
        if which not in names:
            raise InputError(
                f"`model` {self.name}:{which}: torchvision has no model {which}, among "
                f"{len(names)}{nearest(which, names)}"
            )
        model: nn.Module = models.get_model(which, weights=None)
        best = getattr(models.get_model_weights(which), "DEFAULT", None)
        if best is not None:
            kept = Path(torch.hub.get_dir(), "checkpoints", str(best.url).rpartition("/")[2])
            if kept.is_file():
                load_weights(model, kept)
        return model


class HuggingFace(Library):
    """Models of the package transformers: a folder, or a name in its cache.

    The class is the first one that ``config.json`` names, so that the head is that which was
    trained. No code of a folder is run, and weights become float32. A file of safetensors goes
    before one of pickles, of which nothing but tensors is read.
    """

    name = "hf"
    package = "transformers"
    summary = "a folder of transformers, or a name in its cache"
    weights = "from folders or its cache"

    def _model(self, package: Any, which: str) -> nn.Module:
        logs = getattr(getattr(package, "utils", None), "logging", None)
        if logs is not None:
            logs.disable_progress_bar()  # standard error is for sentences
        try:
            config = package.AutoConfig.from_pretrained(which, local_files_only=True)
            architecture = (getattr(config, "architectures", None) or ["AutoModel"])[0]
            kind = getattr(package, architecture, None) or package.AutoModel
            # Of both kinds of files it takes safetensors by itself.
            model: nn.Module = kind.from_pretrained(which, local_files_only=True, weights_only=True)
        except pickle.UnpicklingError:  # whose sentence advises to run it
            raise InputError(
                f"`model` {self.name}:{which} has weights in a pickle that holds more than "
                "tensors, which is never run; give a folder with weights in files of safetensors"
            ) from None
        except Exception as error:  # as many kinds as files can be wrong
            raise InputError(
                f"`model` {self.name}:{which} cannot be opened: {said(error)}; it must be a folder "
                "with config.json and weights, or a name whose files are in the cache of "
                "transformers"
            ) from None
        return model.float()


LIBRARIES: Registry[Library] = Registry(
    "library", "libraries", Library, [TorchVision(), HuggingFace()]
)
