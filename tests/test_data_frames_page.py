"""What docs/data-frames.md shows works, in order and in one folder."""

import re
import shlex
from pathlib import Path

import pytest

from rnscli.cli.main import run

PAGE = (Path(__file__).parent.parent / "docs" / "data-frames.md").read_text(encoding="utf-8")


@pytest.mark.thorough
def test_results_are_read_into_pandas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for kind, block in re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL):
        if kind == "sh":
            for line in block.splitlines():
                assert run(shlex.split(line.removeprefix("rnscli "))) == 0
            capsys.readouterr()
        else:
            names: dict[str, object] = {}
            exec(block, names)
    import pandas

    frames = {"csv": pandas.read_csv("rows.csv"), "json": names["frame"]}
    assert (
        run(shlex.split("fault-prob --bits 6 --redundant 2 --attempts inf --p 1e-3 --output i.csv"))
        == 0
    )
    assert pandas.read_csv("i.csv")["attempts"].tolist() == [float("inf")]
    for frame in frames.values():
        assert isinstance(frame, pandas.DataFrame)
        assert (
            frame["p_err"].round(12).tolist()[:1] == frames["csv"]["p_err"].round(12).tolist()[:1]
        )
        assert len(frame) == 4
    lists = frames["csv"]["moduli"].str.split().map(lambda some: [int(m) for m in some])
    assert lists.tolist() == frames["json"]["moduli"].tolist()  # type: ignore[index]
