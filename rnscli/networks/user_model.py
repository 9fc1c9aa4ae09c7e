"""A network of a user, made by a function of a module of theirs; its weights, and their check."""

import contextlib
import hashlib
import importlib
import inspect
import pickle
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from rnscli.base import InputError, said
from rnscli.networks.data import Dataset, Inputs, chunks
from rnscli.networks.evaluation import ALONE, RandomStream, inference, one_thread
from rnscli.networks.libraries import LIBRARIES
from rnscli.networks.outputs import outputs_of
from rnscli.networks.shipped import NETWORKS
from rnscli.networks.tasks import CLASSES, Task, task_of, wanted_of
from rnscli.networks.user_code import kind_of, running, told
from rnscli.networks.weights import load_weights

_WANTED = "a function that makes a torch.nn.Module, as in package.module:function"


def make_model(
    name: str, weights: str | Path | None = None, seed: int = 0, argument: str = "model"
) -> nn.Module:
    """A shipped network, untrained, one of a library, or one of the user's own.

    A file may have its weights. ``argument`` is the one that has the name.
    """
    library, _, which = name.partition(":")
    if name in NETWORKS:
        model = NETWORKS[name].make(seed)
    elif library in LIBRARIES:
        model = LIBRARIES[library].made(which, seed)
    else:
        model = load_model(name, seed, argument)
    if weights is not None:
        load_weights(model, weights)
    return model


def load_model(where: str, seed: int = 0, argument: str = "model") -> nn.Module:
    """Import a module, also from the current directory, and call its function.

    ``where`` is ``package.module:function``; a class is such a function, too. It is called without
    arguments, torch's random numbers beginning at the seed, so that weights that nothing else
    decides are the same in every run.
    """
    module_name, colon, attribute = where.partition(":")
    parts = [*module_name.split("."), *attribute.split(".")]
    if not colon or not all(part.isidentifier() for part in parts):
        what = f"is {where or 'empty'}"
        raise InputError.of(argument, where, f"the name of {_WANTED}", what=what)
    with _of_the_user():
        module = _imported(where, module_name, argument)
        factory: object = module
        for part in attribute.split("."):
            if not hasattr(factory, part):
                place = getattr(module, "__file__", None) or module_name
                raise InputError(
                    f"`{argument}` {where}: {place} has no {attribute}; name {_WANTED}"
                )
            factory = getattr(factory, part)
        if isinstance(factory, nn.Module) or not callable(factory):
            kind = kind_of(factory)
            kind += " that is made already" if isinstance(factory, nn.Module) else ""
            raise InputError(f"`{argument}` {where} is {kind}; name {_WANTED}")
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
            raise InputError(f"`{argument}` {where} {problem}") from error
    if not isinstance(model, nn.Module):
        kind = kind_of(model)
        raise InputError(f"`{argument}` {where} returns {kind}; it must return a torch.nn.Module")
    return model


def _imported(where: str, name: str, argument: str) -> object:
    importlib.invalidate_caches()  # the file may be a second old
    try:
        with RandomStream(0).in_use():  # a module may make a model that nobody uses
            return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is not None and f"{name}.".startswith(f"{missing}."):
            raise InputError(
                f"`{argument}` {where}: there is no module {missing}, neither installed nor in the "
                f"current directory; name {_WANTED}"
            ) from None
        raise InputError(f"`{argument}` {where} cannot be imported: {told(error)}") from error


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


class _VocabularyError(InputError):
    """A token is beyond the table that looks it up."""


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
            looked_up = isinstance(of_whole, _VocabularyError) or "'indices'" in str(of_floats)
            raise of_whole if looked_up else of_floats from None
    return data


def check_fit(model: nn.Module, data: Dataset, name: str) -> Task:
    """What a model is asked by these data; it is run on the first test samples.

    It is refused, by the ``name`` that the user gives it, if it raises an error, its output is not
    finite real numbers of a shape that belongs to the labels, a label is of a class that it does
    not have, or a token is none of its vocabulary.
    """
    inputs = data.test.inputs[:_SAMPLES]
    shape = tuple(inputs.shape)
    talk = contextlib.redirect_stdout(sys.stderr)  # what a model prints is not the result
    code = running(name, f"cannot take inputs of shape {shape} from `data` {data.name}")
    alone = (one_thread(), inference(model), RandomStream(0).in_use())
    with code, contextlib.ExitStack() as stack:
        for one in (*alone, talk, _vocabulary(model, data, name)):
            stack.enter_context(one)
        outputs = outputs_of(model(torch.from_numpy(inputs)))
    labels = None if data.test.labels is None else data.test.labels[:_SAMPLES]
    wanted = wanted_of(labels)
    if isinstance(outputs, str):
        raise InputError(
            f"`model` {name} gives {outputs} for inputs of shape {shape}; it must give {wanted}"
        )
    task = None
    if outputs.is_floating_point() and outputs.dim() and 0 not in outputs.shape:
        task = task_of(labels, tuple(outputs.shape), inputs)
    if task is None or len(outputs) != len(inputs):
        raise InputError(
            f"`model` {name} gives {outputs.dtype} of shape {tuple(outputs.shape)} for inputs of "
            f"shape {shape}; it must give {wanted}"
        )
    if not torch.isfinite(outputs).all():
        raise not_finite(name, model, inputs)
    if task.compared == CLASSES:
        classes = outputs.shape[task.class_axis]
        for part in (data.test, data.train):
            if part is not None and part.classes > classes:
                raise InputError(
                    f"`data` {data.name} has a label of {part.classes - 1}, and `model` {name} has "
                    f"{classes} outputs; labels must be from 0 to {classes - 1}"
                )
    return task


def not_finite(name: str, model: nn.Module, inputs: Inputs) -> InputError:
    """The refusal of a network whose outputs are not finite, with the first layer that is to blame.

    It is run again on the inputs, with a look at what every layer gives.
    """
    found: list[str] = []
    names = {layer: path for path, layer in model.named_modules() if path}

    def look(layer: nn.Module, given: Any, result: Any) -> None:
        tensors = result if isinstance(result, tuple | list) else [result]
        if not found and any(
            isinstance(one, Tensor) and one.is_floating_point() and not torch.isfinite(one).all()
            for one in tensors
        ):
            found.append(f"{names[layer]} ({type(layer).__name__})")

    handles = [layer.register_forward_hook(look) for layer in names]
    try:
        with one_thread(), inference(model), RandomStream(0).in_use():
            for part in chunks(len(inputs), 16):
                if not found:
                    model(torch.from_numpy(inputs[part]))
    except Exception:  # which whoever runs it in earnest tells
        found.clear()
    finally:
        for handle in handles:
            handle.remove()
    where = f"; the first layer that does is {found[0]}" if found else ""
    return InputError(
        f"`model` {name} gives NaN or infinity in FP32 for inputs of shape "
        f"{tuple(inputs.shape)}{where}; its outputs must be finite"
    )


@contextlib.contextmanager
def _vocabulary(model: nn.Module, data: Dataset, name: str) -> Iterator[None]:
    """Refuse tokens beyond the embedding that looks them up, before it is run with them."""
    tokens = torch.from_numpy(data.test.inputs[:_SAMPLES]) if data.whole else None

    def look(path: str, table: nn.Embedding, given: tuple[Any, ...]) -> None:
        if tokens is None or not given or not isinstance(given[0], Tensor):
            return
        if given[0].shape != tokens.shape or not torch.equal(given[0], tokens):
            return  # positions, or kinds of tokens
        for part in (data.test, data.train):
            for chunk in () if part is None else chunks(len(part)):
                some = part.inputs[chunk]  # type: ignore[union-attr]
                low, high = int(some.min()), int(some.max())
                if low < 0 or high >= table.num_embeddings:
                    wrong = low if low < 0 else high
                    raise _VocabularyError(
                        f"`data` {data.name} has a token {wrong}, and the embedding {path} of "
                        f"`model` {name} has a vocabulary of {table.num_embeddings}; tokens must "
                        f"be from 0 to {table.num_embeddings - 1}"
                    )

    handles = [
        layer.register_forward_pre_hook(partial(look, path or type(layer).__name__))
        for path, layer in model.named_modules()
        if isinstance(layer, nn.Embedding)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


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
