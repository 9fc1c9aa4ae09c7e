"""Ctrl-C and SIGTERM at every stage of a command.

A program that is told to send the signal to its group when it comes to a stage, as a terminal
does to all of them: no time is waited for, so a busy machine changes nothing.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from plans import no_process_is_left

from rnscli.cli import main
from rnscli.runtime import processes

pytestmark = pytest.mark.thorough

PROGRAM = """\
import atexit, hashlib, os, signal, sys, threading, time
unsent = [int(sys.argv.pop(1))]

def send():
    if unsent:
        os.killpg(0, unsent.pop())

def around(owner, name, before=None, after=None):
    whole = getattr(owner, name)
    def call(*arguments, **more):
        before and before()
        result = whole(*arguments, **more)
        after and after()
        return result
    setattr(owner, name, call)

class Importing:
    def __init__(self, name):
        self.name = name
        sys.meta_path.insert(0, self)
    def find_spec(self, name, path=None, target=None):
        if name == self.name:
            send()

class Gone:
    def __del__(self):
        send()

def stalled():
    send()
    time.sleep(3600)

def in_c():
    threading.Timer(0.1, send).start()
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)  # half an hour

def unread():
    os.set_blocking(2, False)
    try:
        while True:
            os.write(2, b"x" * 65536)
    except BlockingIOError:
        os.set_blocking(2, True)

"""
STAGES = {
    "the command line is imported": "Importing('click')",
    "the command is imported": "Importing('rnscli.cli.commands.error_sim')",
    "a library is imported": "Importing('numpy')",
    "the command begins": "import rnscli.cli.main as m; around(m, '_prepare', after=send)",
    "a server of processes is to start": (
        "from multiprocessing import forkserver as f; around(f, 'ensure_running', before=send)"
    ),
    "a server of processes has started": (
        "from multiprocessing import forkserver as f; around(f, 'ensure_running', after=send)"
    ),
    "a process is to start": (
        "from multiprocessing.process import BaseProcess as p; around(p, 'start', before=send)"
    ),
    "a process is forked, and not told yet what it is": (
        "from multiprocessing import forkserver as f; "
        "around(f, 'connect_to_new_process', after=stalled)"
    ),
    "a process has started": (
        "from multiprocessing.process import BaseProcess as p; around(p, 'start', after=send)"
    ),
    "a call is sent": (
        "from multiprocessing.connection import Connection as c; "
        "around(c, 'send_bytes', after=send)"
    ),
    "a result has come": (
        "from multiprocessing.connection import Connection as c; "
        "around(c, 'recv_bytes', after=send)"
    ),
    "the next result is waited for": (
        "from rnscli.runtime.processes import _Processes as p; around(p, 'next_done', before=send)"
    ),
    "a block is recorded": (
        "from rnscli.runtime.store import Store as s; around(s, 'save', before=send)"
    ),
    "the processes are ended": (
        "from rnscli.runtime.processes import _Processes as p; around(p, 'close', before=send)"
    ),
    "a temporary file is made": "import tempfile as t; around(t, 'mkstemp', after=send)",
    "the file is written": "around(os, 'fsync', before=send)",
    "the file is put in its place": "around(os, 'replace', before=send)",
    "an object goes": (
        "from rnscli.runtime.processes import _Processes as p; around(p, 'next_done', before=Gone)"
    ),
    "a call into C takes long": (
        "from rnscli.runtime.processes import _Processes as p; around(p, 'next_done', before=in_c)"
    ),
    "Python would wait at exit": (
        "atexit.register(time.sleep, 3600); "
        "from rnscli.runtime.processes import _Processes as p; around(p, 'next_done', before=send)"
    ),
    "a thread never ends": (
        "threading.Thread(target=time.sleep, args=[3600]).start(); "
        "from rnscli.runtime.processes import _Processes as p; around(p, 'next_done', before=send)"
    ),
}
AT_ITS_END = ("the processes are ended", "the file is written", "the file is put in its place")
ENDS = {signal.SIGINT: (130, "interrupted"), signal.SIGTERM: (143, "terminated")}


class Ended(NamedTuple):
    """What a program left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def ended(tmp_path: Path) -> Callable[..., Ended]:
    """A command that sends itself a signal; nothing is left of it but what it says."""

    def run(stage: str, number: int, *arguments: object) -> Ended:
        program = f"{PROGRAM}{stage}\nfrom rnscli.__main__ import main\nmain()\n"
        with tempfile.TemporaryDirectory() as temporary:  # names of sockets may not be long
            process = subprocess.Popen(
                [sys.executable, "-c", program, str(int(number)), *map(str, arguments)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                cwd=tmp_path,
                env=os.environ | {"TMPDIR": temporary},
                start_new_session=True,
            )
            try:
                process.wait(60)  # what takes one or two seconds, and else for ever
                no_process_is_left(process.pid)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                out, err = process.communicate()
            assert not any(Path(temporary).iterdir())
        return Ended(process.returncode, out, err)

    return run


SIMULATION = ("error-sim", "--bits", 6, "--output", "result.json", "--pairs")


@pytest.mark.parametrize("stage", STAGES)
def test_one_line_and_nothing_is_left(stage: str, ended: Any, tmp_path: Path) -> None:
    number = list(ENDS)[list(STAGES).index(stage) % 2]
    code, word = ENDS[number]
    pairs = 1000 if stage in AT_ITS_END else 10**9
    found = ended(STAGES[stage], number, *SIMULATION, pairs, "--jobs", 2, "--store", "runs.db")
    assert found == (code, "", f"rnscli: {word}\n")
    for path in tmp_path.iterdir():
        assert path.name == "result.json" or path.name.startswith("runs.db")


@pytest.mark.parametrize("stage", ["the command begins", "a block is recorded"])
@pytest.mark.parametrize("number", ENDS)
def test_in_one_process(stage: str, number: int, ended: Any) -> None:
    code, word = ENDS[number]
    found = ended(STAGES[stage], number, *SIMULATION, 10**9, "--store", "runs.db")
    assert found == (code, "", f"rnscli: {word}\n")


@pytest.mark.parametrize(
    "command",
    [
        "fault-prob --redundant 2 --p 1e-3 --validate 1e9",
        "design --bits 4..8 --vector-size 64,128 --p 1e-3 --pairs 1e7",
    ],
)
@pytest.mark.parametrize("stage", ["a process is to start", "a process has started"])
def test_other_commands_as_their_workers_start(command: str, stage: str, ended: Any) -> None:
    found = ended(STAGES[stage], signal.SIGINT, *command.split(), "--jobs", 2)
    assert found == (130, "", "rnscli: interrupted\n")


@pytest.mark.parametrize("at", ["send", "in_c"])
def test_where_nobody_reads_the_line(at: str, ended: Any) -> None:
    """Standard error is a pipe, and it is full."""
    stage = "from rnscli.runtime.processes import _Processes as p; "
    stage += f"around(p, 'next_done', before=lambda: (unread(), {at}()))"
    assert ended(stage, signal.SIGINT, *SIMULATION, 10**9, "--jobs", 2).code == 130


def test_all_of_it_takes_two_seconds_at_most() -> None:
    """On an idle machine: of the rest, what is waited for is bounded by these."""
    assert processes._PATIENCE + main._PATIENCE + main._LAST < 2


def test_little_is_imported_before_there_are_handlers() -> None:
    """Until then Python itself prints where it was."""
    program = "import sys, rnscli.__main__; print({'contextlib', 'typing'} & {*sys.modules})"
    environment = os.environ | {"PYTHONPATH": str(Path(main.__file__).parents[2])}
    command = [sys.executable, "-S", "-c", program]
    assert subprocess.check_output(command, env=environment, text=True) == "set()\n"
