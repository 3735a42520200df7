"""Whether a request comes from the sender it names.

Secrets are resolved once, when the source is built, and kept only as digests or inside
closures of HMAC state: nothing here has a ``repr`` that shows one. All comparisons take
the same time whatever was sent, also for a user name that doesn't exist: a digest of the
whole credential is compared, never its parts.

Signatures are over the raw bytes as received. The facts of each sender are in its module
(``SIGNATURE``).
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from irpd.config.auth import Auth, Hmac
from irpd.config.secret import Secret
from irpd.config.values import Source
from irpd.intake.reading import header, instant

#: How old a signed timestamp may be, and how far ahead of our clock.
OLDEST = timedelta(minutes=10)
AHEAD = timedelta(minutes=5)
_MOST_SIGNATURES = 16  # in one header, while a sender changes its secret


class SourceError(LookupError):
    """A source that can't be built: the place in the configuration and what is wrong."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


@dataclass(frozen=True, slots=True)
class AuthResult:
    """``reason`` says what was missing or wrong; it holds nothing of what was sent."""

    ok: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.ok


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """How a sender signs a body.

    With ``timestamp_header`` the message is that header's text as it came, ``separator``
    and the body; without, the body alone. The header may hold several signatures with
    commas between; each begins with ``prefix``.
    """

    header: str
    algorithm: Literal["sha256", "sha1"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    timestamp_header: str = ""
    separator: str = ""


class Authenticator(Protocol):
    def by_headers(self, headers: Mapping[str, str], query: Mapping[str, str]) -> bool | None: ...

    def check(
        self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, now: datetime
    ) -> AuthResult: ...


_FINE = AuthResult(True)


class _Open:
    """``auth: none``, said in so many words."""

    def by_headers(self, headers: Mapping[str, str], query: Mapping[str, str]) -> bool | None:
        return True

    def check(
        self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, now: datetime
    ) -> AuthResult:
        return _FINE


class _Credential:
    """A secret that is sent as it is. ``find`` takes it out of the request, or says that it
    is not there; what is kept of ours is its digest."""

    __slots__ = ("_digest", "_find", "_what")

    def __init__(
        self, secret: bytes, find: Callable[[Mapping[str, str], Mapping[str, str]], bytes | None], what: str
    ) -> None:
        self._digest = hashlib.sha256(secret).digest()
        self._find = find
        self._what = what

    def by_headers(self, headers: Mapping[str, str], query: Mapping[str, str]) -> bool | None:
        return self._result(headers, query).ok

    def check(
        self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, now: datetime
    ) -> AuthResult:
        return self._result(headers, query)

    def _result(self, headers: Mapping[str, str], query: Mapping[str, str]) -> AuthResult:
        sent = self._find(headers, query)
        same = hmac.compare_digest(hashlib.sha256(sent or b"").digest(), self._digest)
        if sent is None:
            return AuthResult(False, f"{self._what}: not sent, or not in the form expected")
        return _FINE if same else AuthResult(False, f"{self._what}: wrong")


class _Signed:
    """A signature over the body with a shared secret."""

    __slots__ = ("_keyed", "_scheme")

    def __init__(self, secret: bytes, scheme: Scheme) -> None:
        self._keyed = hmac.new(secret, digestmod=scheme.algorithm)
        self._scheme = scheme

    def by_headers(self, headers: Mapping[str, str], query: Mapping[str, str]) -> bool | None:
        return None if header(headers, self._scheme.header) else False

    def check(
        self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, now: datetime
    ) -> AuthResult:
        scheme = self._scheme
        sent = header(headers, scheme.header)
        if not sent:
            return AuthResult(False, f"{scheme.header}: not sent")
        keyed = self._keyed.copy()
        if scheme.timestamp_header:
            stamp = header(headers, scheme.timestamp_header)
            if not stamp:
                return AuthResult(False, f"{scheme.timestamp_header}: not sent")
            keyed.update(raw(stamp))
            keyed.update(raw(scheme.separator))
            late = _outside(stamp, now)
            if late:
                return AuthResult(False, f"{scheme.timestamp_header}: {late}")
        keyed.update(body)
        wanted = keyed.digest()
        same = False
        for one in sent.split(",")[:_MOST_SIGNATURES]:
            given = self._decoded(one.strip())
            same |= hmac.compare_digest(given, wanted)  # all are looked at, whichever fits
        return _FINE if same else AuthResult(False, f"{scheme.header}: the signature does not fit the body")

    def _decoded(self, text: str) -> bytes:
        if not text.startswith(self._scheme.prefix):
            return b""
        text = text[len(self._scheme.prefix) :]
        try:
            if self._scheme.encoding == "hex":
                return bytes.fromhex(text)
            return base64.b64decode(text, validate=True)
        except (ValueError, binascii.Error):
            return b""


def _outside(stamp: str, now: datetime) -> str:
    """What is wrong with a signed timestamp; "" if it is recent."""
    text = stamp.strip()
    when = instant(int(text)) if text.isascii() and text.isdigit() and len(text) < 16 else instant(text)
    if when is None:
        return "not a time"
    if now - when > OLDEST:
        return f"{round((now - when).total_seconds())} s old; at most {round(OLDEST.total_seconds())} s"
    if when - now > AHEAD:
        return f"{round((when - now).total_seconds())} s ahead; at most {round(AHEAD.total_seconds())} s"
    return ""


def raw(text: str) -> bytes:
    """A header's text as the bytes it came in (aiohttp decodes them with surrogateescape)."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace")


def _scheme_of(value: str, scheme: str) -> str | None:
    """What follows the scheme in an Authorization header; None when it is another scheme."""
    name, _, rest = value.strip().partition(" ")
    return rest.strip() if name.lower() == scheme else None


def _bearer(headers: Mapping[str, str], query: Mapping[str, str]) -> bytes | None:
    sent = header(headers, "Authorization")
    token = None if sent is None else _scheme_of(sent, "bearer")
    return raw(token) if token else None


def _basic(headers: Mapping[str, str], query: Mapping[str, str]) -> bytes | None:
    sent = header(headers, "Authorization")
    encoded = None if sent is None else _scheme_of(sent, "basic")
    if not encoded:
        return None
    try:
        return base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        return None


def build_authenticator(name: str, settings: Source, signature: Scheme | None) -> Authenticator:
    """The check of a source. Raises SourceError with the place when a secret can't be had."""
    place = f"sources.{name}.auth"
    auth = settings.auth
    if not isinstance(auth, Auth):
        return _Open()
    if (sent := build_credential(auth, place)) is not None:
        return sent
    if auth.client_secret is not None:
        if settings.type != "sentry" or signature is None:
            raise SourceError(f"{place}.client_secret", "only a source of type sentry has one; use hmac")
        return _Signed(_reveal(auth.client_secret, f"{place}.client_secret"), signature)
    if auth.hmac is not None:
        secret_bytes = _reveal(auth.hmac.secret, f"{place}.hmac.secret")
        return _Signed(secret_bytes, _scheme(auth.hmac, signature, settings, place))
    raise AssertionError("Auth itself holds that it is exactly one way")


def build_credential(auth: Auth, place: str) -> Authenticator | None:
    """The check of what is sent as it is; None for a signature. Raises SourceError without a secret."""
    if auth.bearer is not None:
        return _Credential(_reveal(auth.bearer, f"{place}.bearer"), _bearer, "bearer token")
    if auth.basic is not None:
        user, secret = next(iter(auth.basic.items()))
        password = _reveal(secret, f"{place}.basic.{user}")
        return _Credential(raw(user) + b":" + password, _basic, "user and password")
    if auth.header is not None:
        named, secret = next(iter(auth.header.items()))
        return _Credential(_reveal(secret, f"{place}.header.{named}"), _header(named), f"header {named}")
    if auth.query is not None:
        named, secret = next(iter(auth.query.items()))
        return _Credential(_reveal(secret, f"{place}.query.{named}"), _parameter(named), f"parameter {named}")
    return None


def _scheme(settings: Hmac, signature: Scheme | None, source: Source, place: str) -> Scheme:
    """What the settings say; with no header named, how this type of sender always signs."""
    if not settings.header:
        if signature is None:
            raise SourceError(
                f"{place}.hmac.header", f"needed: a source of type {source.type} has no signature of its own"
            )
        if not settings.timestamp_header:
            return signature
        return Scheme(
            header=signature.header,
            algorithm=signature.algorithm,
            encoding=signature.encoding,
            prefix=signature.prefix,
            timestamp_header=settings.timestamp_header,
            separator=settings.separator or signature.separator,
        )
    return Scheme(
        header=settings.header,
        algorithm=settings.algorithm,
        encoding=settings.encoding,
        prefix=settings.prefix,
        timestamp_header=settings.timestamp_header,
        separator=settings.separator,
    )


def _header(name: str) -> Callable[[Mapping[str, str], Mapping[str, str]], bytes | None]:
    def find(headers: Mapping[str, str], query: Mapping[str, str]) -> bytes | None:
        sent = header(headers, name)
        return None if sent is None else raw(sent)

    return find


def _parameter(name: str) -> Callable[[Mapping[str, str], Mapping[str, str]], bytes | None]:
    def find(headers: Mapping[str, str], query: Mapping[str, str]) -> bytes | None:
        sent = query.get(name)
        return None if sent is None else raw(sent)

    return find


def _reveal(secret: Secret, place: str) -> bytes:
    try:
        return raw(secret.reveal())
    except LookupError as error:
        raise SourceError(place, str(error)) from None
