"""What the files say about the ways to reach people: one class per type of channel.

``person_field`` names what of a person is their address there; "" where only ``addresses`` says it.
"""

from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field, model_validator

from irpd.config.base import Value
from irpd.config.duration import Duration
from irpd.config.hosts import local
from irpd.config.secret import Secret


class MailAuth(Value):
    user: str = Field(min_length=1, description="User name at the server.")
    password: Secret = Field(description="The password.")


class Imap(Value):
    """A mailbox that answers come to."""

    host: str = Field(min_length=1, pattern=r"^[^\s/@]+$", description="Name or address of the IMAP server.")
    port: int = Field(993, ge=1, le=65535, description="Its port.")
    tls: Literal["tls", "starttls", "none"] = Field("tls", description="Encryption, as for sending.")
    folder: str = Field("INBOX", min_length=1, description="Where answers arrive.")
    every: Duration = Field(15.0, ge=1, le=3600, description="How often it is looked into.")
    auth: MailAuth = Field(description="Sign-in at the server.")
    timeout: Duration = Field(20.0, gt=0, le=120, description="How long to wait for the server.")


class RepliesAuth(Value):
    secret: Secret = Field(description="Whoever posts mails to irpd shows it, as bearer or as a password.")


class Replies(Value):
    """How answers to mails come back: fetched, or posted by whoever receives them. One way is enough."""

    address: str = Field(
        "", pattern=r"^([^\s@<>]+@[^\s@<>]+)?$", description="Where people answer to. Without it `from`."
    )
    imap: Imap | None = Field(None, description="The mailbox that they are fetched from.")
    auth: RepliesAuth | None = Field(None, description="For mails posted to `/channel/NAME/reply`.")

    @model_validator(mode="after")
    def _some_way(self) -> "Replies":
        if self.imap is None and self.auth is None:
            raise ValueError("replies has imap, or auth with a secret for mails that are posted to irpd")
        return self


class SmtpChannel(Value):
    person_field: ClassVar[str] = "email"

    type: Literal["smtp"] = Field(description="E-mail.")
    host: str = Field(min_length=1, pattern=r"^[^\s/@]+$", description="Name or address of the mail server.")
    port: int = Field(25, ge=1, le=65535, description="Its port.")
    tls: Literal["auto", "none", "starttls", "tls"] = Field(
        "auto",
        description="Encryption: none, begun on the open connection (`starttls`), or from the first byte "
        "(`tls`). `auto` is `tls` on port 465; else with `auth`, and a server that is another machine, "
        "`starttls`; else whatever the server offers, whoever it says that it is.",
    )
    sender: str = Field(
        alias="from", pattern=r"^[^\r\n]*[^\s@]@[^\s@][^\r\n]*$", description="Address that mails come from."
    )
    auth: MailAuth | None = Field(None, description="Sign-in at the server; not without encryption.")
    replies: Replies | None = Field(None, description="How `ack` in an answer to a mail comes back to irpd.")
    timeout: Duration = Field(20.0, gt=0, description="How long to wait for the server.")

    @property
    def encryption(self) -> Literal["none", "offered", "starttls", "tls"]:
        """What ``tls`` comes to. ``offered``: if the server can, and its certificate is not looked at, for
        without it everything would go in the clear."""
        if self.tls != "auto":
            return self.tls
        if self.port == 465:
            return "tls"
        return "starttls" if self.auth is not None and not local(self.host) else "offered"


class SlackAuth(Value):
    bot_token: Secret = Field(description="The bot's token (`xoxb-...`).")
    app_token: Secret | None = Field(
        None,
        description="The app's token (`xapp-...`) for Socket Mode: buttons where Slack can't reach irpd.",
    )
    signing_secret: Secret | None = Field(
        None, description="The app's signing secret: buttons where Slack reaches `server.public_url`."
    )


class SlackChannel(Value):
    person_field: ClassVar[str] = "slack"

    type: Literal["slack"] = Field(description="Slack.")
    auth: SlackAuth = Field(description="The app's tokens.")
    api_url: str = Field(
        "https://slack.com/api", pattern=r"^https?://[^\s]+$", description="Where Slack's API is."
    )
    timeout: Duration = Field(10.0, gt=0, description="How long to wait for an answer.")


class WebhookAuth(Value):
    secret: Secret = Field(description="The key that signs each message.")


class WebhookChannel(Value):
    """Signed JSON by POST. The person's address under this channel, or ``url``."""

    person_field: ClassVar[str] = ""

    type: Literal["webhook"] = Field(description="Signed JSON by POST.")
    url: str = Field(
        "",
        pattern=r"^(https?://[^\s]+)?$",
        description="Where to, for people without an address of their own.",
    )
    auth: WebhookAuth = Field(description="How it is signed.")
    timeout: Duration = Field(10.0, gt=0, description="How long to wait for an answer.")


class FileChannel(Value):
    """One JSON object a line, in the state directory; and on the terminal. It reaches everybody."""

    person_field: ClassVar[str] = ""

    type: Literal["file"] = Field(description="A file in the state directory, one JSON object a line.")
    path: str = Field("pages.jsonl", min_length=1, description="The file's name.")
    terminal: bool = Field(True, description="Also on the terminal of the daemon, if it has one.")


class TwilioAuth(Value):
    account: Secret = Field(description="The account's SID (`AC...`).")
    token: Secret = Field(description="The account's auth token; Twilio signs its requests with it too.")


class TwilioChannel(Value):
    """Text messages; who answers with the code in them acknowledges."""

    person_field: ClassVar[str] = "phone"

    type: Literal["twilio"] = Field(description="Text messages (SMS) by Twilio.")
    sender: str = Field(
        alias="from",
        pattern=r"^(\+[1-9][0-9]{6,14}|[A-Za-z][A-Za-z0-9 ]{1,10}|MG[0-9a-f]{32})$",
        description='A number of yours there (`"+493012345678"`), a messaging service (`MG...`), or a name, '
        "which nobody can reply to.",
    )
    auth: TwilioAuth = Field(description="The account and its token.")
    api_url: str = Field(
        "https://api.twilio.com", pattern=r"^https?://[^\s]+$", description="Where Twilio's API is."
    )
    timeout: Duration = Field(10.0, gt=0, description="How long to wait for an answer.")

    @property
    def hears(self) -> bool:
        """Whether people can reply to what it sends."""
        return self.sender.startswith(("+", "MG"))


class VoiceChannel(Value):
    """Calls, by a channel of type twilio: ``{use: sms, as: voice}``."""

    person_field: ClassVar[str] = "phone"

    type: Literal["voice"] = Field("voice", description="Calls. `{use: sms, as: voice}` says it too.")
    use: str = Field(description="Name of the channel of type twilio whose account and number make the call.")
    kind: Literal["voice"] = Field("voice", alias="as", description="As what it is used.")
    ring: Duration = Field(
        30.0, ge=5, le=300, description="How long it rings; shorter than until a mailbox answers."
    )


class TokenAuth(Value):
    token: Secret = Field(description="The token.")


class NtfyChannel(Value):
    """Push messages by an ntfy server."""

    person_field: ClassVar[str] = "ntfy"

    type: Literal["ntfy"] = Field(description="Push messages by ntfy.")
    server: str = Field("https://ntfy.sh", pattern=r"^https?://[^\s?#]+$", description="Where the server is.")
    auth: TokenAuth | None = Field(None, description="An access token, where topics are not open to all.")
    timeout: Duration = Field(10.0, gt=0, description="How long to wait for an answer.")


class PushoverChannel(Value):
    """Push messages by Pushover, which ring until somebody answers at levels 1-2."""

    person_field: ClassVar[str] = "pushover"

    type: Literal["pushover"] = Field(description="Push messages by Pushover.")
    auth: TokenAuth = Field(description="The application's token.")
    api_url: str = Field(
        "https://api.pushover.net", pattern=r"^https?://[^\s]+$", description="Where Pushover's API is."
    )
    timeout: Duration = Field(10.0, gt=0, description="How long to wait for an answer.")


class TelegramChannel(Value):
    """Messages by a bot of Telegram's, with buttons."""

    person_field: ClassVar[str] = "telegram"

    type: Literal["telegram"] = Field(description="Messages by a bot of Telegram's.")
    auth: TokenAuth = Field(description="The bot's token.")
    api_url: str = Field(
        "https://api.telegram.org", pattern=r"^https?://[^\s]+$", description="Where Telegram's API is."
    )
    timeout: Duration = Field(10.0, gt=0, description="How long to wait for an answer.")


class MattermostChannel(Value):
    """Direct messages by a bot of a Mattermost server."""

    person_field: ClassVar[str] = "mattermost"

    type: Literal["mattermost"] = Field(description="Direct messages at Mattermost.")
    server: str = Field(pattern=r"^https?://[^\s?#]+$", description="Where the server is.")
    auth: TokenAuth = Field(description="The bot's access token.")
    timeout: Duration = Field(10.0, gt=0, description="How long to wait for an answer.")


class WorkflowAuth(Value):
    url: Secret = Field(description="The workflow's address: whoever knows it can post.")


class TeamsChannel(Value):
    """Cards at Microsoft Teams by a workflow, to the person's e-mail address or wherever it posts."""

    person_field: ClassVar[str] = "email"

    type: Literal["teams"] = Field(description="Cards at Microsoft Teams, by a workflow.")
    auth: WorkflowAuth = Field(description="The workflow's address, a secret.")
    timeout: Duration = Field(20.0, gt=0, description="How long to wait for an answer.")


class AppriseAuth(Value):
    url: Secret = Field(
        description="The service's URL as apprise has it; `{address}` in it stands for the person's address."
    )


class AppriseChannel(Value):
    """Any service that the library apprise knows."""

    person_field: ClassVar[str] = ""

    type: Literal["apprise"] = Field(description="Any service of the library apprise (`irpd[apprise]`).")
    auth: AppriseAuth = Field(description="The service's URL, which is a secret.")
    address: str = Field("", description="For people without an address of their own under this channel.")
    timeout: Duration = Field(20.0, gt=0, description="How long to wait for the service.")


ChannelSettings = Annotated[
    SmtpChannel
    | SlackChannel
    | WebhookChannel
    | FileChannel
    | TwilioChannel
    | VoiceChannel
    | NtfyChannel
    | PushoverChannel
    | TelegramChannel
    | MattermostChannel
    | TeamsChannel
    | AppriseChannel,
    Field(discriminator="type"),
]

#: The types there are, as they stand under ``type``.
CHANNEL_TYPES: tuple[str, ...] = tuple(
    get_args(one.model_fields["type"].annotation)[0] for one in get_args(get_args(ChannelSettings)[0])
)
#: Types that tell without waking anybody.
QUIET = frozenset(CHANNEL_TYPES) - {"twilio", "voice"}
#: Of these, the types that never ring.
SILENT = QUIET - {"ntfy", "pushover", "telegram"}
