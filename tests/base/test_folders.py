import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnscli.base.errors import InputError
from rnscli.base.files import check_folder, write_folder

FILES = {"a.json": b"new", "deep/er/b.bin": bytes(range(256)), ".hidden": b""}
OWN = ("a.json", "deep/er/b.bin", ".hidden", "m" * 255)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def held(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def umask() -> Iterator[int]:
    old = os.umask(0o027)
    yield 0o027
    os.umask(old)


@pytest.mark.parametrize("durable", [True, False])
def test_a_new_folder(durable: bool, tmp_path: Path) -> None:
    path = tmp_path / "new"
    write_folder(path, FILES, durable)
    assert held(path) == FILES
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "old"
    write_folder(path, {"a.json": b"old", "deep/gone": b"old", "gone": b"old"})
    (path / "link").symlink_to(tmp_path / "kept")
    (tmp_path / "kept").write_text("kept")
    write_folder(path, FILES)
    assert held(path) == FILES
    assert sorted(item.name for item in tmp_path.iterdir()) == ["kept", "old"]
    assert (tmp_path / "kept").read_text() == "kept"  # where the link in it pointed to


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("empty", "new"):
        write_folder(tmp_path / name, {})
        assert held(tmp_path / name) == {}


def test_a_relative_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("new", "./new/", "new/../new"):
        check_folder(Path(name), "--output", True, "", OWN)
        write_folder(Path(name), FILES)
        assert held(tmp_path / "new") == FILES
    assert [item.name for item in tmp_path.iterdir()] == ["new"]


CALLS = ("os.mkdir", "os.chmod", "io.open", "os.fsync", "os.rename")


class Failing:
    """A system call that fails the n-th time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str, at: int, error: BaseException):
        module, function = name.split(".")
        self._original = getattr(__import__(module), function)
        self._at, self._error = at, error
        self.calls = 0
        monkeypatch.setattr(name, self)

    def __call__(self, *arguments: object, **more: object) -> object:
        self.calls += 1
        if self.calls == self._at:
            raise self._error
        return self._original(*arguments, **more)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("existing", [False, True])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_folder_and_nothing_else(
    call: str, existing: bool, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever time the call is made."""
    for at in range(1, 20):
        place = tmp_path / f"{at}"
        place.mkdir()
        path = place / "results"
        old = {"a.json": b"old", "c": b"old"}
        if existing:
            write_folder(path, old)
        with monkeypatch.context() as patched:
            failing = Failing(patched, call, at, error)
            try:
                write_folder(path, FILES)
            except type(error):
                reached = True
            else:
                reached = False
        assert [item.name for item in place.iterdir()] == (["results"] if path.exists() else [])
        if not reached:
            assert failing.calls < at or call == "os.mkdir"  # of what is cleared up
            assert held(path) == FILES
            assert at > 1
            return
        assert (held(path) if path.exists() else None) == (old if existing else None)
    raise AssertionError("it never succeeded")


def test_until_it_is_complete_the_old_folder_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results"
    write_folder(path, {"a.json": b"old"})
    seen = []
    flush = os.fsync

    def look(descriptor: int) -> None:
        seen.append(held(path))
        flush(descriptor)

    monkeypatch.setattr("os.fsync", look)
    write_folder(path, FILES)
    assert seen[: len(FILES)] == [{"a.json": b"old"}] * len(FILES)
    assert held(path) == FILES
    seen.clear()
    write_folder(path, FILES, durable=False)
    assert seen == []


@pytest.mark.parametrize("existing", [False, True])
def test_permissions_are_the_usual_ones(existing: bool, tmp_path: Path, umask: int) -> None:
    path = tmp_path / "results"
    if existing:
        write_folder(path, {})
    write_folder(path, FILES)
    (tmp_path / "usual").mkdir()
    (tmp_path / "usual" / "file").touch()
    assert mode(path) == mode(path / "deep" / "er") == mode(tmp_path / "usual")
    assert mode(path / "a.json") == mode(tmp_path / "usual" / "file") == 0o666 & ~umask
    assert os.umask(umask) == umask  # it is what it was


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "target", tmp_path / "link"
    write_folder(target, {"a.json": b"old"})
    link.symlink_to(target)
    check_folder(link, "--output", True, "", OWN)
    write_folder(link, FILES)
    assert link.is_symlink()
    assert held(target) == FILES
    assert list((tmp_path / "elsewhere").iterdir()) == [target]


def test_a_link_to_nothing_makes_its_target(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "target")
    check_folder(link, "--output", False, "", OWN)
    write_folder(link, FILES)
    assert link.is_symlink()
    assert held(tmp_path / "target") == FILES


def test_long_names(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    for _ in range(2):
        check_folder(path, "--output", True, "", OWN)
        write_folder(path, {"a.json": b"", "m" * 255: b"new"})
        assert held(path) == {"a.json": b"", "m" * 255: b"new"}
    assert list(tmp_path.iterdir()) == [path]


def state(folder: Path) -> tuple[int, ...]:
    """All that is known of a folder but when it was last read."""
    now = folder.stat()
    return now.st_ino, now.st_mode, now.st_nlink, now.st_size, now.st_mtime_ns, now.st_ctime_ns


def test_checking_leaves_no_trace(tmp_path: Path) -> None:
    old = tmp_path / "old"
    write_folder(old, FILES)
    before = state(old)
    check_folder(old, "--output", True, "", OWN)
    check_folder(tmp_path / "new", "--output", False, "", OWN)
    with pytest.raises(InputError):
        check_folder(old, "--output", False, "no", OWN)
    assert list(tmp_path.iterdir()) == [old]
    assert state(old) == before


def test_folders_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name, said in (
        ("folder", "exists; give another name"),
        ("file", "is a file; give the name of a folder"),
        ("pipe", "is a file"),
        ("n" * 300, "too long"),
        ("missing/results", r"the folder .*missing does not exist"),
        ("file/results", r"the folder .*file does not exist"),
    ):
        with pytest.raises(InputError, match=said) as refused:
            check_folder(tmp_path / name, "--output", False, "give another name", OWN)
        assert str(refused.value).startswith(f"--output {tmp_path / name}")
    with pytest.raises(InputError, match="exists, and rnscli has not written it"):
        check_folder(Path("/"), "--output", True, "", OWN)


def test_what_somebody_else_has_written_is_never_replaced(tmp_path: Path) -> None:
    for name in ("mine/folder", "mine/notes.md", "both/a.json", "both/deep/notes.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("mine")
    for may_exist in (False, True):
        with pytest.raises(InputError, match="mine exists, and rnscli has not written it"):
            check_folder(tmp_path / "mine", "--output", may_exist, "", OWN)
        with pytest.raises(
            InputError, match=r"both holds deep/notes\.md, which rnscli has not written"
        ):
            check_folder(tmp_path / "both", "--output", may_exist, "", OWN)


def test_a_folder_that_cannot_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **more: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", fail)
    monkeypatch.setattr("tempfile.TemporaryFile", fail)
    with pytest.raises(InputError, match=r"--output .*results .*Permission denied"):
        check_folder(tmp_path / "results", "--output", False, "", OWN)
    with pytest.raises(PermissionError):
        write_folder(tmp_path / "results", FILES)
    assert list(tmp_path.iterdir()) == []
