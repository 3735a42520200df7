"""The configuration as a value: what the files say once they are read and found good.

These are the types that the rest of irpd sees. Reading, positions, defaults of the
protocol and the checks of single values are in ``config.load``; references between
parts are checked in ``irpd.check``. Durations are seconds (float) here and texts like
``5m`` or ``1h30m`` in the files. Everything is frozen.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from irpd.config.duration import Duration
from irpd.config.secret import Secret

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
LevelName = Literal["critical", "high", "medium", "low"]
Weekday = Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


class Value(BaseModel):
    """Base: frozen, unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Token(Value):
    """A token of the API. ``hash`` is ``sha256:<hex>`` of the token."""

    name: Name
    hash: str
    may: Literal["read", "respond", "admin"] = "read"


class Server(Value):
    listen: str = "127.0.0.1:8420"
    public_url: str = ""  # "" means: http:// and the address listened on
    state_dir: str | None = None
    time_zone: str = "UTC"
    tokens: tuple[Token, ...] = ()
    max_body: int = 16 * 1024 * 1024  # bytes


class JournalSettings(Value):
    sqlite: str = "irpd.db"  # in the state directory


class Auth(Value):
    """How a source proves itself: exactly one way."""

    bearer: Secret | None = None
    basic: Mapping[str, Secret] | None = None  # {user: secret}: exactly one
    header: Mapping[str, Secret] | None = None  # {name: secret}: exactly one
    query: Mapping[str, Secret] | None = None  # {parameter: secret}: exactly one
    client_secret: Secret | None = None  # Sentry
    hmac: "Hmac | None" = None


class Hmac(Value):
    """A signature over the raw body, as Zendesk, Jira and generic senders make it."""

    secret: Secret
    header: str = ""  # "" means the source type's own
    algorithm: Literal["sha256", "sha1"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    timestamp_header: str = ""  # the message is then timestamp + separator + body
    separator: str = ""


class Unreadable(Value):
    level: int | None = Field(None, ge=1, le=4)


class Source(Value):
    type: Literal["alertmanager", "grafana", "sentry", "zendesk", "freshdesk", "jira", "ticket"]
    auth: Auth | Literal["none"]
    unreadable: Unreadable | Literal["refuse"] = Unreadable()
    default_level: int | None = Field(None, ge=1, le=4)  # None: 2 monitoring, 3 sentry, 4 tickets
    users_label: str = "affected_users"
    share_label: str = "affected_share"
    fields: Mapping[str, str] = {}  # type ticket: what → dotted path in the body
    closed: tuple[str, ...] = ("solved", "closed", "resolved", "done", "deleted")
    detected_by: str = ""  # "" means: monitoring, or user-report for tickets
    limit: float | None = None  # requests a second; None: no limit of its own

    @property
    def ticket(self) -> bool:
        return self.type in ("zendesk", "freshdesk", "jira", "ticket")

    @property
    def default(self) -> int:
        """The level when no rule holds and the share is unknown."""
        if self.default_level is not None:
            return self.default_level
        return 4 if self.ticket else 3 if self.type == "sentry" else 2

    @property
    def unreadable_level(self) -> int:
        level = self.unreadable.level if isinstance(self.unreadable, Unreadable) else None
        return level if level is not None else 4 if self.ticket else 2


class Claim(Value):
    """Which reports are about a service; every key given must hold. A list means any of."""

    source: str | tuple[str, ...] | None = None
    project: str | tuple[str, ...] | None = None
    labels: Mapping[str, str | tuple[str, ...]] = {}


class Users(Value):
    count: int = Field(gt=0)


class Service(Value):
    title: str = ""
    team: str = ""
    paths: Mapping[Literal["technical", "customer", "business"], str] = {}
    regimes: tuple[str, ...] = ()
    users: Users | None = None
    signals: tuple[Claim, ...] = ()
    runbook: str = ""
    dashboard: str = ""


class MailAuth(Value):
    user: str
    password: Secret


class SmtpChannel(Value):
    type: Literal["smtp"]
    host: str
    port: int = 25
    tls: Literal["none", "starttls", "tls"] = "none"
    sender: str = Field(alias="from")
    auth: MailAuth | None = None
    timeout: Duration = 20.0


class SlackAuth(Value):
    bot_token: Secret
    app_token: Secret | None = None


class SlackChannel(Value):
    type: Literal["slack"]
    auth: SlackAuth
    api_url: str = "https://slack.com/api"
    timeout: Duration = 10.0


class WebhookAuth(Value):
    secret: Secret


class WebhookChannel(Value):
    """Signed JSON by POST. The person's address under this channel, or ``url``."""

    type: Literal["webhook"]
    url: str = ""
    auth: WebhookAuth
    timeout: Duration = 10.0


class FileChannel(Value):
    """One JSON object a line, in the state directory; and on the terminal."""

    type: Literal["file"]
    path: str = "pages.jsonl"
    terminal: bool = True


ChannelSettings = Annotated[
    SmtpChannel | SlackChannel | WebhookChannel | FileChannel, Field(discriminator="type")
]


class Method(Value):
    """After so long, by these channels."""

    after: Duration = 0.0
    via: tuple[str, ...] = Field(min_length=1)
    levels: tuple[int, ...] = (1, 2, 3, 4)


class Person(Value):
    """``addresses`` maps a channel's name to this person's address on it, where the
    fields below don't already say it."""

    name: str
    email: str = ""
    phone: str = ""
    slack: str = ""
    time_zone: str = "UTC"
    language: str = "en"
    login: str = ""
    notify: str | tuple[Method, ...] = "default"
    addresses: Mapping[str, str] = {}


class Layer(Value):
    """A rotation. ``handoff`` is local wall-clock: ``"Mon 09:00"`` weekly, ``"09:00"`` daily.
    ``start`` is the local date of the first person's first shift."""

    rotate: Literal["daily", "weekly"]
    handoff: str
    start: str
    people: tuple[str, ...] = Field(min_length=1)


class Schedule(Value):
    """Later layers stand over earlier ones."""

    time_zone: str
    layers: tuple[Layer, ...] = Field(min_length=1)


class PathStep(Value):
    schedule: str | None = None
    person: str | None = None
    title: str = ""
    wait: Duration


class Path(Value):
    kind: Literal["technical", "business", "customer"]
    repeat: int = Field(2, ge=1, le=10)
    steps: tuple[PathStep, ...] = Field(min_length=1)


class Role(Value):
    schedule: str | None = None
    person: str | None = None
    levels: tuple[int, ...] = (1, 2)


class Hours(Value):
    """Working hours. Without ``time_zone`` they are read in the person's own."""

    days: tuple[Weekday, ...] = ("Mon", "Tue", "Wed", "Thu", "Fri")
    start: str = Field("09:00", alias="from")
    end: str = Field("18:00", alias="to")
    time_zone: str | None = None


class LevelSettings(Value):
    """What differs from the protocol for a level. ``respond_within`` is the first-response
    objective: 15 m, 1 h, 4 h, 24 h by default."""

    respond_within: Duration
    urgency: Literal["now", "working-hours", "quiet"]
    hours: Hours = Hours()


class Timing(Value):
    reopen_within: Duration = 1800.0
    quiet: Duration = 900.0
    flap_changes: int = Field(4, ge=3, le=20)
    flap_window: Duration = 1800.0
    flap_stable: Duration = 1800.0
    page_expires_urgent: Duration = 4 * 3600.0
    page_expires: Duration = 12 * 3600.0
    keep_receipts: Duration = 30 * 86400.0
    keep_receipts_bytes: int = 10 * 1024**3
    behind_receipts: int = 10_000
    behind: Duration = 60.0
    stale: Duration = 86400.0
    everyone_urgent: Duration = 900.0
    everyone: Duration = 7200.0
    link_ends: Duration = 72 * 3600.0


class Configuration(Value):
    """Everything the files say, the protocol's own values filled in."""

    version: Literal[1]
    server: Server = Server()
    journal: JournalSettings = JournalSettings()
    rules: tuple[str, ...] = ()
    sources: Mapping[Name, Source] = {}
    unmapped: str
    operators: tuple[str, ...] = ()
    fallback: tuple[str, ...] = Field(min_length=1)
    services: Mapping[Name, Service]
    channels: Mapping[Name, ChannelSettings]
    notify: Mapping[Name, tuple[Method, ...]]
    people: Mapping[Name, Person]
    schedules: Mapping[Name, Schedule] = {}
    paths: Mapping[Name, Path]
    roles: Mapping[Literal["commander"], Role] = {}
    levels: Mapping[LevelName, LevelSettings] = {}
    timing: Timing = Timing()

    def level(self, number: int) -> LevelSettings:
        """The settings of a level 1-4 (always complete after loading)."""
        return self.levels[("critical", "high", "medium", "low")[number - 1]]
