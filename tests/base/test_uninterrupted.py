import signal
import threading
from collections.abc import Iterator

import pytest

from rnscli.base.files import uninterrupted

BOTH = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture
def heard() -> Iterator[list[int]]:
    """The signals that have been handled, in their order."""
    found: list[int] = []
    before = [signal.signal(number, lambda number, _: found.append(number)) for number in BOTH]
    yield found
    for number, handler in zip(BOTH, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", BOTH)
def test_a_signal_waits_until_the_end(number: int, heard: list[int]) -> None:
    with uninterrupted():
        signal.raise_signal(number)
        assert heard == []
    assert heard == [number]
    signal.raise_signal(number)  # is handled as before
    assert heard == [number, number]


def test_within_another(heard: list[int]) -> None:
    with uninterrupted():
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
        assert heard == []
        signal.raise_signal(signal.SIGTERM)
    assert heard == [signal.SIGINT, signal.SIGTERM]


def test_an_error_ends_it_too(heard: list[int]) -> None:
    with pytest.raises(ValueError, match="of its own"), uninterrupted():
        signal.raise_signal(signal.SIGINT)
        raise ValueError("of its own")
    assert heard == [signal.SIGINT]


def test_an_interrupt_is_raised_where_it_ends(heard: list[int]) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it is ignored
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        signal.raise_signal(signal.SIGINT)
        done.append("whole")
    assert done == ["whole"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_the_system_ignores_stays_so(heard: list[int]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with uninterrupted():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    assert heard == []


def test_in_another_thread_there_is_nothing_to_keep_back(heard: list[int]) -> None:
    def step() -> None:
        with uninterrupted():
            assert callable(before := signal.getsignal(signal.SIGINT))
            assert before is handler

    handler = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=step)
    thread.start()
    thread.join()
