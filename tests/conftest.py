import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rnscli.cli.main import run
from rnscli.networks.recipe import Recipe
from rnscli.reproduction.cases import NETWORK_RESULTS, RESULTS, NetworkStudy, TrainingSetup

if TYPE_CHECKING:
    from rnscli.networks.data import LabelledData
    from rnscli.networks.portable import OpenedNetwork
    from rnscli.networks.training import TrainedNetwork

# No example is in here, and a second module of this name could not be imported to look for one;
# the other package is installed by its tests.
collect_ignore = ["conftest.py", "example_package"]


def pytest_collection() -> None:
    gc.disable()  # nothing is let go while tests are collected


def pytest_collection_finish() -> None:
    """Fifteen thousand tests stay to the end, and the modules that they need.

    To walk through them again whenever garbage is collected takes time in every process.
    """
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def reproduction(network_cache: Path) -> Path:
    """The folder that ``rnscli reproduce`` writes of all results that need no network.

    The processes of pytest-xdist have it in common; what is printed lies beside it.
    """
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    folder = network_cache.parent / "reproduction" / "folder"
    folder.parent.mkdir(exist_ok=True)
    with locked(folder.parent / "lock"):
        if not folder.is_dir():
            ran = subprocess.run(
                [
                    sys.executable, "-m", "rnscli", "reproduce", "--only", ",".join(RESULTS),
                    "--output", str(folder),
                ],
                capture_output=True,
                text=True,
                timeout=600,
            )  # fmt: skip
            assert (ran.returncode, ran.stderr) == (0, "")
            (folder.parent / "printed.txt").write_text(ran.stdout)
    return folder


@pytest.fixture
def few_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """``rnscli reproduce`` simulates few words beside each exact probability, where only that it
    runs is tested."""
    monkeypatch.setattr("rnscli.reproduction.reproduce.WORDS", 20_000)


@pytest.fixture
def fresh_mine() -> Iterator[None]:
    """No module ``mine`` of another test's folder, before and after."""
    sys.modules.pop("mine", None)
    yield
    sys.modules.pop("mine", None)


@pytest.fixture
def few_digits(monkeypatch: pytest.MonkeyPatch, network_cache: Path) -> None:
    """``rnscli accuracy`` and ``train`` take few of the digits, where only that they run is
    tested."""
    from rnscli.networks import portable

    train_once(monkeypatch, network_cache)

    def few(data: "LabelledData") -> "LabelledData":
        return data[:256]

    def opening(name: str) -> Callable[..., "OpenedNetwork"]:
        whole = getattr(portable, name)

        def opened(*arguments: Any, **options: Any) -> "OpenedNetwork":
            found: OpenedNetwork = whole(*arguments, **options)
            train = found.data.train
            part = replace(found.data, test=few(found.data.test), train=train and few(train))
            return replace(found, data=part)

        return opened

    for name in ("open_network", "open_untrained"):
        monkeypatch.setattr(f"rnscli.networks.{name}", opening(name))


STUDY = "rnscli.cli.commands.reproduce.STUDY"
MORE_PACKAGES = "rnscli.reproduction.cases.MORE_PACKAGES"
SMALL_STUDY = NetworkStudy(
    size_model="digits-cnn",
    size_bits=(4, 6, 8),
    sizes=(16, 128, 512),
    models=("digits-cnn",),
    bits=(6, 7, 8),
    noise_model="digits-cnn",
    redundancies=((0, 1), (1, 2)),
    probabilities=(1e-6, 1e-4, 1e-2),
    mnist_model="digits-cnn",
    mnist_sizes=(16, 512),
    trainings=(TrainingSetup("digits-cnn", Recipe(epochs=1)),),
    training_bits=(7,),
    seeds=2,
    samples=130,  # two blocks
)


@pytest.fixture
def small_study(monkeypatch: pytest.MonkeyPatch) -> NetworkStudy:
    """``rnscli reproduce`` computes little of networks: seconds of it."""
    monkeypatch.setattr(STUDY, SMALL_STUDY)
    monkeypatch.setattr(MORE_PACKAGES, {})  # which its networks do not need
    return SMALL_STUDY


@pytest.fixture(scope="session")
def network_reproduction(network_cache: Path) -> Path:
    """The folder that ``rnscli reproduce`` writes of results of networks, a small study of them.

    The processes of pytest-xdist have it in common.
    """
    pytest.importorskip("torch")
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    folder = network_cache.parent / "network-reproduction"
    with locked(network_cache / "reproduction.lock"), pytest.MonkeyPatch.context() as patched:
        patched.setattr(STUDY, SMALL_STUDY)
        patched.setattr(MORE_PACKAGES, {})
        train_once(patched, network_cache)
        if not folder.is_dir():
            only = ",".join(NETWORK_RESULTS)
            assert run(["reproduce", "--only", only, "--output", str(folder), "--quiet"]) == 0
    return folder


@pytest.fixture(scope="session", autouse=True)
def network_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where networks that tests train are kept: never in the home of whoever runs them.

    The processes of pytest-xdist have it in common.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "network-cache"
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("RNSCLI_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def shipped_network(network_cache: Path) -> Callable[[str], "TrainedNetwork"]:
    """Shipped networks by name, in full precision; each is trained once in the whole session."""
    from rnscli.networks.training import trained

    def network(name: str) -> "TrainedNetwork":
        with locked(network_cache / f"{name}.lock"):
            return trained(name)

    return network


def train_once(patched: pytest.MonkeyPatch, network_cache: Path) -> None:
    """Commands of this process wait for a network that another one trains."""
    from rnscli.networks import training

    whole = training.trained

    def trained(name: str, **more: Any) -> "TrainedNetwork":
        with locked(network_cache / f"{name}.lock"):
            return whole(name, **more)

    patched.setattr(training, "trained", trained)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time: two would train the same."""
    import fcntl

    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures that are made."""
    figure = pytest.importorskip("matplotlib.figure")
    found: list[Any] = []
    make = figure.Figure

    def kept(*arguments: Any, **options: Any) -> Any:
        found.append(make(*arguments, **options))
        return found[-1]

    monkeypatch.setattr(figure, "Figure", kept)
    return found
