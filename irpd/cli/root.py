"""The command group: loads its commands when they are used, and ends with the promised status.

Exit status: 0 fine; 1 the answer is no; 2 wrong usage; 3 the daemon can't be reached;
4 refused. With ``--json`` an error is an object on standard output too.
"""

import errno
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from irpd.cli.failure import Failed, usage_problem

#: Name → (module, attribute, one line for the list of commands).
COMMANDS: dict[str, tuple[str, str, str]] = {
    "ack": ("irpd.cli.acknowledge", "ack", "Acknowledge an incident, or all that is paged to you."),
    "who": ("irpd.cli.pages", "who", "Who is on call now."),
    "incident": ("irpd.cli.respond", "incident", "List, show and work on incidents."),
    "report": ("irpd.cli.report", "report", "Post-incident reports, their review and action items."),
    "oncall": ("irpd.cli.oncall", "oncall", "Schedules: who is on call when, overrides, coverage."),
    "silence": ("irpd.cli.silence", "silence", "Mute signals for a while; what is muted and held."),
    "heartbeat": ("irpd.cli.heartbeat", "heartbeat", "Monitors that must report: who has, who hasn't."),
    "page": ("irpd.cli.pages", "page", "Test a person's channels; the ledger of pages."),
    "unreadable": ("irpd.cli.unreadable", "unreadable", "What senders sent and irpd could not read."),
    "init": ("irpd.cli.init", "init", "Write a configuration to begin with."),
    "check": ("irpd.cli.check", "check", "Check configuration and rules as a whole."),
    "reload": ("irpd.cli.configuration", "reload", "Have the daemon read its files again."),
    "config": ("irpd.cli.configuration", "config", "Show the configuration."),
    "schema": ("irpd.cli.configuration", "schema", "JSON Schema of the files, for editors."),
    "rules": ("irpd.cli.rules", "rules", "Test rules, and explain what they decide."),
    "shadow": ("irpd.cli.shadow", "shadow", "Compare irpd's pages with the old pager's."),
    "audit": ("irpd.cli.journal", "audit", "Verify the journal's hash chain."),
    "journal": ("irpd.cli.journal", "journal", "Check the journal against its events."),
    "backup": ("irpd.cli.journal", "backup", "Copy the journal while the daemon runs."),
    "restore": ("irpd.cli.journal", "restore", "Put a backup in the journal's place."),
    "migrate": ("irpd.cli.journal", "migrate", "What the next start would change in the journal."),
}


class Commands(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*(name for name in self.commands if name not in COMMANDS), *COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.commands or cmd_name not in COMMANDS:
            return self.commands.get(cmd_name)
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        self.add_command(command, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = []
        for name in self.list_commands(ctx):
            if name in COMMANDS:
                rows.append((name, COMMANDS[name][2]))
            elif (command := self.commands[name]) is not None:
                rows.append((name, command.get_short_help_str(60)))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        arguments = list(sys.argv[1:] if args is None else args)
        json = "--json" in arguments
        try:
            status = super().main(
                arguments, prog_name or "irpd", complete_var, standalone_mode=False, **extra
            )
            sys.stdout.flush()
        except Failed as error:
            error.tell(json=json)
            status = error.exit_code
        except click.ClickException as error:
            error.show()
            if json:
                usage_problem(error.format_message())
            status = error.exit_code
        except (click.Abort, KeyboardInterrupt):
            click.echo("", err=True)
            status = 130
        except OSError as error:
            if error.errno != errno.EPIPE:
                raise
            # Whoever read our output has had enough.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            status = 1
        sys.exit(status if isinstance(status, int) else 0)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog="Times are RFC 3339, local (with --tz), +2h or now. Every command has --help with an example.",
)
@click.version_option(package_name="irpd", message="irpd %(version)s")
def group() -> None:
    """Alerts and tickets in, one incident per problem, a person paged until somebody answers."""
