"""The types of channels there are: the one place where a new one is registered."""

from collections.abc import Mapping
from pathlib import Path
from typing import TextIO, assert_never

import aiohttp
import structlog

from irpd.channels.file import File
from irpd.channels.slack import Slack
from irpd.channels.smtp import Smtp
from irpd.channels.webhook import Webhook
from irpd.config.channels import (
    ChannelSettings,
    FileChannel,
    SlackChannel,
    SmtpChannel,
    WebhookChannel,
)
from irpd.engine.ports import Channel, Clock, Message, Outcome

log = structlog.get_logger(__name__)


def build_channel(
    name: str,
    settings: ChannelSettings,
    *,
    state_dir: Path,
    terminal: TextIO | None,
    session: aiohttp.ClientSession,
    clock: Clock,
) -> Channel:
    """A channel as it is configured. Its secret is read now.

    Raises LookupError when the secret can't be had, ValueError for settings that can't work."""
    match settings:
        case SmtpChannel():
            return Smtp(name, settings, clock=clock)
        case SlackChannel():
            return Slack(name, settings, session=session, clock=clock)
        case WebhookChannel():
            return Webhook(name, settings, session=session, clock=clock)
        case FileChannel():
            return File(name, settings, state_dir=state_dir, terminal=terminal, clock=clock)
        case _:
            assert_never(settings)


def build_channels(
    channels: Mapping[str, ChannelSettings],
    *,
    state_dir: Path,
    terminal: TextIO | None,
    session: aiohttp.ClientSession,
    clock: Clock,
) -> dict[str, Channel]:
    """All of them. One that can't be built refuses what it is asked to send, so that the next
    method comes at once; the others work."""
    built: dict[str, Channel] = {}
    for name, settings in channels.items():
        try:
            built[name] = build_channel(
                name, settings, state_dir=state_dir, terminal=terminal, session=session, clock=clock
            )
        except (LookupError, ValueError) as error:
            log.error("channel_unusable", channel=name, why=str(error))
            built[name] = Unusable(name, str(error))
    return built


class Unusable:
    """Stands for a channel that could not be built."""

    def __init__(self, name: str, why: str) -> None:
        self.name = name
        self.why = why

    async def send(self, message: Message) -> Outcome:
        return Outcome(kind="permanent", detail=f"the channel can't be used: {self.why}")

    async def close(self) -> None: ...
