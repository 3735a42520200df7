"""The reference of all commands as Markdown, made of their own help, so that it can't lag.

``docs/reference/commands.md`` is this, printed.
"""

from collections.abc import Iterator

import click

_INTRODUCTION = """\
# Commands

`irpd COMMAND [--config FILE_OR_FOLDER]... [--json]`. Exit status: 0 fine; 1 the answer is no (a check or
test failed, not found); 2 wrong usage; 3 the daemon can't be reached; 4 refused (permission, state, stale).
Errors go to standard error; with `--json` also as an object on standard output.
"""


def commands_reference(group: click.Group) -> str:
    """Every command with its help, as a terminal of 80 columns shows it."""
    lines = [_INTRODUCTION]
    top = click.Context(group, info_name="irpd", **group.context_settings)
    for path, command in _commands(group, ()):
        name = path.removeprefix("irpd ")
        context = click.Context(command, parent=top, info_name=name, max_content_width=80, terminal_width=80)
        lines += [f"## {path}", "", "```text", command.get_help(context).rstrip(), "```", ""]
    return "\n".join(lines)


def _commands(group: click.Group, above: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _commands(command, (*above, name))
        elif command is not None:
            yield " ".join(("irpd", *above, name)), command
