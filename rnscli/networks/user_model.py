"""A network of a user, made by a function of a module of theirs; its weights, and their check."""

import contextlib
import hashlib
import importlib
import inspect
import pickle
import re
import sys
import traceback
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

import rnscli
from rnscli.base import InputError, RnscliError, regular_file, said
from rnscli.networks.data import Dataset
from rnscli.networks.evaluation import ALONE, RandomStream, inference, one_thread
from rnscli.networks.shipped import NETWORKS

_WANTED = "a function that makes a torch.nn.Module, as in package.module:function"


# Packages whose code calls that of a user.
_CALLERS = tuple(str(Path(file).parent) for file in (torch.__file__, rnscli.__file__) if file)


def told(error: BaseException) -> str:
    """What an error says, and where in the code of a user it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [one for one in frames if not one.filename.startswith((*_CALLERS, "<frozen"))]
    if not own:
        return said(error)
    file = Path(own[-1].filename)
    if file.is_relative_to(Path.cwd()):
        file = file.relative_to(Path.cwd())
    return f"{said(error)} ({file}:{own[-1].lineno})"


@contextlib.contextmanager
def running(name: str, what: str) -> Iterator[None]:
    """Errors of the code of a model in a sentence, which begins with what it cannot do."""
    try:
        yield
    except (RnscliError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        raise InputError(f"`model` {name} {what}: {told(error)}") from error


def _kind(value: object) -> str:
    """The type of a value, with its article."""
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def make_model(name: str, weights: str | Path | None = None, seed: int = 0) -> nn.Module:
    """A shipped network or one of the user's own, untrained unless a file has its weights."""
    model = NETWORKS[name].make(seed) if name in NETWORKS else load_model(name, seed)
    if weights is not None:
        load_weights(model, weights)
    return model


def load_model(where: str, seed: int = 0) -> nn.Module:
    """Import a module, also from the current directory, and call its function.

    ``where`` is ``package.module:function``; a class is such a function, too. It is called without
    arguments, torch's random numbers beginning at the seed, so that weights that nothing else
    decides are the same in every run.
    """
    module_name, colon, attribute = where.partition(":")
    parts = [*module_name.split("."), *attribute.split(".")]
    if not colon or not all(part.isidentifier() for part in parts):
        raise InputError.of("model", where, f"the name of {_WANTED}", what=f"is {where or 'empty'}")
    with _of_the_user():
        module = _imported(where, module_name)
        factory: object = module
        for part in attribute.split("."):
            if not hasattr(factory, part):
                place = getattr(module, "__file__", None) or module_name
                raise InputError(f"`model` {where}: {place} has no {attribute}; name {_WANTED}")
            factory = getattr(factory, part)
        if isinstance(factory, nn.Module) or not callable(factory):
            kind = _kind(factory)
            kind += " that is made already" if isinstance(factory, nn.Module) else ""
            raise InputError(f"`model` {where} is {kind}; name {_WANTED}")
        try:
            with RandomStream(seed).in_use():
                model = factory()
        except (Exception, SystemExit) as error:
            trace = error.__traceback__
            # A call that fails before it is in the function has wrong arguments.
            if isinstance(error, TypeError) and trace is not None and trace.tb_next is None:
                problem = f"cannot be called without arguments: {said(error)}"
            else:
                problem = f"raises {told(error)}; it must return a torch.nn.Module"
            raise InputError(f"`model` {where} {problem}") from error
    if not isinstance(model, nn.Module):
        kind = _kind(model)
        raise InputError(f"`model` {where} returns {kind}; it must return a torch.nn.Module")
    return model


def _imported(where: str, name: str) -> object:
    importlib.invalidate_caches()  # the file may be a second old
    try:
        with RandomStream(0).in_use():  # a module may make a model that nobody uses
            return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is not None and f"{name}.".startswith(f"{missing}."):
            raise InputError(
                f"`model` {where}: there is no module {missing}, neither installed nor in the "
                f"current directory; name {_WANTED}"
            ) from None
        raise InputError(f"`model` {where} cannot be imported: {told(error)}") from error


@contextlib.contextmanager
def _of_the_user() -> Iterator[None]:
    """The current directory is searched first; what a module prints is not the result.

    Only for a while: a file there may have the name of a module that is imported later.
    """
    with ALONE:
        folder = str(Path.cwd())
        sys.path.insert(0, folder)
        try:
            with contextlib.redirect_stdout(sys.stderr):
                yield
        finally:
            with contextlib.suppress(ValueError):  # the module may have put it in order itself
                sys.path.remove(folder)


_WANTED_FILE = (
    "it must be a file of torch.save with a state_dict, with a dict that has one as state_dict, or "
    "a checkpoint of rnscli train"
)
# How torch calls what a file with weights alone does not hold.
_CODE = re.compile(
    r"Unsupported (?:global|class)\b(?:: GLOBAL ([\w.]{1,100}))?|TorchScript archives"
)


def load_weights(model: nn.Module, path: str | Path) -> None:
    """Load weights into a model, which is changed only if all of them fit.

    The file is as ``torch.save(model.state_dict(), path)`` writes it, or with a dict that has the
    weights under ``state_dict``, or as `rnscli train --checkpoint` keeps them. No code in it is
    run: it may hold tensors and plain values only.
    """
    weights = _read(path)
    own = model.state_dict()
    _check_names(path, weights, own)
    for name, tensor in weights.items():
        if not torch.isfinite(tensor).all():
            raise InputError(
                f"`weights` {path}: {name} holds NaN or infinity; every weight must be finite"
            )
        if is_lazy(own[name]):  # its shape is that of the file
            continue
        if tensor.shape != own[name].shape:
            raise InputError(
                f"`weights` {path} are of another model: {name} has shape {tuple(tensor.shape)}, "
                f"and that of the model has {tuple(own[name].shape)}"
            )
    try:
        model.load_state_dict(weights)
    except Exception as error:  # a module of the user may do it in a way of its own
        raise InputError(f"`weights` {path} cannot be loaded: {told(error)}") from error


def _read(path: str | Path) -> Mapping[str, Tensor]:
    file = regular_file("weights", path, _WANTED_FILE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about archives that are refused right after
            content = torch.load(file, map_location="cpu", weights_only=True)
    except PermissionError as error:
        raise InputError(f"`weights` {path} cannot be read: {error.strerror}") from None
    except Exception as error:  # as many kinds as there are of damage
        if code := _CODE.search(str(error)):
            what = code[1] or "a program"
            raise InputError(
                f"`weights` {path} holds code ({what}) beside weights, which is never run; "
                "save model.state_dict() alone"
            ) from None
        raise InputError(
            f"`weights` {path} is damaged or of another kind; {_WANTED_FILE}"
        ) from None
    return _state_dict(path, content)


def _state_dict(path: str | Path, content: Any) -> Mapping[str, Tensor]:
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    elif isinstance(content, Mapping) and isinstance(content.get("state"), Mapping):
        content = content["state"].get("model")  # what `rnscli train` keeps
    if not isinstance(content, Mapping):
        raise InputError(f"`weights` {path} holds {_kind(content)}; {_WANTED_FILE}")
    for name, tensor in content.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise InputError(
                f"`weights` {path} holds a dict in which {name} is {_kind(tensor)}, "
                f"where a state_dict has tensors; {_WANTED_FILE}"
            )
        if tensor.is_quantized or tensor.layout != torch.strided:
            raise InputError(
                f"`weights` {path}: {name} is quantised or sparse; it must be a plain tensor, as "
                "networks in full precision have them"
            )
    return content  # as it is: versions of modules hang on it


def _check_names(path: str | Path, weights: Mapping[str, Tensor], own: dict[str, Any]) -> None:
    missing = [name for name in own if name not in weights]
    unexpected = [name for name in weights if name not in own]
    problems = [
        f"{problem} {names[0]}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")
        for names, problem in ((missing, "misses"), (unexpected, "has, unknown to the model,"))
        if names
    ]
    if problems:
        raise InputError(
            f"`weights` {path} are of another model: the file {' and '.join(problems)}; every "
            "weight of the model must be there, under its name"
        )


_SAMPLES = 2  # a model that forgets the axis of the samples may do well with one


def settle(model: nn.Module, shape: tuple[int, ...], seed: int, whole: bool = False) -> None:
    """Let the layers of a model infer their sizes, where any still have to.

    Until then they have no weights to be counted, and are of classes of their own. The model is
    changed in place, and draws its weights from the seed.
    """
    if any(map(is_lazy, (*model.parameters(), *model.buffers()))):
        # Not the numbers again that the other layers had.
        with one_thread(), inference(model), RandomStream(seed ^ 0x1A27).in_use():
            model(torch.zeros(_SAMPLES, *shape, dtype=torch.int64 if whole else torch.float32))


def fitting(model: nn.Module, data: Dataset, name: str) -> Dataset:
    """The data as a model takes them: whole numbers as such, or else as float32 (`check_fit`)."""
    try:
        check_fit(model, data, name)
    except InputError as of_whole:
        if not data.whole:
            raise
        data = data.in_floats()
        try:
            check_fit(model, data, name)
        except InputError as of_floats:
            # A table cannot be looked up with floats: what it says of whole numbers is the reason.
            raise of_whole if "'indices'" in str(of_floats) else of_floats from None
    return data


def check_fit(model: nn.Module, data: Dataset, name: str) -> int:
    """Number of classes of a model, which is run on the first test samples.

    It is refused, by the ``name`` that the user gives it, if it raises an error, its output is not
    ``(N, classes)`` finite real numbers, or a label is of a class that it does not have.
    """
    inputs = data.test.inputs[:_SAMPLES]
    shape = tuple(inputs.shape)
    talk = contextlib.redirect_stdout(sys.stderr)  # what a model prints is not the result
    code = running(name, f"cannot take inputs of shape {shape} from `data` {data.name}")
    with code, one_thread(), inference(model), RandomStream(0).in_use(), talk:
        logits: object = model(torch.from_numpy(inputs))
    if not isinstance(logits, Tensor):
        raise InputError(
            f"`model` {name} gives {_kind(logits)} for inputs of shape {shape}; it must "
            "give a tensor of logits, (N, classes)"
        )
    good = logits.dim() == 2 and len(logits) == len(inputs) and logits.shape[1] > 0
    if not good or not logits.is_floating_point():
        raise InputError(
            f"`model` {name} gives {logits.dtype} of shape {tuple(logits.shape)} for inputs of "
            f"shape {shape}; it must give real logits of shape ({len(inputs)}, classes)"
        )
    if not torch.isfinite(logits).all():
        raise InputError(
            f"`model` {name} gives NaN or infinity for inputs of shape {shape}; its logits must "
            "be finite"
        )
    classes = logits.shape[1]
    for part in (data.test, data.train):
        if part is not None and part.classes > classes:
            raise InputError(
                f"`data` {data.name} has a label of {part.classes - 1}, and `model` {name} has "
                f"{classes} outputs; labels must be from 0 to {classes - 1}"
            )
    return classes


def digest_of(name: str, model: nn.Module) -> str:
    """SHA-256 of the code, structure and weights of a model of a name."""
    hasher = hashlib.sha256(f"{name}\n{model}".encode())
    for source in _sources(name, model):
        hasher.update(source.encode())
    for key, value in model.state_dict().items():
        if isinstance(value, Tensor):
            hasher.update(f"{key} {value.dtype} {tuple(value.shape)}".encode())
            # As bytes, since NumPy does not have all types.
            hasher.update(value.cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
        else:  # what a module keeps beside tensors
            hasher.update(key.encode() + pickle.dumps(value))
    return hasher.hexdigest()


def _sources(name: str, model: nn.Module) -> Iterator[str]:
    """Code of the modules that a network is written in, but of PyTorch's."""
    modules = {name.partition(":")[0], *(type(part).__module__ for part in model.modules())}
    for module in sorted(modules):
        if module in sys.modules and module.partition(".")[0] != "torch":
            try:
                yield inspect.getsource(sys.modules[module])
            except (OSError, TypeError):  # it has none, as what is written in C
                continue
