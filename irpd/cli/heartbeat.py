"""``irpd heartbeat``: the monitors that must report, and how they are."""

from collections.abc import Mapping
from typing import Any

import click

from irpd.cli.client import Daemon, pass_on
from irpd.cli.incident import example
from irpd.cli.options import daemon_options, tz_option
from irpd.cli.reader import Reader
from irpd.cli.terminal import clean, echo, table
from irpd.cli.times import Shown
from irpd.config.duration import format_duration


@click.group()
def heartbeat() -> None:
    """Monitors that must report: who has, who hasn't."""


@heartbeat.command("list")
@tz_option
@daemon_options
@example("irpd heartbeat list")
def list_(tz: str | None, socket: str | None, config: tuple[str, ...], json: bool) -> None:
    """Each monitor: how it is, when it was heard of last, and when it counts as silent."""
    daemon = Daemon(socket=socket, config=config)
    answer = daemon.get("/heartbeats")
    if json:
        pass_on(answer)
    else:
        echo(heartbeats_text(answer.document, Reader(daemon, tz).shown))


def heartbeats_text(document: Mapping[str, Any], shown: Shown) -> list[str]:
    """What ``irpd heartbeat list`` prints; the silent first."""
    order = ("silent", "late", "new", "up")
    rows = [
        [
            one["state"],
            clean(one["name"]),
            clean(one["service"] or "-"),
            f"every {format_duration(one['every_seconds'])}",
            f"last {shown.clock(one['seen_at'])}" if one["seen_at"] else "never heard of",
            _then(one, shown),
        ]
        for one in sorted(document["heartbeats"], key=lambda one: (order.index(one["state"]), one["name"]))
    ]
    return table(rows, flexible=1) if rows else ["No heartbeat is configured."]


def _then(one: Mapping[str, Any], shown: Shown) -> str:
    if one["state"] != "silent":
        return f"due {shown.clock(one['due_at'])}"
    return f"incident #{one['incident']}" if one["incident"] else "muted"
