"""The options that commands share."""

from collections.abc import Callable
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_CONFIG = "/etc/irpd"


def config_option(function: F) -> F:
    return click.option(
        "--config",
        "-c",
        "config",
        multiple=True,
        type=click.Path(),
        metavar="FILE_OR_FOLDER",
        help=f"Configuration; may be repeated.  [default: {DEFAULT_CONFIG}]",
    )(function)


def json_option(function: F) -> F:
    return click.option("--json", "json", is_flag=True, help="Print JSON, also for errors.")(function)


def tz_option(function: F) -> F:
    return click.option(
        "--tz", metavar="ZONE", callback=_zone, help="Time zone of times, such as Europe/Berlin."
    )(function)


def _zone(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        try:
            ZoneInfo(value)
        except (ValueError, OSError, LookupError):
            raise click.BadParameter(f'no time zone "{value}"; write it like Europe/Berlin') from None
    return value


def daemon_options(function: F) -> F:
    """What every command has that asks the daemon."""
    function = json_option(function)
    function = config_option(function)
    return click.option(
        "--socket",
        type=click.Path(),
        metavar="PATH",
        help="The daemon's socket.  [default: found; or IRPD_URL and IRPD_TOKEN]",
    )(function)


def as_option(function: F) -> F:
    return click.option(
        "--as", "as_person", metavar="PERSON", help="Who acts, when it isn't the person with your login."
    )(function)
