"""How those who send prove themselves to irpd, and how irpd proves itself where it asks."""

import base64
from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator

from irpd.config.base import Value
from irpd.config.secret import Secret


class Hmac(Value):
    """A signature over the raw body, as Zendesk, Jira and generic senders make it."""

    secret: Secret = Field(description="The key that both sides know.")
    header: str = Field("", description="Header of the signature. Without it the source type's own.")
    algorithm: Literal["sha256", "sha1"] = Field("sha256", description="The hash.")
    encoding: Literal["hex", "base64"] = Field("hex", description="How the signature is written.")
    prefix: str = Field("", description="What stands before it in the header, such as `sha256=`.")
    timestamp_header: str = Field(
        "", description="Header of a time that is signed too: time, `separator`, body."
    )
    separator: str = Field("", description="What stands between time and body.")


class Auth(Value):
    """How a source proves itself: exactly one way."""

    bearer: Secret | None = Field(None, description="`Authorization: Bearer` and the secret.")
    basic: Mapping[str, Secret] | None = Field(None, description="`{user: secret}`, exactly one.")
    header: Mapping[str, Secret] | None = Field(
        None, description="`{name of the header: secret}`, exactly one."
    )
    query: Mapping[str, Secret] | None = Field(
        None, description="`{parameter of the URL: secret}`, exactly one; not shown in logs."
    )
    client_secret: Secret | None = Field(None, description="Sentry's client secret; it signs each request.")
    hmac: Hmac | None = Field(None, description="A signature over the body.")

    @model_validator(mode="after")
    def _exactly_one(self) -> "Auth":
        ways = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(ways) != 1:
            raise ValueError(
                "exactly one way of authentication: bearer, basic, header, query, client_secret or hmac"
                + (f"; {' and '.join(ways)} stand here" if ways else "")
            )
        value = getattr(self, ways[0])
        if isinstance(value, Mapping) and (len(value) != 1 or not all(value)):
            raise ValueError(f"{ways[0]} has exactly one name with its secret")
        return self


class ApiAuth(Value):
    """How irpd proves itself when it asks; at most one way."""

    bearer: Secret | None = Field(None, description="`Authorization: Bearer` and the secret.")
    basic: Mapping[str, Secret] | None = Field(None, description="`{user: secret}`, exactly one.")

    @model_validator(mode="after")
    def _exactly_one(self) -> "ApiAuth":
        if (self.bearer is None) == (self.basic is None) or (self.basic is not None and len(self.basic) != 1):
            raise ValueError("exactly one way: bearer, or basic with one user")
        return self

    def header(self) -> dict[str, str]:
        """What goes with a request. Raises LookupError when the secret can't be had."""
        if self.bearer is not None:
            return {"Authorization": f"Bearer {self.bearer.reveal()}"}
        ((user, secret),) = (self.basic or {}).items()
        pair = base64.b64encode(f"{user}:{secret.reveal()}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}
