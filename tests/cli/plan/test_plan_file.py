"""The line of each key of a plan, which the TOML parser does not tell."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plans import write_plan

from rnscli.cli.plan.plan import MAX_BYTES, PlanError, PlanFile

QUICK = settings(max_examples=80, deadline=None, derandomize=True)

SHAPES = '''\
# [run.a] in a comment
title = """
[run.a]
bits = 4
""" # and behind it

defaults.bits = 4
defaults . "vector-size" = 16
[defaults.error-sim]
pairs = [ # one
  10,

  20, # [run.z]
]
[run.b.deeper]
x = {y = 1, z = {w = 2}}
[run."a"] # a quoted name
'bits' = \'\'\'
bits = 5
\'\'\'
"redundant" = [
  [1, 2],
  ["]", "]]", '#'],
]
p = 1e-3
[run]
c = { command = "moduli", bits = 4 }
d.command = "moduli"
d.bits = 5
[[odd]]
x = 1
[[odd]]
y = 2
[run.b]
command = "x"'''
LINES = [
    (("title",), 2),
    (("defaults",), 7),
    (("defaults", "bits"), 7),
    (("defaults", "vector-size"), 8),
    (("defaults", "error-sim"), 9),
    (("defaults", "error-sim", "pairs"), 10),
    (("run",), 15),
    (("run", "b"), 15),
    (("run", "b", "deeper"), 15),
    (("run", "b", "deeper", "x"), 16),
    (("run", "b", "deeper", "x", "z", "w"), 16),
    (("run", "a"), 17),
    (("run", "a", "bits"), 18),
    (("run", "a", "redundant"), 21),
    (("run", "a", "p"), 25),
    (("run", "c"), 27),
    (("run", "c", "bits"), 27),
    (("run", "d"), 28),
    (("run", "d", "bits"), 29),
    (("odd",), 30),
    (("run", "b", "command"), 35),
]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("end", ["", "\n", "\n\n# the end", "\n\n\n"])
def test_every_shape_of_a_statement(newline: str, end: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_bytes((SHAPES + end).replace("\n", newline).encode())
    file = PlanFile.read(path)
    assert {keys: file.line_of(*keys) for keys, _ in LINES} == dict(LINES)
    assert file.at("title") == f"{path}, line 2"


VALUES = st.sampled_from(
    [
        "6",
        "1e-3",
        "inf",
        "true",
        "1979-05-27",
        '"a # text"',
        "'[run.a]'",
        r'"\\\" [ \\\\"',
        "''",
        '""',
        '""""""',
        '"""a"""""',
        "'''a['''''",
        '"""\\"""[\n"""',
        '"""\n[run.a]\nbits = 4\n"""',
        "'''\nkey0 = 4\n\n#\n'''",
        '"""one \\\n   line"""',
        "[]",
        "[\n]",
        "[1,\n  2, # two\n\n]",
        '[ # "\n  "]",\n  [\n  3]\n]',
        "{}",
        "{ key0 = 1, key1 = [1,\n 2] }",
        '{ a = """\n[run.b]\n""" }',
    ]
)
GAPS = st.lists(st.sampled_from(["", "# key0 = 1", "  ", "# [run.r0]", "\t# '''"]), max_size=2)
STYLES = st.sampled_from(["{}", '"{}"', "'{}'", "  {}"])
ENTRIES = st.lists(st.tuples(GAPS, STYLES, VALUES), max_size=4)
Entries = list[tuple[list[str], str, str]]


@QUICK
@given(
    ENTRIES,
    ENTRIES,
    st.lists(st.tuples(GAPS, STYLES, ENTRIES), max_size=4),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
)
def test_random_plans(
    top: Entries,
    dotted: Entries,
    runs: list[tuple[list[str], str, Entries]],
    finished: bool,
    newline: str,
) -> None:
    """Whose lines are known as they are put together."""
    lines: list[str] = []
    known: dict[tuple[str, ...], int] = {}

    def add(keys: tuple[str, ...], gap: list[str], statement: str) -> None:
        lines.extend(gap)
        for length in range(1, len(keys) + 1):
            known.setdefault(keys[:length], len(lines) + 1)
        lines.extend(statement.split("\n"))

    for number, (gap, style, value) in enumerate(top):
        add((f"key{number}",), gap, f"{style.format(f'key{number}')} = {value}")
    for number, (gap, style, value) in enumerate(dotted):
        name = style.format(f"key{number}")
        add(("run", "dotted", f"key{number}"), gap, f"run . dotted.{name} = {value}")
    for index, (gap, style, entries) in enumerate(runs):
        add(("run", f"r{index}"), gap, f"[run.{style.format(f'r{index}')}] # [run.r9]")
        for number, (inner, style_of_key, value) in enumerate(entries):
            name = style_of_key.format(f"key{number}")
            add(("run", f"r{index}", f"key{number}"), inner, f"{name} = {value}")
    text = newline.join(lines) + (newline if finished else "")
    text = text.replace("\r\n", "\n").replace("\n", newline)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plan.toml"
        path.write_bytes(text.encode())
        file = PlanFile.read(path)
    assert {keys: file.line_of(*keys) for keys in known} == known


def test_long_values_and_many_keys_take_no_time(tmp_path: Path) -> None:
    many = "".join(f"[run.r{number}]\nbits = 4\n" for number in range(3000))
    path = write_plan(tmp_path, "x = [\n" + "  1,\n" * 30_000 + "]\n" + many)
    file = PlanFile.read(path)
    assert file.line_of("x") == 1
    for number in range(3000):
        assert file.line_of("run", f"r{number}", "bits") == 30_004 + 2 * number


# What is no TOML


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("[run.a\nbits = 4", 1, "it is not TOML"),
        ("\n\nbits = ", 3, "it is not TOML"),
        ("title = 'x'\n# more\nbits 4\n", 3, "it is not TOML"),
        ("a = 1\n\na = 2\n", 3, "it is not TOML"),
        ("a = [\n1,\n\n", 4, "it is not TOML"),
        ('a = """\n\n', 3, "it is not TOML"),
        ("[run.a]\n[run.b]\n\n[run.a]\n", 4, "two runs of the name a; rename one"),
        ("[run.a]\r\n[run.b]\r\n\r\n[run.'a']\r\n", 4, "two runs of the name a"),
        ('[run."a b\'c"]\n[run."a b\'c"]\n', 2, "declare .*a b'c.* twice"),
        ("a = 1\rb = 2", 1, "it is not TOML"),
    ],
)
def test_what_is_no_toml_is_refused_with_the_line(
    text: str, line: int, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "plan.toml"
    path.write_bytes(text.encode())
    with pytest.raises(PlanError, match=said) as refused:
        PlanFile.read(path)
    assert str(refused.value).startswith(f"{path}, line {line}: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"title = '\xff'", "UTF-8"),
        (b"\xff\xfe[\x00r\x00u\x00n\x00]\x00", "UTF-8"),
        (b"\x00\x00", "not TOML"),
        (b"# " + b"x" * MAX_BYTES, str(MAX_BYTES)),
        (b"x = " + b"[" * 10_000, "nested too deeply"),
    ],
)
def test_what_is_no_plan(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_bytes(content)
    with pytest.raises(PlanError, match=said) as refused:
        PlanFile.read(path)
    assert str(refused.value).startswith(str(path))
    assert len(str(refused.value)) < 300


def test_what_cannot_be_read(tmp_path: Path) -> None:
    for path, said in ((tmp_path, "directory"), (tmp_path / "missing.toml", "No such file")):
        with pytest.raises(PlanError, match=said):
            PlanFile.read(path)
