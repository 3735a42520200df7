"""The configuration as a value: what the files say once they are read and found good.

These are the types that the rest of irpd sees. Reading, positions, defaults of the
protocol and the checks of single values are in ``config.load``; references between
parts are checked in ``irpd.check``. Durations are seconds (float) here and texts like
``5m`` or ``1h30m`` in the files. Everything is frozen.

The descriptions are what ``docs/reference/configuration.md`` and the schema for editors
say about a key.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from irpd.config.audiences import Audience, MessageTemplate
from irpd.config.auth import ApiAuth, Auth
from irpd.config.base import LEVEL_NAMES, LevelName, Name, Value
from irpd.config.channels import ChannelSettings, SlackChannel, SmtpChannel, TwilioChannel
from irpd.config.duration import Duration, Every
from irpd.config.paths import Hours, Method, Path, QuietHours, Role, ServicePath, Team
from irpd.config.reports import Reports
from irpd.config.schedules import Away, Schedule
from irpd.config.stages import Stages
from irpd.config.watching import Heartbeat, Watchdog, Watching


class Token(Value):
    """A token of the API. ``hash`` is ``sha256:<hex>`` of the token."""

    name: Name = Field(description="Who uses it; the actor that events name.")
    hash: str = Field(
        pattern=r"^sha256:[0-9a-f]{64}$",
        description="`sha256:` and the token's SHA-256 in 64 hexadecimal digits, never the token itself.",
    )
    may: Literal["read", "respond", "admin"] = Field(
        "read", description="What it allows: look, also work on incidents, or everything."
    )


class Server(Value):
    listen: str = Field("127.0.0.1:8420", description="Address and port to listen on, `[::1]:8420` for IPv6.")
    public_url: str = Field(
        "",
        description="How people reach it; links in pages begin with it. Without it: `http://` and `listen`.",
    )
    state_dir: str | None = Field(
        None, description="Where the journal and other state is. Without it `$STATE_DIRECTORY`."
    )
    time_zone: str = Field("UTC", description="Zone of times that name none, such as `Europe/Berlin`.")
    tokens: tuple[Token, ...] = Field((), description="Tokens of the API. Without any it is off on TCP.")
    verify: Literal["required", "warn", "ignore"] = Field(
        "ignore",
        description="People whom pages reach only by addresses that they have not confirmed "
        "(`irpd page verify`): an error that refuses a reload, a warning, or nothing. They are paged anyway.",
    )
    max_body: int = Field(
        16 * 1024 * 1024, ge=1024, le=1024**3, description="Largest body of a webhook, in bytes."
    )


class JournalSettings(Value):
    sqlite: str = Field("irpd.db", min_length=1, description="The journal's file, in the state directory.")


class Unreadable(Value):
    level: int | None = Field(
        None,
        ge=1,
        le=4,
        description="Level of the incident that a body opens which can't be read. "
        "Without it 2 for monitoring and 4 for tickets.",
    )


#: What ``fields`` of a source may set, and besides these ``labels.NAME``.
SOURCE_FIELDS = (
    *("key", "title", "body", "reporter", "status", "service", "category", "priority", "tags"),
    *("affected_users", "affected_share", "url"),
)


class Api(Value):
    """How irpd asks a sender what is firing there: what was missed opens, what ended without a word ends."""

    urls: tuple[str, ...] = Field(
        min_length=1,
        description="Where it is, `http://127.0.0.1:9093`; each Alertmanager that sends to this source.",
    )
    auth: ApiAuth | None = Field(None, description="How irpd proves itself there; Sentry wants a `bearer`.")
    every: Duration = Field(300.0, ge=1, le=86400, description="How often it is asked, besides at start.")
    after: Duration = Field(
        120.0, ge=0, le=86400, description="So long a report may take to come before it counts as missed."
    )
    trust_after: Duration = Field(
        300.0, ge=0, le=86400, description="Until so long after its own start nothing ends on its word."
    )
    timeout: Duration = Field(10.0, gt=0, le=60, description="How long to wait for an answer.")
    receiver: str = Field(
        "", description="Alertmanager: the receiver that sends here, a regular expression. Without it any."
    )
    organization: str = Field("", description="Sentry: the organization's slug.")

    @field_validator("urls")
    @classmethod
    def _addresses(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            if not url.startswith(("http://", "https://")) or any(
                one.isspace() or one in "?#" for one in url
            ):
                raise ValueError(f"{url!r} is no address such as http://127.0.0.1:9093")
        return urls


class Source(Value):
    type: Literal["alertmanager", "grafana", "sentry", "zendesk", "freshdesk", "jira", "ticket"] = Field(
        description="Who sends. `ticket` is any help desk or form, read by `fields`."
    )
    auth: Auth | Literal["none"] = Field(
        description="How it proves itself; `none` must be said in so many words."
    )
    unreadable: Unreadable | Literal["refuse"] = Field(
        Unreadable(),
        description="What a body does that can't be read: opens an incident (`{level: N}`), or `refuse` "
        "answers 400.",
    )
    default_level: int | None = Field(
        None,
        ge=1,
        le=4,
        description="Level when no rule holds and the share of users is unknown. "
        "Without it 2 for monitoring, 3 for Sentry, 4 for tickets.",
    )
    users_label: str = Field(
        "affected_users", description="Label or annotation that says how many users are affected."
    )
    share_label: str = Field(
        "affected_share", description="Label or annotation that says which share, `0.42` or `42%`."
    )
    fields: Mapping[str, str] = Field(
        {},
        description="Type `ticket`: what is where in the body, as dotted paths; with `key` and `title`.",
    )
    closed: tuple[str, ...] = Field(
        ("solved", "closed", "resolved", "done", "deleted"),
        description="Values of a ticket's status that mean resolved.",
    )
    detected_by: str = Field(
        "", description="How its incidents count as detected. Without it `monitoring`, or `user-report`."
    )
    limit: float | None = Field(
        None, gt=0, le=1_000_000, description="Requests a second; more are answered 503. Without it no limit."
    )
    api: Api | None = Field(
        None, description="Types `alertmanager` and `sentry`: where irpd asks what is firing there."
    )

    watchdog: Watchdog | None = Field(
        None,
        description="Types `alertmanager` and `grafana`: an alert of it that always fires. It opens nothing; "
        "that it doesn't come does.",
    )

    @model_validator(mode="after")
    def _has_alerts(self) -> "Source":
        if self.watchdog is not None and self.type not in ("alertmanager", "grafana"):
            raise ValueError(f"a source of type {self.type} has no alert that always fires")
        return self

    @model_validator(mode="after")
    def _can_be_asked(self) -> "Source":
        if self.api is None:
            return self
        if self.type not in ("alertmanager", "sentry"):
            raise ValueError(f"a source of type {self.type} can't be asked; only alertmanager and sentry can")
        if self.type == "sentry" and (not self.api.organization or len(self.api.urls) != 1):
            raise ValueError("api of a Sentry has one address in urls, and organization")
        return self

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

    source: str | tuple[str, ...] | None = Field(None, description="Name of the source.")
    project: str | tuple[str, ...] | None = Field(None, description="The sender's project.")
    labels: Mapping[str, str | tuple[str, ...]] = Field(
        {}, description="Labels and their values; a missing label is an empty text."
    )


class Query(Value):
    """A number that a Prometheus knows."""

    promql: str = Field(
        min_length=1, max_length=10_000, description="A query whose answer is one number: `sum(...)`."
    )
    every: Duration = Field(
        60.0, ge=5, le=86400, description="How often it is asked while an incident is open."
    )
    ask: str | None = Field(None, description="Name under `prometheus`; needed only where there are several.")


class Users(Value):
    """``count``, or a query with what holds until it has been answered."""

    count: int | None = Field(
        None, gt=0, le=10**12, description="How many users the service has; what shares are of."
    )
    promql: str | None = Field(
        None, min_length=1, max_length=10_000, description="Instead: a query whose answer is that number."
    )
    every: Duration = Field(
        300.0, ge=5, le=86400, description="How often it is asked while an incident is open."
    )
    ask: str | None = Field(None, description="Name under `prometheus`; needed only where there are several.")
    otherwise: int | None = Field(
        None, gt=0, le=10**12, description="How many there are as long as the query has no answer."
    )

    @model_validator(mode="after")
    def _one_way(self) -> "Users":
        if (self.count is None) == (self.promql is None):
            raise ValueError("users has either count or promql")
        if self.count is not None and self.otherwise is not None:
            raise ValueError("otherwise goes with promql; count always holds")
        return self

    @property
    def known(self) -> int | None:
        """How many there are as far as the files say."""
        return self.count if self.count is not None else self.otherwise

    @property
    def query(self) -> Query | None:
        return None if self.promql is None else Query(promql=self.promql, every=self.every, ask=self.ask)


class PrometheusServer(Value):
    url: str = Field(
        pattern=r"^https?://[^\s?#]+$", description="Where it is, such as `http://127.0.0.1:9090`."
    )
    auth: ApiAuth | None = Field(None, description="How irpd proves itself there.")
    timeout: Duration = Field(5.0, gt=0, le=60, description="How long to wait for an answer.")


class Service(Value):
    title: str = Field("", description="Its name for people. Without it the key.")
    team: str = Field("", description="Who owns it.")
    paths: Mapping[Literal["technical", "customer", "business"], str | ServicePath] = Field(
        {},
        description="Which path is used for what: monitoring starts `technical`, tickets `customer`. "
        "`{path: NAME, levels: [1]}` is also started, beside that one, at these levels.",
    )
    regimes: tuple[str, ...] = Field((), description="Compliance regimes that its incidents fall under.")
    users: Users | None = Field(None, description="Its users.")
    affected: Query | None = Field(None, description="How many of its users something affects just now.")
    signals: tuple[Claim, ...] = Field(
        (), description="Which reports are about it; one that holds is enough."
    )
    depends_on: Mapping[Name, Literal["mutes", "joins"]] = Field(
        {},
        description="Services that it can't do without. `mutes`: while that one has an incident of level 1-2 "
        "whose signals fire, this one's new signals are muted, and decided again at its end. `joins`: a new "
        "signal of that one joins the open incident of this one, which it breaks.",
    )
    runbook: str = Field("", description="Address of its runbook; stands in pages.")
    dashboard: str = Field(
        "",
        description="Address of its dashboard; stands in pages. `{from}` and `{to}` (RFC 3339), `{from_ms}` "
        "and `{to_ms}` (as Grafana takes them) are filled with the incident's time, `{service}` with its "
        "name; so in `runbook` and `logs`.",
    )
    logs: str = Field("", description="Address of its logs; stands in pages.")


class Person(Value):
    """``addresses`` maps a channel's name to this person's address on it, where the
    fields below don't already say it."""

    name: str = Field(min_length=1, description="Full name.")
    email: str = Field("", description="Address for channels of type smtp.")
    phone: str = Field(
        "",
        description="For channels of type twilio and voice, in international form and in quotes: "
        '`"+4915100000001"`.',
    )
    slack: str = Field("", description="Member id at Slack (`U01ASHA`).")
    ntfy: str = Field("", description="Topic at ntfy; whoever knows it reads along, unless it is protected.")
    pushover: str = Field("", description="User key at Pushover.")
    telegram: str = Field(
        "", description="Numeric id at Telegram, in quotes; the bot says it to whoever sends it `/start`."
    )
    mattermost: str = Field("", description="User name at Mattermost.")
    time_zone: str = Field("UTC", description="Zone of the times in pages and of working hours.")
    language: str = Field("en", description="Language of the texts.")
    login: str = Field("", description="User on this machine; who acts when that user runs `irpd`.")
    notify: str | tuple[Method, ...] = Field(
        "default", description="How to reach this person: a name under `notify`, or a list of their own."
    )
    addresses: Mapping[str, str] = Field(
        {}, description="Addresses on other channels, by the channel's name."
    )
    quiet: QuietHours | None = Field(
        None, description="Hours in which only what is severe enough rings; see there."
    )
    away: tuple[Away, ...] = Field(
        (),
        description="When they aren't there: their shifts go to the layer below, else to the next in turn.",
    )


class LevelSettings(Value):
    """What differs from the protocol for a level: its objectives, and how it pages."""

    respond_within: Duration = Field(gt=0, description="First-response objective: 15m, 1h, 4h, 24h.")
    update_every: Every = Field(
        description="How often its audience is told: 30m, 2h, `daily` (the same time of day, on the next day "
        "or, by `clock: working-hours`, the next working day), `as-needed`."
    )
    resolve_within: Duration = Field(gt=0, description="Resolution target: 4h, 8h, 24h, 72h.")
    clock: Literal["always", "working-hours"] = Field(
        "always", description="Whether its objectives run around the clock or only in its `hours`."
    )
    urgency: Literal["now", "working-hours", "quiet"] = Field(
        description="When to page: at any hour (levels 1, 2), in working hours (3), or only tell (4)."
    )
    hours: Hours = Field(
        Hours(),
        description="Working hours, for `urgency` and `clock`; for `clock` else in the server's zone.",
    )
    holidays: tuple[Name, ...] = Field(
        (), description="Names under `holidays`: days on which no working hours begin."
    )
    stale_after: Duration = Field(
        ge=0,
        description="An acknowledgement after which nobody did anything (a note, a change) for so long is "
        "stale: who has it is warned, then the path goes on. 1h, 4h, 2d and, at level 4, `0s`: never.",
    )


class Timing(Value):
    reopen_within: Duration = Field(
        1800.0, description="A signal that fires again so soon after the end reopens its incident."
    )
    quiet: Duration = Field(
        900.0, description="How long all signals must be resolved before an incident of level 3-4 ends."
    )
    flap_changes: int = Field(
        4, ge=3, le=20, description="Changes within `flap_window` that make a signal flap."
    )
    flap_window: Duration = Field(1800.0, gt=0, description="See `flap_changes`.")
    flap_stable: Duration = Field(
        1800.0, gt=0, description="How long it must be stable until it no longer flaps."
    )
    gather: Duration = Field(
        60.0,
        le=600.0,
        description="Pages to one person over one channel so soon after a message wait for the end of this "
        "time and come in one; what is more severe goes at once. `0s`: each by itself. Webhooks and files "
        "always get each by itself.",
    )
    gather_critical: Duration = Field(
        10.0,
        le=600.0,
        description="What level 1 waits of `gather` at first; twice as long after each message of that time, "
        "so that a flood is a few messages. `0s`: never.",
    )
    page_expires_urgent: Duration = Field(
        4 * 3600.0, gt=0, description="After that an unsent page of level 1-2 isn't sent any more."
    )
    page_expires: Duration = Field(
        12 * 3600.0, gt=0, description="After that an unsent page of level 3-4 isn't sent any more."
    )
    keep_receipts: Duration = Field(
        30 * 86400.0, gt=0, description="How long received bodies are kept, for replay."
    )
    keep_receipts_bytes: int = Field(
        10 * 1024**3, gt=0, le=2**60, description="How many bytes of them at most."
    )
    behind_receipts: int = Field(
        10_000,
        gt=0,
        le=10**8,
        description="Receipts that may wait for a decision before senders are answered 503.",
    )
    behind: Duration = Field(60.0, gt=0, description="How long the oldest of them may wait.")
    stale_grace: Duration = Field(
        900.0, gt=0, description="How long after the warning of a stale acknowledgement the path goes on."
    )
    update_warning: Duration = Field(
        300.0, description="How long before an update is due somebody is told; `0s`: never."
    )
    target_warning: float = Field(
        0.2,
        ge=0,
        le=0.9,
        description="The same for first response and resolution, as a share of their time; 0: never.",
    )
    help: Duration = Field(
        600.0, gt=0, description="Help that was asked for: so long after one person the next is paged."
    )
    help_taken: Duration = Field(
        1800.0, gt=0, description="The same once somebody has said that they see to it."
    )
    chase: Duration = Field(
        300.0, gt=0, description="A missed update: so long after one person the next is paged for it."
    )
    extended_updates: float = Field(
        0.5,
        gt=0,
        le=1,
        description="Past its resolution target an incident is extended: updates are due after this share of "
        "their interval.",
    )
    stale: Duration = Field(86400.0, gt=0, description="A signal without news for so long is marked stale.")
    everyone_urgent: Duration = Field(
        900.0, gt=0, description="After a path's rounds: everyone again this often, levels 1-2."
    )
    everyone: Duration = Field(7200.0, gt=0, description="The same for levels 3-4.")
    joins_within: Duration = Field(
        1800.0,
        gt=0,
        description="So long after an incident's newest signal, signals of what its service needs join it.",
    )
    link_ends: Duration = Field(
        72 * 3600.0, gt=0, description="How long after an incident's end a page's link still shows it."
    )


class Storm(Value):
    """When many incidents open within minutes they become one."""

    incidents: int = Field(
        25, ge=2, le=10_000, description="So many that signals open within `within` become one incident."
    )
    within: Duration = Field(
        300.0, gt=0, le=86400.0, description="In how long; it is over when so long no signal was new."
    )
    settle: Duration = Field(
        5.0,
        ge=0,
        le=60.0,
        description="Who was sent a page within the last minute gets the next one, unless it is more severe, "
        "so much later: what comes meanwhile may make a storm of it.",
    )


class Configuration(Value):
    """Everything the files say, the protocol's own values filled in."""

    version: Literal[1] = Field(description="Version of this format.")
    server: Server = Field(Server(), description="The daemon.")
    journal: JournalSettings = Field(JournalSettings(), description="Where everything is kept.")
    rules: tuple[str, ...] = Field(
        (), description="Rule files, relative to this file; `*` stands for any part of a name."
    )
    sources: Mapping[Name, Source] = Field(
        {}, description="Who sends, by name; `/webhook/NAME` is its address."
    )
    unmapped: str = Field(description="Service of a signal that no service claims.")
    operators: tuple[str, ...] = Field(
        (), description="People who are paged when irpd itself needs somebody."
    )
    fallback: tuple[str, ...] = Field(
        min_length=1, description="People who are paged whenever a step reaches nobody."
    )
    services: Mapping[Name, Service] = Field(description="What can break, by name.")
    prometheus: Mapping[Name, PrometheusServer] = Field(
        {}, description="Who knows how many users there are and how many are affected, by name."
    )
    channels: Mapping[Name, ChannelSettings] = Field(description="Ways to reach people, by name.")
    notify: Mapping[Name, tuple[Method, ...]] = Field(
        description="How to reach a person, in order. Who has none of their own gets `default`."
    )
    people: Mapping[Name, Person] = Field(description="Everybody who can be paged, by name.")
    holidays: Mapping[Name, tuple[str, ...]] = Field(
        {}, description='Public holidays and the like, by name: their dates, `"2026-12-25"`.'
    )
    schedules: Mapping[Name, Schedule] = Field({}, description="Who is on call when, by name.")
    teams: Mapping[Name, Team] = Field(
        {}, description="People and schedules that steps page together, by name."
    )
    paths: Mapping[Name, Path] = Field(description="Escalation paths, by name.")
    roles: Mapping[Literal["commander", "technical-lead", "communications"], Role] = Field(
        {}, description="Roles that are filled when an incident of their levels opens."
    )
    audiences: Mapping[Name, Audience] = Field(
        {}, max_length=200, description="Whom messages about incidents go to, by name."
    )
    templates: Mapping[Name, MessageTemplate] = Field(
        {}, max_length=200, description="Texts of messages in place of the protocol's, by a name of your own."
    )
    levels: Mapping[LevelName, LevelSettings] = Field(
        {}, description="What differs from the protocol, by level: critical, high, medium, low."
    )
    reports: Reports = Field(Reports(), description="Post-incident reports, their review, and who is late.")
    stages: Stages = Field(Stages(), description="The stages of a response and what is done in each.")
    timing: Timing = Field(Timing(), description="Times and bounds, each with a default.")
    heartbeats: Mapping[Name, Heartbeat] = Field(
        {},
        max_length=10_000,
        description="Monitors that must report to `/heartbeat/NAME`; one that stops opens an incident.",
    )
    shadow: bool = Field(
        False,
        description="Take everything in, decide and show it, tell nobody: to compare with another pager.",
    )
    shadow_uses: tuple[str, ...] = Field(
        (), description="Channels of type `file` that are used all the same while `shadow` holds."
    )
    watching: Watching = Field(Watching(), description="Who notices from outside that irpd stands still.")
    storm: Storm | Literal["none"] = Field(
        "none", description="When many incidents at once become one. Without it: never."
    )

    @field_validator("version", mode="before")
    @classmethod
    def _a_number(cls, value: Any) -> Any:
        return str(value) if isinstance(value, bool | float) else value  # true and 1.0 equal 1 in Python

    def path_of(self, service: str, kind: str) -> str:
        """The path of this kind that a service names; "" when it names none."""
        settings = self.services.get(service)
        named = settings.paths.get(kind) if settings is not None else None  # type: ignore[call-overload]  # a rule may name any
        return named.path if isinstance(named, ServicePath) else named or ""

    def level(self, number: int) -> LevelSettings:
        """The settings of a level 1-4 (always complete after loading)."""
        return self.levels[LEVEL_NAMES[number - 1]]

    def hears(self, channel: str) -> bool:
        """Whether what people answer to what this channel sends comes back to irpd."""
        match self.channels.get(channel):
            case TwilioChannel(hears=True):
                return bool(self.server.public_url)
            case SmtpChannel(replies=replies):
                return replies is not None
            case SlackChannel(auth=auth):
                reached = auth.signing_secret is not None and bool(self.server.public_url)
                return reached or auth.app_token is not None
            case _:
                return False

    def address(self, person: str, channel: str) -> str:
        """Where this channel reaches this person; "" when the files don't say. A file reaches everybody."""
        someone, settings = self.people.get(person), self.channels.get(channel)
        if someone is None or settings is None:
            return ""
        own = someone.addresses.get(channel, "")
        if own or settings.person_field:
            return own or str(getattr(someone, settings.person_field))
        match settings.type:
            case "webhook":
                return settings.url
            case "apprise":
                return settings.address
            case _:
                return person
