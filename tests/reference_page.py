"""Makes docs/reference.md: every command, option and row key, as the code has them."""

import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from rnscli.analysis.error.operands import DISTRIBUTIONS
from rnscli.base import Registry
from rnscli.cli.command import OUTPUT_OPTIONS, RUN_OPTIONS, AnswerCommand
from rnscli.cli.commands.schema import Answering, document_schema
from rnscli.cli.help_page import WithExamples, grouped, title_of
from rnscli.cli.main import NESTED, cli, command_named
from rnscli.cli.options.sweeps import described
from rnscli.core.arithmetic.decoders import DECODERS
from rnscli.core.cores import CORES
from rnscli.core.noise import NOISE_LAWS
from rnscli.core.updates import UPDATE_LAWS
from rnscli.hardware.adc.models import ADC_MODELS
from rnscli.hardware.profile import TECHNOLOGIES
from rnscli.hardware.workloads.networks import WORKLOADS
from rnscli.networks.shipped import NETWORKS

PATH = Path(__file__).parent.parent / "docs" / "reference.md"

BEGIN = """\
# Reference

Every command, option and row key. This page is made from the code by `make renew`; the same
texts are in `rnscli COMMAND --help` and `rnscli schema COMMAND`.
"""
SWEEPS = """\
## Sweeps

Where the value of an option is a quantity, a list of choices, or ends in `[,..]`, it may be a
sweep. The command computes every combination and prints a row for each.

| written | values | accepted by |
| --- | --- | --- |
| `4,6,8` | a list | every sweep |
| `4..8` | whole numbers from 4 to 8 | whole numbers |
| `1e-6..1e-1:31` | 31 numbers, evenly spaced on a logarithmic scale | other numbers |
| `rns,fixed-lp` | a list of choices | choices |
| `1,2,inf` | with no limit | `--attempts` |
| `[0.1,0.2,0.1]`, or a file | one value for each modulus, largest first | `--p`, `--sigma` |
| `100fJ`, `100 fJ`, `1e-13` | a quantity with a prefix and unit, or in base SI | quantities |
| `100fJ±30%`, `100fJ+-20fJ` | a range, of which rows carry the interval | constants |

Sweeps have at most 100 000 combinations. A set of moduli is one value, `63,62,61,59`; repeat
`--moduli` for several.
"""
CODES = """\
## Exit codes

| code | meaning |
| --- | --- |
| 0 | done |
| 1 | a `--require` does not hold, or `--validate` disagrees |
| 2 | bad input, or no solution at a point that was asked for: standard error says which |
| 130 | interrupted (Ctrl-C) |
| 141 | the reader of standard output has gone |
| 143 | terminated (SIGTERM) |
"""

# By the option that takes their names.
REGISTRIES: dict[str, Registry[Any]] = {
    "--core": CORES,
    "--noise": NOISE_LAWS,
    "--decoder": DECODERS,
    "--adc-model": ADC_MODELS,
    "--technology": TECHNOLOGIES,
    "--workload": WORKLOADS,
    "--operands": DISTRIBUTIONS,
    "--model": NETWORKS,
    "--update": UPDATE_LAWS,
}


def page() -> str:
    """The page as Markdown."""
    context = click.Context(cli, info_name="rnscli")
    commands = {}
    for name in cli.list_commands(context):
        found = cli.get_command(context, name)
        assert found is not None
        commands[name] = found
        commands |= {one: command_named(one) for one in NESTED if one.startswith(f"{name} ")}
    list_of_commands = _table(
        ("command", "what it does"),
        (
            (f"[`{name}`](#rnscli-{name.replace(' ', '-')})", one.get_short_help_str(200))
            for name, one in commands.items()
        ),
    )
    parts = [BEGIN, list_of_commands, SWEEPS, _named(), _common(commands.values()), CODES]
    parts += [_section(name, command) for name, command in commands.items()]
    return "\n".join(parts)


def _named() -> str:
    """What is chosen by name, and what it is."""
    parts = [
        "## Names\n",
        "What these options take by name. Other Python packages can add to them: an entry point\n"
        "of the group names an object, or a class, like those of this package.\n",
    ]
    for option, registry in REGISTRIES.items():
        lines = ((f"`{name}`", one.summary) for name, one in registry.items())
        parts.append(f"### Names of `{option}`; entry points `{registry.group}`\n")
        parts.append(_table(("name", "what it is"), lines))
    return "\n".join(parts)


def _common(commands: Collection[click.Command]) -> str:
    """The options that commands share without a difference."""
    answering = [command for command in commands if isinstance(command, AnswerCommand)]
    found: dict[str, click.Parameter] = {}
    for option in (option for command in answering for option in command.params):
        if option.name is not None:
            found.setdefault(option.name, option)
    output = _options(found[name] for name in (*OUTPUT_OPTIONS, "quiet"))
    running = [c.name for c in commands if any(o.name == "jobs" for o in c.params)]
    return "\n".join(
        (
            "## Options of every command that answers with rows\n",
            re.sub(r"Draw .*? as", "Draw a picture (not `store`) as", output),
            f"## Options of {_listed(running)}, which compute for long\n",
            _options(found[name] for name in RUN_OPTIONS if name != "quiet"),
        )
    )


def _section(name: str, command: click.Command) -> str:
    """A command: what it does, its options, its rows."""
    assert isinstance(command, WithExamples)
    usage = " ".join(["rnscli", name, *command.collect_usage_pieces(click.Context(command))])
    parts = [f"## rnscli {name}\n", f"`{usage}`\n"]
    parts += [f"{_coded(' '.join(one.split()))}\n" for one in (command.help or "").split("\n\n")]
    examples = "\n".join(f"# {example.answers}\n{example.line}" for example in command.examples)
    parts.append(f"```sh\n{examples}\n```\n")
    stated = command.stated if isinstance(command, AnswerCommand) else command.params
    shared = [] if isinstance(command, AnswerCommand) else RUN_OPTIONS
    own = [o for o in stated if isinstance(o, click.Option) and o.name not in shared]
    parts.append(f"### Options of `{name}`\n")
    for group, listed in grouped(own).items():
        parts += ([] if group is None else [f"{title_of(group)}:\n"]) + [_options(listed)]
    if isinstance(command, Answering):
        parts += _rows(name, command)
    return "\n".join(parts)


def _rows(name: str, command: Answering) -> list[str]:
    """Tables of the row keys of a command."""
    schema = document_schema(command)
    rows = schema["properties"]["rows"]
    parts = []
    for option, kind in zip(command.row_types, rows.get("anyOf", [rows]), strict=True):
        instead = f" with `--{option.replace('_', '-')}`" if option else ""
        parts += [f"### Rows of `{name}`{instead}\n", _keys(kind["items"]["properties"], schema)]
    return parts


def _keys(keys: dict[str, Any], schema: dict[str, Any]) -> str:
    return _table(
        ("key", "type", "meaning"),
        ((f"`{key}`", _type(one, schema), _coded(one["description"])) for key, one in keys.items()),
    )


def _options(options: Iterable[click.Parameter]) -> str:
    return _table(
        ("option", "value", "default", "meaning"),
        (
            (
                f"`{option.opts[0]}`",
                _value(option),
                f"`{default}`" if default and " " not in default else _coded(default),
                _coded(text),
            )
            for option in options
            for text, default in [described(option)]
        ),
    )


def _value(option: click.Parameter) -> str:
    """What an option takes; not as click's releases, each in its own way, show it."""
    if getattr(option, "is_flag", False):
        return ""
    choices = "|".join(option.type.choices) if isinstance(option.type, click.Choice) else ""
    return f"`{option.metavar or choices or option.type.name}`"


def _type(kind: dict[str, Any], schema: dict[str, Any]) -> str:
    """The type of a value in a few words."""
    return " or ".join(dict.fromkeys(_words(kind, schema)))


def _words(kind: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    if "$ref" in kind:
        return _words(schema["$defs"][kind["$ref"].rpartition("/")[2]], schema)
    if "anyOf" in kind:
        return [word for one in kind["anyOf"] for word in _words(one, schema)]
    if "const" in kind:
        return [f"`{kind['const']}`"]
    if "enum" in kind:
        return ["text"]
    if kind["type"] == "object":
        return [f"an object of {', '.join(kind['properties'])}"]
    types = kind["type"] if isinstance(kind["type"], list) else [kind["type"]]
    return [_array(kind, schema) if one == "array" else _NAMES.get(one, one) for one in types]


_NAMES = {"string": "text"}


def _array(kind: dict[str, Any], schema: dict[str, Any]) -> str:
    items = f"{_type(kind['items'], schema)}s"
    return f"pair of {items}" if kind.get("maxItems") == 2 else f"list of {items}"


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines
    )


def _listed(names: Sequence[str | None]) -> str:
    *first, last = (f"`{name}`" for name in names)
    return f"{', '.join(first)} and {last}"


def _coded(text: str) -> str:
    """A text whose options and keys are set as code."""
    return re.sub(r"(?<![\w`-])(--[a-z][a-z0-9-]*|[a-z0-9]+(_[a-z0-9]+)+)\b", r"`\1`", text)
