"""Blocks of the README and docs/ that show a command and what it prints."""

import re

from captured import output_of

BLOCK = re.compile(r"```console\n\$ rnscli (.*?)\n(.*?)```", re.DOTALL)


def renewed(page: str) -> str:
    """A page whose blocks show what the commands print now."""

    def block(found: re.Match[str]) -> str:
        return f"```console\n$ rnscli {found[1]}\n{output_of(found[1])}```"

    return BLOCK.sub(block, page)
