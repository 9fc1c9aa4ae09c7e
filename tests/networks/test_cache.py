import multiprocessing
import os
from pathlib import Path

import pytest

from rnscli.networks.training import Cache, user_cache


def test_what_is_written_is_read(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "not" / "yet" / "there")
    assert cache.read("name") is None
    assert cache.write("name", b"content")
    assert cache.read("name") == b"content"
    assert cache.write("name", b"other")
    assert cache.read("name") == b"other"


def blocked(folder: Path) -> Path:
    """A place that nobody can make a folder in, not even root."""
    (folder / "file").write_text("")
    return folder / "file" / "cache"


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    cache = Cache(blocked(tmp_path))
    assert not cache.write("name", b"content")
    assert cache.read("name") is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert not Cache(tmp_path).write("name", b"content")


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    cache = Cache(tmp_path)
    assert cache.write("name", b"old")
    monkeypatch.setattr("os.fsync", full)
    assert not cache.write("name", b"new")
    assert cache.read("name") == b"old"
    assert list(tmp_path.iterdir()) == [tmp_path / "name"]


def test_a_folder_of_that_name(tmp_path: Path) -> None:
    (tmp_path / "name").mkdir()
    cache = Cache(tmp_path)
    assert cache.read("name") is None
    assert not cache.write("name", b"content")


def hammer(folder: Path, letter: bytes) -> bool:
    """Write, and look at whatever is there: never a part, never a mixture."""
    cache = Cache(folder)
    for _ in range(50):
        assert cache.write("name", letter * 100_000)
        content = cache.read("name")
        assert content is not None
        assert len(content) == 100_000
        assert len(set(content)) == 1
    return True


@pytest.mark.thorough
def test_two_processes(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.starmap(hammer, [(tmp_path, b"a"), (tmp_path, b"b")]) == [True, True]
    assert list(tmp_path.iterdir()) == [tmp_path / "name"]


def test_places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("RNSCLI_CACHE", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert user_cache() == Cache(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RNSCLI_CACHE", "here")
    assert user_cache() == Cache(tmp_path / "here")
    monkeypatch.setenv("RNSCLI_CACHE", "")
    assert user_cache() == Cache(Path("/xdg/rnscli"))
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert user_cache() == Cache(Path("/home/me/.cache/rnscli"))
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert user_cache() == Cache(Path("/home/me/.cache/rnscli"))


def test_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("RNSCLI_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert user_cache() == Cache(None)
