"""Plans are refused as a whole, with the line of each thing that is wrong."""

from pathlib import Path

import pytest
from plans import sentences, write_plan

GOOD = '[run.a]\ncommand = "moduli"\n'


# What is wrong


@pytest.mark.parametrize(
    ("text", "line", "named"),
    [
        # the plan
        ("title = 3\n" + GOOD, 1, "title must be a text"),
        ("\nruns = 3\n" + GOOD, 2, "unknown key runs; did you mean run?"),
        ("\n[default]\nbits = 4\n" + GOOD, 2, "unknown key default; did you mean defaults?"),
        ("jobs = 2\n" + GOOD, 1, "unknown key jobs"),
        ("run = 4", 1, "run must be a table for each run, [run.NAME]"),
        ("run = [{command = 'moduli'}]", 1, "run must be a table for each run"),
        ("[[run]]\ncommand = 'moduli'", 1, "run must be a table for each run"),
        ("defaults = 4\n" + GOOD, 1, "defaults must be a table of options"),
        # names
        ("[run.'a.b']\ncommand = 'moduli'", 1, "'a.b' cannot name a run"),
        ("[run.'']\ncommand = 'moduli'", 1, "'' cannot name a run"),
        ("[run.'../a']\ncommand = 'moduli'", 1, "cannot name a run"),
        ("[run.-a]\ncommand = 'moduli'", 1, "'-a' cannot name a run"),
        ("[run.'ä']\ncommand = 'moduli'", 1, "cannot name a run"),
        (f"[run.{'a' * 65}]\ncommand = 'moduli'", 1, "up to 64"),
        (f"[run.{'a' * 9000}]\ncommand = 'moduli'", 1, "up to 64"),
        ("[run.summary]\ncommand = 'moduli'", 1, "'summary' cannot name a run"),
        ("[run.Plan]\ncommand = 'moduli'", 1, "'Plan' cannot name a run"),
        (GOOD + "\n[run.A]\ncommand = 'moduli'", 4, "runs a and A would share files"),
        (GOOD + "\n[run.a]\ncommand = 'moduli'", 4, "two runs of the name a"),
        # commands
        ("[run]\na = 4", 2, "run a must be a table, [run.a]"),
        ("[run.a]\nbits = 4", 1, "run a: has no command; it is one of moduli, error-sim"),
        ("[run.a]\n\ncommand = 4", 3, "run a: unknown command 4"),
        ("[run.a]\ncommand = 'modul'", 2, "unknown command 'modul'; did you mean moduli?"),
        ("[run.a]\ncommand = 'error_sim'", 2, "did you mean error-sim?"),
        ("[run.a]\ncommand = 'batch'", 2, "unknown command 'batch'"),
        ("[run.a]\ncommand = ''", 2, "unknown command ''"),
        ("[run.a]\ncommand = 'zzz'", 2, "it is one of moduli, error-sim, fault-prob, noise"),
        # keys
        (GOOD + "\nbit = 4", 4, "moduli has no option bit; did you mean bits?"),
        (GOOD + "vectorsize = 4", 3, "did you mean vector_size?"),
        (GOOD + "pairs = 4", 3, "moduli has no option pairs"),
        (GOOD + "Bits = 4", 3, "did you mean bits?"),
        (GOOD + "'--bits' = 4", 3, "moduli has no option --bits"),
        (GOOD + "jobs = 2", 3, "jobs is for all runs; give --jobs to rnscli batch"),
        (GOOD + "store = 'a.db'", 3, "give --store to rnscli batch"),
        (GOOD + "output = 'a.json'", 3, "output is of the batch"),
        (GOOD + "format = 'json'", 3, "format is of the batch"),
        (GOOD + "requires = 'count <= 4'", 3, "did you mean require?"),
        (GOOD + "help = true", 3, "moduli has no option help"),
        (GOOD + "vector-size = 4\nvector_size = 8", 4, "vector_size is given twice"),
        # defaults
        ("[defaults]\nbit = 4\n" + GOOD, 2, "unknown key bit; did you mean bits?"),
        ("[defaults]\nscheduler = 'a'\n" + GOOD, 2, "give --scheduler to rnscli batch"),
        ("[defaults.moduly]\nbits = 4\n" + GOOD, 1, "unknown command moduly; did you mean moduli?"),
        ("[defaults.moduli]\npairs = 4\n" + GOOD, 2, "moduli has no option pairs"),
        ("[defaults.energy]\npairs = 4\n" + GOOD, 2, "energy has no option pairs"),
        ("[defaults]\nbits = 'x'\n" + GOOD, 2, "run a: --bits: 'x' is not accepted"),
        ("[defaults]\nbits.x = 4\n" + GOOD, 2, "unknown command bits"),
        # values
        (GOOD + "bits = 'x'", 3, "run a: --bits: 'x' is not accepted; it must be a whole number"),
        (GOOD + "bits = 1", 3, "run a: --bits: '1' is not accepted"),
        (GOOD + "bits = true", 3, "bits: true is not accepted; it must be a number, a text"),
        (GOOD + "bits = 6.5", 3, "--bits: '6.5' is not accepted"),
        (GOOD + "bits = inf", 3, "--bits: 'inf' is not accepted"),
        (GOOD + "bits = []", 3, "bits: an empty list is not accepted; leave it out"),
        (GOOD + "bits = [\n4,\n'x']", 3, "--bits: '4,x' is not accepted"),
        (GOOD + "bits = [[4]]", 3, "bits: '[4]' is not accepted"),
        (GOOD + "bits = {low = 4}", 3, "bits: a table is not accepted"),
        (GOOD + "bits = 1979-05-27", 3, "bits: '1979-05-27' is not accepted"),
        (GOOD + "bits = 07:32:00", 3, "bits: '07:32:00' is not accepted"),
        (GOOD + "bits.x = 3", 3, "bits: a table is not accepted"),
        (GOOD + f"bits = {'9' * 4000}", 3, "--bits: '999"),
        (GOOD + "moduli = [7, 5, 'x']", 3, "--moduli: 'x' is not accepted"),
        (GOOD + "moduli = [[]]", 3, "--moduli: '' is not accepted"),
        (GOOD + "moduli = [[7, true]]", 3, "moduli: true is not accepted"),
        (GOOD + "moduli = [[7, [5]]]", 3, "moduli: '[5]' is not accepted"),
        (GOOD + "moduli = '7,5+3'", 3, "after a + come the redundant moduli"),
        ("[run.a]\ncommand = 'fault-prob'\np = nan", 3, "--p: 'nan' is not accepted"),
        ("[run.a]\ncommand = 'energy'\nsensitivity = 1", 3, "it must be true or false"),
        ("[run.a]\ncommand = 'energy'\nsensitivity = 'true'", 3, "it must be true or false"),
        # requirements and plots
        (GOOD + "require = 'count'", 3, "'count' is not a requirement"),
        (GOOD + "require = 4", 3, "'4' is not a requirement"),
        (GOOD + "require = ['count <= 4',\n'cont <= 4']", 3, "column cont does not exist"),
        (GOOD + "require = 'p_err <= 4'", 3, "run a: require: column p_err does not exist"),
        (GOOD + "require = 'moduli <= 4'", 3, "column moduli holds no number"),
        (GOOD + "require = 'counts <= 4'", 3, "column counts does not exist; did you mean count?"),
        (GOOD + "plot = 'gif'", 3, "plot 'gif' is not accepted; it must be one of svg, png, pdf"),
        (GOOD + "plot = ['svg', 4]", 3, "plot 4 is not accepted"),
        (GOOD + "plot = [['svg']]", 3, "is not accepted; it must be one of svg, png, pdf"),
        (GOOD + "plot = {}", 3, "is not accepted; it must be one of svg, png, pdf"),
        ("[run.a]\ncommand = 'store'\nfile = 'a.db'\nplot = 'svg'", 4, "store draws no plot"),
        # references
        (GOOD + "moduli = '@b.moduli'", 3, "run a: no run 'b'"),
        (GOOD + "moduli = '@'", 3, "moduli: '@' is no reference; write @RUN.COLUMN"),
        (GOOD + "moduli = '@a'", 3, "'@a' is no reference"),
        (GOOD + "moduli = '@a.b.c'", 3, "'@a.b.c' is no reference"),
        (GOOD + "moduli = ['@a.b c']", 3, "'@a.b c' is no reference"),
        (GOOD + "moduli = '@a.moduli'", 1, "runs refer to each other in a circle: a -> a"),
        (
            GOOD + "[run.tables]\ncommand = 'moduli'\n[run.c]\ncommand = 'energy'\n"
            "moduli = '@table.moduli'",
            7,
            "run c: no run 'table'; did you mean tables?",
        ),
        (
            GOOD + "[run.c]\ncommand = 'energy'\nmoduli = ['7,5', '@a.modulli']",
            5,
            "run c: run a has no column 'modulli'; did you mean moduli?",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    text: str, line: int, named: str, tmp_path: Path
) -> None:
    (sentence,) = sentences(write_plan(tmp_path, text))
    assert sentence.startswith(f"line {line}: ")
    assert named in sentence.replace("`", "")
    assert len(sentence) < 500 and "\n" not in sentence


@pytest.mark.parametrize("text", ["", "# nothing", "title = 'x'", "[run]", "[defaults]\nbits = 4"])
def test_a_plan_without_runs(text: str, tmp_path: Path) -> None:
    plan = write_plan(tmp_path, text)
    assert sentences(plan) == [f"{plan} has no runs; add one as [run.NAME]"]


def test_all_that_is_wrong_is_said_in_the_order_of_the_lines(tmp_path: Path) -> None:
    plan = write_plan(
        tmp_path,
        """\
        [run.sim]
        command = "error-sim"
        pair = 10
        require = ["p_err <= 1", "bits <= 8", "errors <= 1"]
        moduli = "@tabel.moduli"
        [run.loop]
        command = "energy"
        moduli = "@pool.moduli"
        [run.pool]
        command = "energy"
        moduli = "@loop.moduli"
        [run.table]
        command = "modull"
        [defaults]
        bits = 6
        seeed = 3
        [defaults.energy]
        bits = "six"
        [nothing]
        """,
    )
    found = sentences(plan)
    assert [int(one.split()[1].rstrip(":")) for one in found] == [3, 4, 4, 5, 6, 13, 16, 18, 18, 19]
    assert "no run 'tabel'; did you mean table?" in found[3]
    assert "circle: loop -> pool -> loop" in found[4]
    assert "run loop: --bits: 'six'" in found[7] and "run pool: --bits: 'six'" in found[8]


def test_a_longer_circle_is_told_from_what_leads_to_it(tmp_path: Path) -> None:
    runs = {"x": "b", "a": "c", "b": "a", "c": "b"}
    text = "".join(
        f'[run.{name}]\ncommand = "energy"\nmoduli = "@{other}.moduli"\n'
        for name, other in runs.items()
    )
    (sentence,) = sentences(write_plan(tmp_path, text))
    assert sentence == "line 4: runs refer to each other in a circle: a -> c -> b -> a"
