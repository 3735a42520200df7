"""Who is let in, with signatures computed here and not by the code under test."""

import base64
import hashlib
import hmac
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from irpd.intake import IntakeSource, SourceError

Source = Callable[..., IntakeSource]

SECRET = "s3cret:mit Ümläut"
BODY = b'{"a": 1}\n'
STAMP = "2026-11-24T03:05:00Z"
ZENDESK = ("X-Zendesk-Webhook-Signature", "X-Zendesk-Webhook-Signature-Timestamp")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_SECRET", SECRET)


def sign(message: bytes, algorithm: str = "sha256", *, secret: str = SECRET) -> bytes:
    return hmac.new(secret.encode(), message, algorithm).digest()


def let_in(
    source: IntakeSource,
    now: datetime,
    headers: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
    body: bytes = BODY,
) -> bool:
    result = source.authenticate(headers or {}, query or {}, body, now)
    early = source.authenticate_headers(headers or {}, query or {})
    assert early is None or early is result.ok, "the headers alone must not say otherwise"
    assert result.ok is not bool(result.reason)
    assert SECRET not in result.reason
    return result.ok


THE = {"env": "THE_SECRET"}


# ------------------------------------------------------------------ secrets that are sent
def test_a_source_with_auth_none_lets_everybody_in(source: Source, now: datetime) -> None:
    open_source = source("alertmanager")
    assert let_in(open_source, now)
    assert open_source.authenticate_headers({}, {}) is True


@pytest.mark.parametrize(
    "sent, expected",
    [
        (f"Bearer {SECRET}", True),
        (f"bearer  {SECRET} ", True),
        (f"Bearer {SECRET}x", False),
        (f"Bearer {SECRET[:-1]}", False),
        ("Bearer ", False),
        ("Bearer", False),
        (f"Basic {SECRET}", False),
        (SECRET, False),
        ("", False),
        ("Bearer \udcff\udcfe", False),
        ("Bearer \ud800", False),
    ],
)
def test_a_bearer_token(sent: str, expected: bool, source: Source, now: datetime) -> None:
    bearer = source("alertmanager", auth={"bearer": THE})
    assert let_in(bearer, now, {"Authorization": sent}) is expected
    assert let_in(bearer, now, {"authorization": sent}) is expected
    assert not let_in(bearer, now)


def basic(user: str, password: str, encoding: str = "utf-8") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode(encoding)).decode()


@pytest.mark.parametrize(
    "sent, expected",
    [
        (basic("prometheus", SECRET), True),
        (basic("prometheus", SECRET).replace("Basic", "BASIC"), True),
        (basic("prometheus", SECRET, "latin-1"), False),
        (basic("prometheus", "s3cret"), False),
        (basic("nobody", SECRET), False),
        (basic("prometheus:s3cret", SECRET.partition(":")[2]), True),  # the same bytes on the wire
        ("Basic !!!", False),
        ("Basic", False),
        (f"Bearer {SECRET}", False),
    ],
)
def test_a_user_and_a_password_with_a_colon_in_utf8(
    sent: str, expected: bool, source: Source, now: datetime
) -> None:
    guarded = source("alertmanager", auth={"basic": {"prometheus": THE}})
    assert let_in(guarded, now, {"Authorization": sent}) is expected


def test_a_header_of_its_own(source: Source, now: datetime) -> None:
    guarded = source("freshdesk", auth={"header": {"X-Api-Key": THE}})
    assert let_in(guarded, now, {"x-api-key": SECRET})
    assert not let_in(guarded, now, {"X-Api-Key": SECRET + " "})
    assert not let_in(guarded, now, {"X-Api-Key": ""})
    assert not let_in(guarded, now)


def test_bytes_of_a_header_that_are_no_utf8_are_compared_as_they_came(source: Source, now: datetime) -> None:
    guarded = source("freshdesk", auth={"header": {"X-Api-Key": THE}})
    as_aiohttp_decodes = SECRET.encode("latin-1").decode("utf-8", "surrogateescape")
    assert not let_in(guarded, now, {"X-Api-Key": as_aiohttp_decodes})


def test_a_query_parameter(source: Source, now: datetime) -> None:
    guarded = source("alertmanager", auth={"query": {"token": THE}})
    assert let_in(guarded, now, query={"token": SECRET})
    assert not let_in(guarded, now, query={"token": "x"})
    assert not let_in(guarded, now, query={"Token": SECRET})
    assert not let_in(guarded, now)


# ------------------------------------------------------------------ signatures
def test_sentry_signs_the_raw_bytes_with_its_client_secret(source: Source, now: datetime) -> None:
    sentry = source("sentry", auth={"client_secret": THE})
    right = sign(BODY).hex()
    assert let_in(sentry, now, {"Sentry-Hook-Signature": right})
    assert let_in(sentry, now, {"sentry-hook-signature": right})
    assert not let_in(sentry, now, {"Sentry-Hook-Signature": right}, body=BODY.strip())
    assert not let_in(sentry, now, {"Sentry-Hook-Signature": right}, body=b'{"a":1}')
    assert not let_in(sentry, now, {"Sentry-Hook-Signature": sign(BODY, secret="other").hex()})
    assert not let_in(sentry, now, {"Sentry-Hook-Signature": right[:-1]})
    assert not let_in(sentry, now, {"Sentry-Hook-Signature": ""})
    assert not let_in(sentry, now)


def test_a_known_answer_of_hmac(source: Source, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    # RFC 4231, test case 2
    monkeypatch.setenv("THE_SECRET", "Jefe")
    sentry = source("sentry", auth={"client_secret": THE})
    answer = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert let_in(sentry, now, {"Sentry-Hook-Signature": answer}, body=b"what do ya want for nothing?")


def zendesk(stamp: str = STAMP, body: bytes = BODY) -> dict[str, str]:
    return {ZENDESK[0]: base64.b64encode(sign(stamp.encode() + body)).decode(), ZENDESK[1]: stamp}


def test_zendesk_signs_timestamp_and_body(source: Source, now: datetime) -> None:
    desk = source("zendesk", auth={"hmac": {"secret": THE}})
    assert let_in(desk, now, zendesk())
    assert not let_in(desk, now, zendesk() | {ZENDESK[1]: "2026-11-24T03:05:01Z"})
    assert not let_in(desk, now, zendesk(), body=b"{}")
    assert not let_in(desk, now, {ZENDESK[0]: zendesk()[ZENDESK[0]]})
    assert not let_in(desk, now, {ZENDESK[1]: STAMP})
    assert let_in(desk, now, zendesk(body=b""), body=b"")


@pytest.mark.parametrize(
    "age, expected",
    [
        (timedelta(minutes=10), True),
        (timedelta(minutes=10, seconds=1), False),
        (timedelta(minutes=-5), True),
        (timedelta(minutes=-5, seconds=-1), False),
    ],
)
def test_a_signed_time_may_be_ten_minutes_old_and_five_ahead(
    age: timedelta, expected: bool, source: Source, now: datetime
) -> None:
    desk = source("zendesk", auth={"hmac": {"secret": THE}})
    stamp = f"{now - age:%Y-%m-%dT%H:%M:%SZ}"
    assert let_in(desk, now, zendesk(stamp)) is expected


@pytest.mark.parametrize(
    "stamp", ["yesterday", "", "99999999999999999999", "-1", "²", "0001-01-01T00:00:00Z"]
)
def test_a_signed_time_that_is_no_time_is_refused(stamp: str, source: Source, now: datetime) -> None:
    desk = source("zendesk", auth={"hmac": {"secret": THE}})
    assert not let_in(desk, now, zendesk(stamp))


def test_jira_signs_with_a_prefix(source: Source, now: datetime) -> None:
    jira = source("jira", auth={"hmac": {"secret": THE}})
    assert let_in(jira, now, {"X-Hub-Signature": "sha256=" + sign(BODY).hex()})
    assert not let_in(jira, now, {"X-Hub-Signature": sign(BODY).hex()})
    assert not let_in(jira, now, {"X-Hub-Signature": "sha1=" + sign(BODY, "sha1").hex()})


def test_grafana_may_sign_a_time_in_seconds_before_a_colon(source: Source, now: datetime) -> None:
    plain = source("grafana", auth={"hmac": {"secret": THE}})
    assert let_in(plain, now, {"X-Grafana-Alerting-Signature": sign(BODY).hex()})
    timed = source("grafana", auth={"hmac": {"secret": THE, "timestamp_header": "X-Time"}})
    stamp = str(int(now.timestamp()))
    signature = sign(stamp.encode() + b":" + BODY).hex()
    assert let_in(timed, now, {"X-Grafana-Alerting-Signature": signature, "X-Time": stamp})
    assert not let_in(timed, now, {"X-Grafana-Alerting-Signature": sign(BODY).hex()})
    assert not let_in(
        timed, now + timedelta(hours=1), {"X-Grafana-Alerting-Signature": signature, "X-Time": stamp}
    )


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_any_sender_may_sign_with_the_header_that_is_named(
    algorithm: str, encoding: str, source: Source, now: datetime
) -> None:
    settings = {
        "secret": THE,
        "header": "X-Sig",
        "algorithm": algorithm,
        "encoding": encoding,
        "prefix": "v1=",
    }
    desk = source("ticket", auth={"hmac": settings})
    digest = sign(BODY, algorithm)
    text = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()
    assert let_in(desk, now, {"X-Sig": f"v1={text}"})
    assert not let_in(desk, now, {"X-Sig": f"v2={text}"})
    assert not let_in(desk, now, {"X-Sig": "v1="})


def test_of_several_signatures_any_may_fit_while_a_secret_changes(source: Source, now: datetime) -> None:
    desk = source("ticket", auth={"hmac": {"secret": THE, "header": "X-Sig", "prefix": "v1="}})
    old, new = sign(BODY, secret="old").hex(), sign(BODY).hex()
    assert let_in(desk, now, {"X-Sig": f"v1={old},v1={new}"})
    assert let_in(desk, now, {"X-Sig": f"v1={new}, v1={old}"})
    assert not let_in(desk, now, {"X-Sig": f"v1={old},v2={new}"})
    assert not let_in(desk, now, {"X-Sig": "v1=00," * 1000 + f"v1={new}"})  # bounded work


@pytest.mark.parametrize("sent", ["zz", "ü", "\udcff", "=", ",,,,", " " * 9000])
def test_signatures_that_are_none_are_refused(sent: str, source: Source, now: datetime) -> None:
    for encoding in ("hex", "base64"):
        desk = source("ticket", auth={"hmac": {"secret": THE, "header": "X-Sig", "encoding": encoding}})
        assert not let_in(desk, now, {"X-Sig": sent})


def test_whether_headers_alone_decide_is_known_before_the_body(source: Source) -> None:
    signed = source("sentry", auth={"client_secret": THE})
    assert signed.authenticate_headers({"Sentry-Hook-Signature": "x"}, {}) is None
    assert signed.authenticate_headers({}, {}) is False
    bearer = source("sentry", auth={"bearer": THE})
    assert bearer.authenticate_headers({}, {}) is False
    assert bearer.authenticate_headers({"Authorization": f"Bearer {SECRET}"}, {}) is True


# ------------------------------------------------------------------ secrets stay secret
WAYS: list[dict[str, Any]] = [
    {"bearer": THE},
    {"basic": {"u": THE}},
    {"header": {"h": THE}},
    {"query": {"q": THE}},
    {"client_secret": THE},
    {"hmac": {"secret": THE, "header": "h"}},
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: next(iter(way)))
def test_a_secret_shows_in_no_repr_and_no_log(
    way: dict[str, Any], source: Source, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    built = source("sentry", auth=way)
    result = built.authenticate({"Authorization": f"Bearer {SECRET}x"}, {"q": SECRET + "x"}, BODY, now)
    shown = repr(built) + str(built) + repr(result) + repr(built._authenticator) + caplog.text
    assert SECRET not in shown
    assert "key of the tests" not in shown


@pytest.mark.parametrize("way", WAYS, ids=lambda way: next(iter(way)))
def test_a_secret_is_looked_up_when_the_source_is_built(
    way: dict[str, Any], source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("THE_SECRET")
    with pytest.raises(SourceError) as refused:
        source("sentry", "errors", auth=way)
    assert isinstance(refused.value, LookupError)
    assert refused.value.path.startswith(f"sources.errors.auth.{next(iter(way))}")
    assert "environment variable THE_SECRET is not set" in str(refused.value)


def test_a_secret_in_a_file_that_is_no_text_is_named_with_its_place(source: Source, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"\xff\xfe")
    with pytest.raises(SourceError, match=r"sources\.alertmanager\.auth\.bearer: "):
        source("alertmanager", auth={"bearer": {"file": str(tmp_path / "secret")}})


@pytest.mark.parametrize(
    "type, auth, problem",
    [
        ("alertmanager", {"client_secret": THE}, "auth.client_secret: only a source of type sentry"),
        ("alertmanager", {"hmac": {"secret": THE}}, "auth.hmac.header: needed"),
        ("freshdesk", {"hmac": {"secret": THE}}, "auth.hmac.header: needed"),
        ("ticket", {"hmac": {"secret": THE}}, "auth.hmac.header: needed"),
    ],
)
def test_an_authentication_that_makes_no_sense_is_refused(
    type: str, auth: dict[str, Any], problem: str, source: Source
) -> None:
    with pytest.raises(SourceError) as refused:
        source(type, auth=auth)
    assert problem in str(refused.value)


def test_an_unknown_user_takes_the_same_comparison_as_a_known_one(
    source: Source, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counting comparisons, not time: both ways hash and compare once, over equal lengths."""
    guarded = source("alertmanager", auth={"basic": {"prometheus": THE}})
    compared: list[tuple[int, int]] = []

    def spy(a: bytes, b: bytes) -> bool:
        compared.append((len(a), len(b)))
        return hmac._compare_digest(a, b) if hasattr(hmac, "_compare_digest") else a == b

    monkeypatch.setattr("irpd.intake.auth.hmac.compare_digest", spy)
    for sent in (basic("prometheus", "x"), basic("nobody", "y" * 5000), "", "Basic !!!"):
        assert not guarded.authenticate({"Authorization": sent}, {}, BODY, now).ok
    assert compared == [(32, 32)] * 4


def test_the_digest_that_is_kept_is_not_of_another_secret(source: Source, now: datetime) -> None:
    guarded = source("alertmanager", auth={"bearer": THE})
    digest = hashlib.sha256(SECRET.encode()).hexdigest()
    assert not let_in(guarded, now, {"Authorization": f"Bearer {digest}"})


def test_kept_headers_are_those_that_reading_needs_and_no_credentials(source: Source) -> None:
    sentry = source("sentry", auth={"client_secret": THE})
    headers = {"sentry-hook-resource": "issue", "Sentry-Hook-Signature": "x", "Authorization": "y"}
    assert sentry.kept(headers) == {"Sentry-Hook-Resource": "issue"}
    assert source("alertmanager").kept(headers) == {}


def test_the_clock_is_the_callers(source: Source) -> None:
    desk = source("zendesk", auth={"hmac": {"secret": THE}})
    assert let_in(desk, datetime(2026, 11, 24, 3, 5, 30, tzinfo=UTC), zendesk())
    assert not let_in(desk, datetime(2027, 11, 24, 3, 5, 30, tzinfo=UTC), zendesk())
