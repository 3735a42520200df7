"""``irpd reload``, ``config`` and ``schema``."""

import json as json_module

import click

from irpd.cli.client import Daemon, pass_on
from irpd.cli.failure import NO
from irpd.cli.incident import example
from irpd.cli.options import config_option, daemon_options, json_option
from irpd.cli.terminal import echo


@click.command()
@click.option("--wait", is_flag=True, help="Wait for the outcome (it always does; for unit files).")
@daemon_options
@example("irpd reload --wait")
def reload(wait: bool, socket: str | None, config: tuple[str, ...], json: bool) -> None:
    """Have the daemon read its files again, as one set: all of it or nothing.

    Exit status 1 when they are refused; the daemon then keeps what it has.
    """
    answer = Daemon(socket=socket, config=config).ask("POST", "/reload", body={}, ok=[409])
    document = answer.document
    if json:
        pass_on(answer)
    elif answer.status == 409:
        for error in document["errors"]:
            click.echo(_line(error), err=True)
        click.echo(f"irpd: {document['detail']}", err=True)
    else:
        for warning in document["warnings"]:
            click.echo(_line(warning), err=True)
        unchanged = "" if document["changed"] else " (nothing had changed)"
        echo(f"In force: {document['hash']}{unchanged}.")
    if answer.status == 409:
        raise click.exceptions.Exit(NO)


def _line(error: dict[str, object]) -> str:
    place = f"{error['file']}:{error['line']}:{error['column']}" if error["line"] else f"{error['file']}"
    path = f"{error['path']}: " if error["path"] else ""
    allowed = error["allowed"]
    listed = f" ({', '.join(map(str, allowed))})" if isinstance(allowed, list) and allowed else ""
    return f"{place}: {error['severity']}: {path}{error['message']}{listed}"


@click.group()
def config() -> None:
    """Show the configuration."""


@config.command("show")
@click.option("--effective", is_flag=True, help="With every default filled in.")
@config_option
@json_option
@example("irpd config show --effective --config /etc/irpd")
def show_(effective: bool, config: tuple[str, ...], json: bool) -> None:
    """Show what the files say, joined; secrets as ***."""
    from irpd.cli.files import loaded_or_failed
    from irpd.config.show import show

    click.echo(show(loaded_or_failed(config), effective=effective, form="json" if json else "yaml"), nl=False)


@click.command()
@click.argument("what", type=click.Choice(["config", "rules"]))
@json_option
@example("irpd schema config > irpd.schema.json")
def schema(what: str, json: bool) -> None:
    """JSON Schema of configuration or rule files, for editors."""
    if what == "config":
        from irpd.config.schema import configuration_schema

        document = configuration_schema()
    else:
        from irpd.triage.schema import rules_schema

        document = rules_schema()
    click.echo(json_module.dumps(document, indent=2, ensure_ascii=False))
