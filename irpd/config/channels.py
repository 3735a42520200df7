"""What the files say about the ways to reach people: one class per type of channel."""

from typing import Annotated, Literal

from pydantic import Field

from irpd.config.base import Value
from irpd.config.duration import Duration
from irpd.config.hosts import local
from irpd.config.secret import Secret


class MailAuth(Value):
    user: str = Field(min_length=1, description="User name at the server.")
    password: Secret = Field(description="The password.")


class SmtpChannel(Value):
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
    app_token: Secret | None = Field(None, description="The app's token (`xapp-...`).")


class SlackChannel(Value):
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

    type: Literal["webhook"] = Field(description="Signed JSON by POST.")
    url: str = Field(
        "",
        pattern=r"^(https?://[^\s]+)?$",
        description="Where to, for people without an address of their own.",
    )
    auth: WebhookAuth = Field(description="How it is signed.")
    timeout: Duration = Field(10.0, gt=0, description="How long to wait for an answer.")


class FileChannel(Value):
    """One JSON object a line, in the state directory; and on the terminal."""

    type: Literal["file"] = Field(description="A file in the state directory, one JSON object a line.")
    path: str = Field("pages.jsonl", min_length=1, description="The file's name.")
    terminal: bool = Field(True, description="Also on the terminal of the daemon, if it has one.")


ChannelSettings = Annotated[
    SmtpChannel | SlackChannel | WebhookChannel | FileChannel, Field(discriminator="type")
]
