"""``rnscli help``."""

from collections.abc import Iterator, Sequence

import click

from rnscli.base import InputError, OptionGroup, nearest
from rnscli.cli import (
    COMMANDS,
    NESTED,
    Background,
    WithExamples,
    command_named,
    grouped,
    heading,
    options,
    title_of,
    write_groups,
    write_names,
)


class _Parts(options.ParamType):
    """Groups of options, by their keys, and options."""

    name = "WHAT"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> options.Candidates:
        """Those of the command that is named before."""
        name = ctx.params.get("command")
        if name not in COMMANDS:
            return []
        command = command_named(name)
        listed = grouped(command.get_params(ctx))
        groups = [one.key for one in listed if one is not None]
        flags = [_flag(one) for of_group in listed.values() for one in of_group]
        shown = flags if incomplete.startswith("-") else groups
        return options.of_names(incomplete, shown)


class _Help(WithExamples):
    def shell_complete(self, ctx: click.Context, incomplete: str) -> options.Candidates:
        """Options of the command that is named, too, and not only its own."""
        found = super().shell_complete(ctx, incomplete)
        asked = next(one for one in self.params if one.name == "what")
        more = asked.type.shell_complete(ctx, asked, incomplete)
        return more + [one for one in found if one.value not in {other.value for other in more}]


@click.command(
    "help",
    cls=_Help,
    background=Background(page="reference.md"),
    context_settings={"ignore_unknown_options": True},
)
@click.argument(
    "command",
    type=options.NameArgument(tuple(COMMANDS), "Give"),
    metavar="[COMMAND]",
    required=False,
)
@click.argument("what", type=_Parts(), metavar="[WHAT]...", nargs=-1)
@click.pass_context
def command(context: click.Context, command: str | None, what: tuple[str, ...]) -> None:
    """Show what a command does and the names of its options; or a part of its help.

    WHAT is a group of options, such as noise, or one option. The whole help of a command is that of
    rnscli COMMAND --help.

    \b
    # What is there to choose in design?
    rnscli help design
    # The options of noise, and of moduli and code
    rnscli help error-sim noise code
    # One option
    rnscli help energy --adc-model
    """
    root = context.find_root()
    if command is None:
        click.echo(root.get_help(), color=context.color)
        return
    if what and f"{command} {what[0]}" in NESTED:
        command, what = f"{command} {what[0]}", what[1:]
    of = command_named(command)
    with of.context_class(of, parent=root, info_name=command) as inner:
        formatter = inner.make_formatter()
        if what:
            _write_parts(inner, formatter, of, what)
        else:
            _write_overview(inner, formatter, of)
        click.echo(formatter.getvalue().rstrip("\n"), color=context.color)


def _flag(option: click.Option) -> str:
    """Its first long name: others are aliases, or short."""
    return next(one for one in option.opts if one.startswith("--"))


def _write_overview(
    context: click.Context, formatter: click.HelpFormatter, command: WithExamples
) -> None:
    """The help with the names of options in the place of what they do."""
    command.format_usage(context, formatter)
    command.format_help_text(context, formatter)
    groups = grouped(command.get_params(context))
    if None in groups:
        write_groups(context, formatter, groups)
    else:
        named = []
        for group, listed in groups.items():
            assert group is not None
            key = "" if group.key == group.value.lower() else f" ({group.key})"
            names = ", ".join(_flag(one) for one in listed if _flag(one) != "--help")
            named.append((f"{title_of(group)}{key}", names))
        with formatter.section(heading("Options")):
            formatter.write_dl(named)
    command.format_epilog(context, formatter)


def _write_parts(
    context: click.Context,
    formatter: click.HelpFormatter,
    command: WithExamples,
    what: Sequence[str],
) -> None:
    """Groups that are named as they are in the help, and options that are, under their groups."""
    groups = grouped(command.get_params(context))
    wanted = list(dict.fromkeys(_wanted(command, groups, what)))
    chosen = {group: [one for one in listed if one in wanted] for group, listed in groups.items()}
    write_groups(context, formatter, {group: some for group, some in chosen.items() if some})
    for option in wanted:
        write_names(formatter, option)


def _wanted(
    command: WithExamples,
    groups: dict[OptionGroup | None, list[click.Option]],
    what: Sequence[str],
) -> Iterator[click.Option]:
    by_key = {group.key: listed for group, listed in groups.items() if group is not None}
    by_name = {name: one for listed in groups.values() for one in listed for name in one.opts}
    for text in what:
        if text in by_key:
            yield from by_key[text]
            continue
        flag = f"--{text.lstrip('-').replace('_', '-')}"
        if flag not in by_name:
            near = nearest(flag if text.startswith("-") else text, [*by_key, *by_name])
            raise InputError(
                f"rnscli {command.name} has no group of options or option {text[:60]!r}"
                + (near or f"; the groups are {', '.join(by_key)}")
            )
        yield by_name[flag]
