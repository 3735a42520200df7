"""Who watches irpd from outside, and whom irpd watches by their silence."""

from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from irpd.config.auth import ApiAuth, Auth
from irpd.config.base import LevelNumber, Value
from irpd.config.duration import Duration
from irpd.config.paths import Hours
from irpd.config.secret import Secret


class Report(Value):
    """One dead man's switch that hears from irpd while irpd does its job."""

    url: str | Secret = Field(
        description="What is asked for, whole; `{env: NAME}` where the address itself is the secret."
    )
    every: Duration = Field(
        60.0, ge=1, le=86400, description="How often. The switch should wait for two of these, and a minute."
    )
    method: Literal["GET", "POST"] = Field("GET", description="How it is asked for; nothing is sent with it.")
    auth: ApiAuth | None = Field(None, description="How irpd proves itself there.")
    timeout: Duration = Field(10.0, gt=0, le=60, description="How long to wait for an answer.")

    @field_validator("url")
    @classmethod
    def _address(cls, url: str | Secret) -> str | Secret:
        if isinstance(url, str) and (problem := wrong_address(url)):
            raise ValueError(problem)
        return url


class Heartbeat(Value):
    """A monitor that must report."""

    service: str = Field(description="The service that its silence is about.")
    every: Duration = Field(ge=10, le=31 * 86400, description="How often it reports.")
    grace: Duration = Field(
        300.0, ge=0, le=7 * 86400, description="How late it may be; also how long after irpd's own start."
    )
    level: LevelNumber = Field(2, description="Level of its silence, where no rule says another.")
    hours: Hours | None = Field(
        None,
        description="When it must report, in `server.time_zone` unless they name another. What comes due "
        "outside of them is due `every` and `grace` after they begin. Without it: always.",
    )
    auth: Auth | Literal["none"] = Field(
        description="How it proves itself: `bearer`, `basic`, `header` or `query`; `none` must be said."
    )
    title: str = Field(
        "", max_length=200, description="What the page says. Without it `NAME has not reported`."
    )
    runbook: str = Field("", description="Address of its runbook; stands in pages.")

    @field_validator("auth")
    @classmethod
    def _sent_with_it(cls, auth: Auth | Literal["none"]) -> Auth | Literal["none"]:
        if isinstance(auth, Auth) and (auth.client_secret is not None or auth.hmac is not None):
            raise ValueError("a monitor signs nothing; use bearer, basic, header or query")
        return auth


class Watchdog(Value):
    """An alert that always fires: the sender lives as long as it comes."""

    labels: Mapping[str, str] = Field(
        {"alertname": "Watchdog"}, min_length=1, description="What marks it; all of these labels must fit."
    )
    every: Duration = Field(
        300.0,
        ge=10,
        le=3600,
        description="So long it may stay away. Its route must repeat it more often: `repeat_interval`.",
    )
    level: LevelNumber = Field(2, description="Level of its silence, where no rule says another.")
    service: str = Field(
        "", description="The service it is about. Without it the one that claims such an alert."
    )


class Watching(Value):
    """irpd watched from outside."""

    report: tuple[Report, ...] = Field(
        (),
        max_length=10,
        description="Dead man's switches elsewhere. They stop hearing from irpd when it stands still, when "
        "pages don't leave, and when the journal can't be written; they tell people by their own road.",
    )


def wrong_address(url: str) -> str:
    """What is wrong with an address to ask for; "" when nothing is. Doesn't repeat the address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), 0
    right = parts.scheme in ("http", "https") and parts.hostname and port != 0 and not parts.fragment
    if not right or not url.isascii() or not url.isprintable() or " " in url:
        return "is no address such as https://switch.example.com/irpd"
    return "an address has no user in it; that is what auth is for" if "@" in parts.netloc else ""
