"""Blocks on a real scheduler and real workers, on the loopback interface."""

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from toys import (
    die,
    die_once,
    expected,
    fail_to_read,
    finals,
    many_threads,
    pause,
    refuse,
    slow,
    square,
    uneven,
    work,
)

import rnscli
from rnscli.base.errors import InputError, RnscliError
from rnscli.runtime import cluster as module
from rnscli.runtime.cluster import dask_engine
from rnscli.runtime.runner import Runner
from rnscli.runtime.store import Store

pytestmark = pytest.mark.thorough

pytest.importorskip("distributed")

PATH = os.pathsep.join([str(Path(__file__).parent), str(Path(rnscli.__file__).parents[1])])
Program = subprocess.Popen[str]


class Cluster:
    """A scheduler, and workers that come and go."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self._folder = folder
        # A worker that has been killed does not come back.
        hurry = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s"}
        self._environment = os.environ | {"PYTHONPATH": PATH} | hurry | settings
        self.workers: list[Program] = []
        told = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--port", "0", "--scheduler-file", str(told))
        self.address = ""
        give_up = time.monotonic() + 30
        while not self.address:
            assert self.scheduler.poll() is None and time.monotonic() < give_up
            time.sleep(0.02)
            if told.exists() and (text := told.read_text()).endswith("}"):
                self.address = json.loads(text)["address"]

    def _start(self, kind: str, *arguments: str) -> Program:
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *arguments]
        with (self._folder / f"{kind}.log").open("a") as log:
            return subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--no-dashboard"],
                stdout=log,
                stderr=log,
                text=True,
                cwd=self._folder,
                env=self._environment,
            )

    def begin_workers(self, number: int, threads: int = 1) -> None:
        """Begin some, without waiting for them."""
        self.workers += [
            self._start(
                *("worker", self.address, "--no-nanny", "--nthreads", str(threads)),
                *("--memory-limit", "0", "--local-directory", str(self._folder)),
            )
            for _ in range(number)
        ]

    def kill_worker(self) -> None:
        worker = self.workers.pop()
        worker.kill()
        worker.wait()

    @contextmanager
    def engine(self, workers: int = 2, threads: int = 1) -> Iterator[Any]:
        """An engine once it has so many workers."""
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        while len(self.workers) > workers:
            self.kill_worker()
        self.begin_workers(workers - len(self.workers), threads)
        from distributed import Client

        # Longer than the engine would, above all where a test makes that impatient.
        with Client(self.address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=60)
        with ExitStack() as stack:
            with pytest.MonkeyPatch.context() as patient:
                patient.setattr(module, "_PATIENCE", 60.0)
                engine = stack.enter_context(dask_engine(self.address))
            yield engine

    def stop(self) -> None:
        for program in (*self.workers, self.scheduler):
            program.kill()
            program.wait()


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Cluster]:
    cluster = Cluster(folder, **settings)
    try:
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running(tmp_path_factory.mktemp("cluster")) as started:
        yield started


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Cluster]:
    """For a single test, which may end it; a call that has ended one worker is given up."""
    settings = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    with running(tmp_path, **settings) as started:
        yield started


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 1.0)
    monkeypatch.setattr(module, "_RECOUNT", 0.1)


# Results


def test_one_process_two_and_a_cluster_print_the_same_bytes(
    cluster: Cluster, tmp_path: Path
) -> None:
    """The whole command, one of whose two workers is killed when a block has been recorded."""
    command = [
        *(sys.executable, "-m", "rnscli", "error-sim", "--bits", "6", "--pairs", "6e5"),
        *("--p", "1e-3", "--redundant", "1", "--attempts", "2", "--format", "json"),
    ]
    with cluster.engine():
        pass  # two workers are there
    path = tmp_path / "runs.db"
    spread = subprocess.Popen(
        [*command, "--scheduler", cluster.address, "--store", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    while not path.exists() or not path.stat().st_size or not count(path):
        assert spread.poll() is None
        time.sleep(0.01)
    assert count(path) < 10 * 4
    cluster.kill_worker()
    out, err = spread.communicate(timeout=60)
    assert (spread.returncode, err) == (0, b"")
    assert count(path) == 10 * 4  # of 65 536 pairs, for each core and range
    for jobs in ("1", "2"):
        assert subprocess.check_output([*command, "--jobs", jobs], timeout=60) == out


def count(path: Path) -> int:
    """Blocks in a store that another process writes, or is about to make."""
    with suppress(InputError), Store(path, read_only=True) as store:
        return sum(1 for task in store.tasks() for _ in store.blocks(task))
    return 0


def test_the_same_as_here(cluster: Cluster, tmp_path: Path) -> None:
    works = [
        work(seed, 15, function=uneven, enough=lambda total, samples: samples >= 90)
        for seed in range(4)
    ]
    with cluster.engine() as engine, Store(tmp_path / "there.db") as there:
        assert not engine.shares_files
        assert engine.capacity >= 4
        found = list(Runner(engine, there).run(works))
        with Store(tmp_path / "here.db") as here:
            assert found == list(Runner(store=here).run(works))
            records = {task.key: list(there.blocks(task)) for task in there.tasks()}
            for task in here.tasks():
                for kept, other in zip(here.blocks(task), records[task.key], strict=False):
                    assert kept.record == other.record


def test_threads_that_compute_at_once(cluster: Cluster) -> None:
    works = [work(seed, 12, function=many_threads) for seed in range(3)]
    with cluster.engine(workers=1, threads=4) as engine:
        assert list(Runner(engine).run(works)) == list(Runner().run(works))


def test_an_exception_arrives_as_itself_and_the_engine_works_on(cluster: Cluster) -> None:
    with cluster.engine() as engine:
        engine.submit((0, 0), refuse, "no `bits`")
        with pytest.raises(InputError, match=r"^no `bits`$"):
            engine.next_done()
        engine.submit((0, 1), fail_to_read, None)
        with pytest.raises(FileNotFoundError, match=r"weights\.npy"):
            engine.next_done()
        engine.submit((0, 2), square, 3)
        assert engine.next_done() == ((0, 2), 9)


def test_what_is_cancelled_never_comes_back(cluster: Cluster) -> None:
    with cluster.engine() as engine:
        for number in range(40):
            engine.submit((number % 2, number), pause, 0.05)
        engine.cancel({(1, number) for number in range(1, 40, 2)} | {(7, 7)})
        found = {engine.next_done()[0] for _ in range(20)}
        assert found == {(0, number) for number in range(0, 40, 2)}
        engine.submit((1, 1), square, 3)  # its token may be used again
        assert engine.next_done() == ((1, 1), 9)


def test_closing_is_prompt(cluster: Cluster) -> None:
    with cluster.engine() as engine:
        assert next(Runner(engine).run([work(blocks=10**9, function=slow)])).samples == 10
        for number in range(50):
            engine.submit((0, number), pause, 0.5)
        engine.next_done()
        start = time.monotonic()
    assert time.monotonic() - start < 10  # all would take 12 s


# Workers that go


def test_a_killed_worker_costs_only_its_blocks(cluster: Cluster) -> None:
    with cluster.engine() as engine:
        progress = Runner(engine).run([work(5, 40, function=slow)])
        for _ in range(6):
            next(progress)
        cluster.kill_worker()
        assert list(progress)[-1].total == expected(5, 40)


def test_all_workers_go_and_one_comes(cluster: Cluster, impatient: None) -> None:
    with cluster.engine() as engine:
        progress = Runner(engine).run([work(6, 40, function=slow)])
        for _ in range(6):
            next(progress)
        cluster.kill_worker()
        cluster.kill_worker()
        time.sleep(0.3)
        assert engine.capacity >= 1
        cluster.begin_workers(1)
        assert list(progress)[-1].total == expected(6, 40)


class Deserted:
    """What a client says of a scheduler without workers."""

    status = "running"

    def nthreads(self, **settings: float) -> dict[str, int]:
        return {}


def test_waiting_for_a_worker_is_said(impatient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    class SaidError(Exception):
        pass

    def warn(text: str, *more: object, **named: object) -> None:
        raise SaidError(text)

    monkeypatch.setattr(module.warnings, "warn", warn)
    client: Any = Deserted()
    with pytest.raises(SaidError, match="no workers left; waiting for one"):
        module._Cluster(client).next_done()


def test_a_call_that_dask_gives_up_is_sent_again(mortal: Cluster, tmp_path: Path) -> None:
    with mortal.engine() as engine:
        engine.submit((0, 0), die_once, str(tmp_path / "mark"))
        assert engine.next_done() == ((0, 0), "alive")


def test_a_call_that_ends_every_worker(mortal: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RETRIES", 1)
    with mortal.engine() as engine:
        engine.submit((0, 0), die, None)
        with pytest.raises(RnscliError, match="has ended every worker that it ran on"):
            engine.next_done()


# What is refused


def test_a_worker_with_another_version(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("numpy", "rnscli"):
        wanted = module.versions() | {name: "0.0.7"}
        monkeypatch.setattr(module, "versions", lambda wanted=wanted: wanted)
        with (
            cluster.engine() as engine,
            pytest.raises(InputError, match=rf"has {name} .*, but here is 0\.0\.7"),
        ):
            finals(Runner(engine), [work()])
        monkeypatch.undo()


def test_a_cluster_without_the_module(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "only_here.py").write_text("def twice(n):\n    return 2 * n\n")
    monkeypatch.syspath_prepend(tmp_path)
    function = __import__("only_here").twice
    with cluster.engine() as engine:
        engine.submit((0, 0), function, 1)
        with pytest.raises(RnscliError, match=r"cannot run rnscli.*install it there"):
            engine.next_done()


def test_workers_without_rnscli(mortal: Cluster, tmp_path: Path) -> None:
    """Dask ends a worker that cannot read a call, and nobody would say why it went."""
    (tmp_path / "rnscli").mkdir()
    (tmp_path / "rnscli/__init__.py").write_text("raise ImportError('not installed')\n")
    mortal._environment = mortal._environment | {"PYTHONPATH": str(tmp_path)}
    with (
        pytest.raises(RnscliError, match=r"tcp://.* says ImportError: not installed; install it"),
        mortal.engine(),
    ):
        pass
    assert all(worker.poll() is None for worker in mortal.workers)


def test_a_stopped_scheduler_is_said(mortal: Cluster, impatient: None) -> None:
    with mortal.engine(workers=1) as engine:
        engine.submit((0, 0), pause, 0.2)
        os.kill(mortal.scheduler.pid, signal.SIGSTOP)
        try:
            with pytest.warns(RuntimeWarning) as warned:
                threading.Timer(
                    2 * module._ANSWER + 0.5, os.kill, (mortal.scheduler.pid, signal.SIGCONT)
                ).start()
                assert engine.next_done()[0] == (0, 0)
            assert {str(one.message) for one in warned} == {module._SILENT}
        finally:
            os.kill(mortal.scheduler.pid, signal.SIGCONT)


@pytest.fixture
def certificates(tmp_path: Path) -> dict[str, str]:
    """Settings of Dask with a certificate that signs itself, for everybody."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=127.0.0.1", "-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    place = "DASK_DISTRIBUTED__COMM__"
    settings = {f"{place}TLS__CA_FILE": str(certificate), f"{place}DEFAULT_SCHEME": "tls"}
    for who in ("CLIENT", "SCHEDULER", "WORKER"):
        settings |= {f"{place}TLS__{who}__CERT": str(certificate)}
        settings |= {f"{place}TLS__{who}__KEY": str(key)}
    return settings


def test_encrypted_by_the_settings_of_dask(tmp_path: Path, certificates: dict[str, str]) -> None:
    command = [sys.executable, "-m", "rnscli", "error-sim", "--bits", "4", "--pairs", "1000"]
    with running(tmp_path, **certificates) as cluster:
        assert cluster.address.startswith("tls://")
        cluster.begin_workers(1)
        line = [*command, "--scheduler", cluster.address]
        found = subprocess.run(
            line, env=os.environ | certificates, capture_output=True, check=False, timeout=120
        )
        assert (found.returncode, found.stderr) == (0, b"")
        assert found.stdout == subprocess.check_output(command)
        bare = subprocess.run(line, capture_output=True, text=True, check=False, timeout=120)
        assert bare.returncode == 2
        assert "does not answer" in bare.stderr and bare.stderr.count("\n") == 1


def test_a_scheduler_without_workers(mortal: Cluster, impatient: None) -> None:
    with pytest.raises(InputError, match="has no workers"), dask_engine(mortal.address):
        pass


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_nothing_at_the_address(impatient: None) -> None:
    for address in (f"tcp://127.0.0.1:{free_port()}", "tcp://127.0.0.1:99999", "tls://127.0.0.1:9"):
        start = time.monotonic()
        with pytest.raises(InputError, match="does not answer") as caught, dask_engine(address):
            pass
        assert address in str(caught.value) and "\n" not in str(caught.value)
        assert time.monotonic() - start < 60


def test_something_else_at_the_address(impatient: None) -> None:
    """It accepts the connection, and says nothing or nonsense."""
    for said in (b"", b"SSH-2.0-OpenSSH_9.2\r\n" * 20):
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen()
            server.settimeout(10)
            address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
            with pytest.raises(InputError, match="does not answer"):
                _enter_while(server, said, address)


def _enter_while(server: socket.socket, said: bytes, address: str) -> None:
    def answer() -> None:
        connection, _ = server.accept()
        connection.sendall(said)
        over.wait(20)
        connection.close()

    over = threading.Event()
    thread = threading.Thread(target=answer)
    thread.start()
    try:
        with dask_engine(address):
            pass
    finally:
        over.set()
        thread.join()


def test_without_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    find: Callable[..., Any] = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *more: None if name == "distributed" else find(name, *more),
    )
    with (
        pytest.raises(InputError, match=r"pip install 'rnscli\[distributed\]'"),
        dask_engine("tcp://127.0.0.1:1"),
    ):
        pass


# Standard error, which belongs to rnscli

SCRIPT = """
import sys, time
from rnscli.base.errors import RnscliError
from rnscli.runtime import cluster
from rnscli.runtime.runner import Runner
from toys import finals, slow, work

cluster._PATIENCE = float(sys.argv[2])
try:
    with cluster.dask_engine(sys.argv[1]) as engine:
        for update in Runner(engine).run([work(5, int(sys.argv[3]), function=slow)]):
            print(update.samples, flush=True)
        print(update.total["a"].record())
except RnscliError as error:
    print(f"{type(error).__name__}: {error}")
"""


@contextmanager
def script(address: str, patience: float, blocks: int) -> Iterator[Program]:
    program = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, address, str(patience), str(blocks)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": PATH},
    )
    try:
        yield program
    finally:
        program.kill()
        program.communicate()


def test_a_killed_worker_is_not_worth_a_word(cluster: Cluster) -> None:
    with cluster.engine(), script(cluster.address, 10.0, 30) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "10\n"
        cluster.kill_worker()
        said, complaints = program.communicate(timeout=60)
    assert (program.returncode, complaints) == (0, "")
    assert said.splitlines()[-1] == str(expected(5, 30)["a"].record())


@pytest.mark.parametrize("patience", [60.0, 2.0])
def test_a_killed_scheduler_is_one_sentence(mortal: Cluster, patience: float) -> None:
    mortal.begin_workers(1)
    with script(mortal.address, patience, 10**6) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "10\n"
        start = time.monotonic()
        mortal.scheduler.kill()
        said, complaints = program.communicate(timeout=120)
    assert time.monotonic() - start < 30
    assert (program.returncode, complaints) == (0, "")
    assert said.splitlines()[-1].startswith("RnscliError: the connection to the `scheduler` is")


def test_nothing_there_is_one_sentence() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        for port in (free_port(), silent.getsockname()[1]):
            with script(f"tcp://127.0.0.1:{port}", 0.5, 1) as program:
                said, complaints = program.communicate(timeout=60)
            assert (program.returncode, complaints) == (0, "")
            assert said.startswith("InputError: ") and said.count("\n") == 1


def test_calls_after_the_connection_is_lost(mortal: Cluster, impatient: None) -> None:
    """While Dask still hopes for the scheduler to come back, and after."""
    with mortal.engine(workers=1) as engine:
        engine.submit((0, 0), square, 3)
        assert engine.next_done() == ((0, 0), 9)
        engine.submit((0, 9), pause, 5.0)
        mortal.scheduler.kill()
        time.sleep(0.3)
        start = time.monotonic()
        for number in (1, 2):
            assert engine.capacity >= 1
            with pytest.raises(RnscliError, match="connection to the `scheduler` is lost"):
                engine.submit((0, number), square, 3)
                engine.next_done()
            time.sleep(1.0)
        assert time.monotonic() - start < 60
        engine.cancel({(0, 9)})  # as a runner does when it ends; there is nothing to say now
