"""``irpd``, the command: everything of ``irpd.cli``, and ``serve``."""

import sys

import click

from irpd.cli import group


@group.command("serve")
@click.option("--config", "-c", multiple=True, type=click.Path(), help="A file or folder; may be repeated.")
@click.option("--listen", metavar="HOST:PORT", help="Instead of server.listen.")
@click.option("--state-dir", type=click.Path(), help="Instead of $STATE_DIRECTORY and server.state_dir.")
@click.option("--socket", type=click.Path(), help="Where the command line reaches the daemon.")
@click.option("--shadow", is_flag=True, help="Shadow mode, whatever the files say: nobody is paged.")
@click.option(
    "--believe-clock",
    is_flag=True,
    help="Start from this machine's clock though the journal was written under one that was ahead. What was"
    " due under that clock may come later by the difference.",
)
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
@click.option("--log-json/--log-text", default=None, help="JSON is the default unless on a terminal.")
def serve(
    config: tuple[str, ...],
    listen: str | None,
    state_dir: str | None,
    socket: str | None,
    believe_clock: bool,
    shadow: bool,
    log_level: str,
    log_json: bool | None,
) -> None:
    """Run the daemon.

    \b
    Example:
      irpd serve --config /etc/irpd

    SIGHUP or a change of the files reloads configuration and rules as one set; SIGTERM drains and
    stops. Exit status: 78 bad files at a first start, 79 the journal is newer than this irpd,
    75 another process holds the journal, 74 the journal can't be opened, 71 can't listen.
    """
    # Only here: a command line that asks one question shouldn't load a server.
    import asyncio

    from irpd.daemon import logs
    from irpd.daemon.loop import Loop, look_for_cycles_less
    from irpd.daemon.options import Options, StartError
    from irpd.daemon.service import serve as run

    logs.configure(level=log_level, json=log_json)
    options = Options(
        config=config or ("/etc/irpd",),
        listen=listen,
        state_dir=state_dir,
        socket=socket,
        believe_clock=believe_clock,
        shadow=shadow,
    )
    try:
        look_for_cycles_less()
        with asyncio.Runner(loop_factory=Loop) as runner:
            runner.run(run(options))
    except StartError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        click.echo(f"irpd: {error}", err=True)
        sys.exit(error.code)


@group.command("bench")
@click.option("--rounds", type=click.IntRange(1, 50), default=5, show_default=True)
@click.option("--quick", is_flag=True, help="Shorter rounds: figures to a first approximation.")
def bench(rounds: int, quick: bool) -> None:
    """Measure this machine: durable intake and the time to a page.

    \b
    Example:
      irpd bench --quick

    Starts a daemon of its own with a journal in the temporary directory, on loopback, and a bare
    handler beside it; prints medians and the ratios between the two. Needs no running daemon.
    """
    from irpd.measure import delay, intake

    intake.run(rounds=rounds, seconds=0.5 if quick else 2.0)
    delay.run(rounds=1 if quick else rounds, seconds=5.0 if quick else 20.0)


def main() -> None:
    """The entry point of the installed command."""
    group()


if __name__ == "__main__":
    main()
