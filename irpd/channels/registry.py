"""The types of channels there are: the one place where a new one is registered."""

from collections.abc import Mapping
from typing import assert_never

import structlog

from irpd.channels.apprise import Apprise
from irpd.channels.file import File
from irpd.channels.mattermost import Mattermost
from irpd.channels.ntfy import Ntfy
from irpd.channels.parts import Parts
from irpd.channels.pushover import Pushover
from irpd.channels.slack import Slack
from irpd.channels.smtp import Smtp
from irpd.channels.teams import Teams
from irpd.channels.telegram import Telegram
from irpd.channels.twilio import Sms, Voice
from irpd.channels.webhook import Webhook
from irpd.config.channels import (
    AppriseChannel,
    ChannelSettings,
    FileChannel,
    MattermostChannel,
    NtfyChannel,
    PushoverChannel,
    SlackChannel,
    SmtpChannel,
    TeamsChannel,
    TelegramChannel,
    TwilioChannel,
    VoiceChannel,
    WebhookChannel,
)
from irpd.engine.ports import Channel, Message, Outcome

log = structlog.get_logger(__name__)


def build_channel(name: str, settings: ChannelSettings, parts: Parts) -> Channel:
    """A channel as it is configured. Its secrets are read now.

    Raises LookupError when a secret can't be had, ValueError for settings that can't work."""
    match settings:
        case SmtpChannel():
            return Smtp(name, settings, parts)
        case SlackChannel():
            return Slack(name, settings, parts)
        case WebhookChannel():
            return Webhook(name, settings, parts)
        case FileChannel():
            return File(name, settings, parts)
        case TwilioChannel():
            return Sms(name, settings, parts)
        case NtfyChannel():
            return Ntfy(name, settings, parts)
        case PushoverChannel():
            return Pushover(name, settings, parts)
        case TelegramChannel():
            return Telegram(name, settings, parts)
        case MattermostChannel():
            return Mattermost(name, settings, parts)
        case TeamsChannel():
            return Teams(name, settings, parts)
        case AppriseChannel():
            return Apprise(name, settings, parts)
        case VoiceChannel():
            account = parts.settings.get(settings.use)
            if not isinstance(account, TwilioChannel):
                raise ValueError(f"{settings.use} is no channel of type twilio")
            return Voice(name, settings, account, parts)
        case _:
            assert_never(settings)


def build_channels(parts: Parts) -> Mapping[str, Channel]:
    """All of ``parts.settings``. One that can't be built refuses what it is asked to send, so that the next
    method comes at once; the others work."""
    built: dict[str, Channel] = {}
    for name, settings in parts.settings.items():
        try:
            built[name] = build_channel(name, settings, parts)
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
