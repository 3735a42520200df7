"""What a mail looks like to the server and to the reader's mail program."""

import asyncio
import contextlib
import email
import email.policy
import socket
import ssl
import subprocess
from email.message import EmailMessage

import aiosmtplib
import pytest
from aiosmtpd.smtp import SMTP

from irpd.channels import smtp
from irpd.channels.smtp import Smtp
from irpd.config.channels import MailAuth, SmtpChannel


def read(raw: bytes) -> EmailMessage:
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


async def test_a_mail_has_a_plain_part_first_and_the_same_in_html(mail, a_message) -> None:
    await mail.channel.send(
        a_message(address="asha@example.com", text="schlägt fehl\n", html="<p>schlägt fehl</p>")
    )
    sender, recipients, raw = mail.mails[0]
    assert (sender, recipients) == ("irpd@example.com", ["asha@example.com"])
    parsed = read(raw)
    assert [part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "text/html"]
    plain = parsed.get_body(("plain",))
    assert plain is not None
    assert plain.get_content().strip() == "schlägt fehl"
    assert parsed["Subject"] == "[#42] CRITICAL Checkout: Zahlung schlägt fehl"
    assert parsed["From"].addresses[0].display_name == "irpd"
    assert parsed["Importance"] == "high"
    assert parsed["Auto-Submitted"] == "auto-generated"


async def test_all_mails_of_an_incident_refer_to_one_and_the_same(mail, a_message) -> None:
    for n in (1, 2):
        await mail.channel.send(
            a_message(id=f"42-{n}.1", address="asha@example.com", thread="incident-42.20261124")
        )
    first, second = (read(raw) for _, _, raw in mail.mails)
    assert first["References"] == second["References"] == "<irpd.incident-42.20261124@example.com>"
    assert first["Message-ID"] != second["Message-ID"]


async def test_a_repeat_of_a_send_has_the_same_message_id(mail, a_message) -> None:
    for _ in range(2):
        await mail.channel.send(a_message(address="asha@example.com"))
    first, second = (read(raw)["Message-ID"] for _, _, raw in mail.mails)
    assert first == second


@pytest.mark.parametrize(
    "sneaked", ["\r\nBcc: all@example.com", "\nBcc: all@example.com\n\nhello", "\x00\x0b\x0c\u2028Bcc: x"]
)
async def test_no_header_can_be_sneaked_in(mail, a_message, sneaked: str) -> None:
    await mail.channel.send(
        a_message(
            address="asha@example.com",
            subject=f"[#42] A{sneaked}",
            id=f"42-3.1{sneaked}",
            thread=f"42{sneaked}",
        )
    )
    _, recipients, raw = mail.mails[0]
    parsed = read(raw)
    assert recipients == ["asha@example.com"]
    assert "Bcc" not in parsed
    assert set(parsed.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "References", "In-Reply-To", "Auto-Submitted",
        "X-Irpd-Page", "Importance", "X-Priority", "Content-Type", "Content-Transfer-Encoding",
        "MIME-Version",
    }  # fmt: skip


async def test_a_line_of_one_dot_does_not_end_the_mail(mail, a_message) -> None:
    await mail.channel.send(a_message(address="asha@example.com", text="one\n.\nQUIT\ntwo\n"))
    assert read(mail.mails[0][2]).get_content().replace("\r", "") == "one\n.\nQUIT\ntwo\n"


async def test_names_and_mailboxes_outside_ascii_are_written_as_they_are(mail, a_message) -> None:
    outcome = await mail.channel.send(a_message(address="Jörg Müller <jörg@example.com>"))
    assert outcome.kind == "delivered", outcome
    _, recipients, raw = mail.mails[0]
    assert recipients == ["jörg@example.com"]
    assert "\r\nTo: Jörg Müller <jörg@example.com>\r\n".encode() in raw


async def test_a_very_long_line_arrives_whole(mail, a_message) -> None:
    text = "Why critical  " + "x" * 5000 + "\n"
    await mail.channel.send(a_message(address="asha@example.com", text=text))
    assert max(len(line) for line in mail.mails[0][2].split(b"\r\n")) <= 998
    assert read(mail.mails[0][2]).get_content().strip() == text.strip()


async def test_once_taken_a_mail_is_delivered_whatever_happens_to_the_connection(
    mail, a_message, monkeypatch
) -> None:
    async def hang_up(self, server, session, envelope):
        server.transport.abort()
        return "221 bye"

    monkeypatch.setattr(type(mail), "handle_QUIT", hang_up)
    assert (await mail.channel.send(a_message(address="asha@example.com"))).kind == "delivered"


async def test_a_server_that_dawdles_through_every_step_is_given_up(
    mail, a_message, make_parts, monkeypatch
) -> None:
    never = asyncio.Event()

    async def dawdle() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.6):
                await never.wait()

    async def rcpt(self, server, session, envelope, address, options):
        await dawdle()
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def data(self, server, session, envelope):
        await dawdle()
        return "250 ok"

    monkeypatch.setattr(type(mail), "handle_RCPT", rcpt)
    monkeypatch.setattr(type(mail), "handle_DATA", data)
    monkeypatch.setattr(smtp, "_STEPS", 1)
    outcome = await mail.build(1.0).send(a_message(address="asha@example.com"))
    assert (outcome.kind, outcome.detail) == ("transient", "timed out")


async def test_no_name_server_is_asked_for_the_own_name(mail, a_message, make_parts, monkeypatch) -> None:
    monkeypatch.setattr(socket, "getfqdn", lambda *_: pytest.fail("asked for"))
    channel = Smtp("mail", mail.channel._settings, make_parts())
    assert (await channel.send(a_message(address="asha@example.com"))).kind == "delivered"


async def test_a_server_that_offers_no_starttls_is_refused_for_good(mail, a_message, make_parts) -> None:
    settings = mail.channel._settings.model_copy(update={"tls": "starttls"})
    outcome = await Smtp("mail", settings, make_parts()).send(a_message(address="asha@example.com"))
    assert outcome.kind == "permanent", outcome
    assert mail.mails == []


@pytest.mark.parametrize(
    "answer, kind", [("535 5.7.8 wrong", "permanent"), ("454 4.7.0 not now", "transient")]
)
async def test_a_refused_password_is_told_apart(
    mail, a_message, make_parts, monkeypatch, answer, kind
) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "hush")
    monkeypatch.setattr(
        mail,
        "protocol",
        lambda: SMTP(mail, hostname="localhost", auth_require_tls=False, authenticator=_refuse(answer)),
    )
    auth = {"user": "irpd", "password": {"env": "SMTP_PASSWORD"}}
    settings = mail.channel._settings.model_copy(update={"auth": MailAuth.model_validate(auth)})
    outcome = await Smtp("mail", settings, make_parts()).send(a_message(address="asha@example.com"))
    assert outcome.kind == kind, outcome
    assert "hush" not in outcome.detail


def _refuse(answer: str):
    from aiosmtpd.smtp import AuthResult

    return lambda *_: AuthResult(success=False, handled=False, message=answer)


@pytest.mark.parametrize("sender", ["", "irpd", "a@x\r\nBcc: b@x"])
def test_a_sender_that_is_no_address_is_refused_when_the_channel_is_built(sender: str, make_parts) -> None:
    good = SmtpChannel.model_validate({"type": "smtp", "host": "localhost", "from": "irpd@example.com"})
    settings = good.model_copy(update={"sender": sender})
    with pytest.raises(ValueError, match=r".+"):
        Smtp("mail", settings, make_parts())


async def test_a_reply_without_a_class_is_a_passing_failure() -> None:
    from irpd.channels.smtp import _failure

    assert _failure(aiosmtplib.SMTPResponseException(-1, "garbage")).kind == "transient"


# ------------------------------------------------------------------ encryption
AUTH = {"user": "irpd", "password": {"env": "SMTP_PASSWORD"}}


@pytest.mark.parametrize(
    "more, expected",
    [
        ({}, "offered"),
        ({"port": 465}, "tls"),
        ({"host": "smtp.example.com"}, "offered"),
        ({"host": "smtp.example.com", "auth": AUTH}, "starttls"),
        ({"host": "smtp.example.com", "auth": AUTH, "port": 465}, "tls"),
        ({"host": "127.0.0.1", "auth": AUTH}, "offered"),
        ({"tls": "none"}, "none"),
        ({"tls": "starttls"}, "starttls"),
    ],
)
def test_what_encryption_comes_to(more: dict[str, object], expected: str) -> None:
    settings = {"type": "smtp", "host": "localhost", "from": "irpd@example.com", **more}
    assert SmtpChannel.model_validate(settings).encryption == expected


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A server's certificate that nobody vouches for."""
    folder = tmp_path_factory.mktemp("certificate")
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key", "-out", "certificate",
         "-days", "2", "-subj", "/CN=somebody"],
        cwd=folder, capture_output=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate", folder / "key")
    return context


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(
    "tls, kind, encrypted",
    [("auto", "delivered", True), ("none", "delivered", False), ("starttls", "transient", None)],
)
async def test_encryption_that_is_offered_is_used_and_a_stranger_is_not_trusted_where_it_was_asked_for(
    mail, a_message, make_parts, strangers, tls, kind, encrypted
) -> None:
    seen: list[bool] = []

    class Server(SMTP):
        async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - its name in aiosmtpd
            seen.append(self.session.ssl is not None)
            await super().smtp_DATA(arg)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Server(mail, hostname="localhost", tls_context=strangers), "127.0.0.1", 0
    )
    try:
        port = server.sockets[0].getsockname()[1]
        settings = mail.channel._settings.model_copy(update={"tls": tls, "host": "127.0.0.1", "port": port})
        outcome = await Smtp("mail", settings, make_parts()).send(a_message(address="asha@example.com"))
    finally:
        server.close()
    assert outcome.kind == kind, outcome
    assert seen == ([] if encrypted is None else [encrypted])
