import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnscli.base.errors import InputError
from rnscli.base.files import check_writable, write_atomically


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def umask() -> Iterator[int]:
    old = os.umask(0o027)
    yield 0o027
    os.umask(old)


def test_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "new.bin"
    content = bytes(range(256)) * 1000
    write_atomically(path, content)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "old.txt"
    path.write_text("a longer text than the new one")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_relative_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_writable(Path("new.txt"), "--output")
    write_atomically(Path("new.txt"), b"new")
    assert (tmp_path / "new.txt").read_bytes() == b"new"


@pytest.mark.parametrize("where", ["os.replace", "os.fsync", "os.chmod"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    where: str, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **more: object) -> None:
        raise error

    path = tmp_path / "result.json"
    path.write_text("old")
    with monkeypatch.context() as patched:
        patched.setattr(where, fail)
        with pytest.raises(type(error)):
            write_atomically(path, b"new")
        with pytest.raises(type(error)):
            write_atomically(tmp_path / "other.json", b"new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_until_it_is_complete_the_old_file_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    path = tmp_path / "result.json"
    path.write_text("old")
    flush = os.fsync

    def look(descriptor: int) -> None:
        seen.append(path.read_text())
        flush(descriptor)

    monkeypatch.setattr("os.fsync", look)
    write_atomically(path, b"new")
    assert seen == ["old"]  # it was flushed to the disk, and before the old one went
    assert path.read_text() == "new"


@pytest.mark.parametrize("permissions", [0o600, 0o640, 0o664, 0o755, 0o444])
def test_permissions_are_kept(permissions: int, tmp_path: Path, umask: int) -> None:
    path = tmp_path / "result.json"
    path.write_text("old")
    path.chmod(permissions)
    write_atomically(path, b"new")
    assert mode(path) == permissions
    assert path.read_bytes() == b"new"


def test_a_new_file_has_the_usual_permissions(tmp_path: Path, umask: int) -> None:
    write_atomically(tmp_path / "atomic", b"")
    (tmp_path / "usual").touch()
    assert mode(tmp_path / "atomic") == mode(tmp_path / "usual") == 0o666 & ~umask
    assert os.umask(umask) == umask  # it is what it was


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    target, link = folder / "target.json", tmp_path / "link.json"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    check_writable(link, "--output")
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert (target.read_bytes(), mode(target)) == (b"new", 0o640)
    assert list(folder.iterdir()) == [target]


def test_a_link_to_nothing_makes_its_target(tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "target.json")
    check_writable(link, "--output")
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert (tmp_path / "target.json").read_bytes() == b"new"


def test_long_names(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 250 + ".json")
    check_writable(path, "--output")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


def test_checking_leaves_no_trace(tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    old.write_text("old")
    before = old.stat()
    check_writable(old, "--output")
    check_writable(tmp_path / "new.json", "--output")
    assert list(tmp_path.iterdir()) == [old]
    assert old.stat() == before


def test_paths_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path)
    for name, said in (
        (".", "directory"),
        ("link", "directory"),
        ("missing/result.json", "does not exist"),
        ("file/result.json", "does not exist"),
        ("pipe", "not a regular file"),
    ):
        with pytest.raises(InputError, match=said) as refused:
            check_writable(tmp_path / name, "--plot")
        assert str(refused.value).startswith(f"--plot {tmp_path / name}")


def test_a_folder_that_cannot_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **more: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", fail)
    with pytest.raises(InputError, match=r"--output .*result\.json .*Permission denied"):
        check_writable(tmp_path / "result.json", "--output")
