"""E-mail over SMTP: plain text with the same in HTML, one connection a message.

A message's ``Message-ID`` is made of the send's identity and the time the page was
requested, so a repeat after a crash has the same one and mail servers that drop duplicates
can. ``References`` names the incident, so that mail programs put its messages together.

Failures (RFC 5321, 4.2.1): a 5yz reply is for good, 4yz and anything unclear is tried
again. Once the server has taken the message, what happens to the connection is no matter.

With ``replies`` a mail can be answered: ``mail_reply`` says how an answer proves itself, ``imap`` fetches
them.
"""

import asyncio
import contextlib
import hmac
import re
import socket
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.policy import Policy
from email.utils import format_datetime, make_msgid

import aiosmtplib
import structlog

from irpd.channels.imap import Answers
from irpd.channels.inbound import Heard, NotAuthentic, NotUnderstood, Request
from irpd.channels.mail_reply import MOST, Reply, answer_id, posted, read_reply, shown
from irpd.channels.parts import Parts
from irpd.config.channels import SmtpChannel
from irpd.engine.ports import Message, Outcome
from irpd.model.page import PageKind

log = structlog.get_logger(__name__)

#: The channel's ``timeout`` holds for each step of the conversation; all of it takes no longer than so many.
_STEPS = 3
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
#: No quoted local parts, no routes, no lists: what is written in a configuration needs none of them.
_MAILBOX = re.compile(
    r"""\s*(?:(?P<name>[^<>]*)<)?(?P<local>[^\s@<>()\[\],;:\\"]{1,64})@(?P<domain>[\w.\-]{1,253})(?(name)>)\s*"""
)
_PLAIN = re.compile(r"[^0-9A-Za-z.\-]")


class _Ids(UnstructuredHeader, BaseHeader):
    """Message-IDs, one a line: the library's own folding would encode one that is longer than a line."""

    def fold(self, *, policy: Policy) -> str:
        separator = f"{policy.linesep} "
        return f"{self.name}: {separator.join(str(self).split())}{policy.linesep}"


_HEADERS = HeaderRegistry()
for _name in ("references", "in-reply-to"):
    _HEADERS.map_to_type(_name, _Ids)
_POLICY = SMTP_POLICY.clone(header_factory=_HEADERS)


class Smtp:
    """One mail server. Raises LookupError when the password isn't there, ValueError for a
    sender that is no address."""

    def __init__(self, name: str, settings: SmtpChannel, parts: Parts) -> None:
        self.name = name
        self._settings = settings
        self._clock = parts.clock
        self._desk = parts.desk
        self._password = settings.auth.password.reveal() if settings.auth else None
        self._sender = _address(settings.sender)
        # Not the fully qualified name: finding that asks a DNS that may be what is broken.
        self._hostname = _PLAIN.sub("-", socket.gethostname()) or "localhost"
        self._domain = _PLAIN.sub("-", self._sender.domain) or "localhost"
        replies = settings.replies
        self._secret = replies.auth.secret.reveal() if replies is not None and replies.auth else ""
        self._answers: Answers | None = None
        if replies is not None and replies.imap is not None:
            password = replies.imap.auth.password.reveal()
            self._answers = Answers(name, replies.imap, password, self._fetched)

    async def send(self, message: Message) -> Outcome:
        """Never raises for what the network or the server does."""
        try:
            recipient = _address(message.address)
        except ValueError as error:
            return Outcome(kind="permanent", detail=f"not a mail address: {error}"[:200])
        return await self._deliver(self._mail(message, recipient), recipient)

    async def _deliver(self, mail: EmailMessage, recipient: Address) -> Outcome:
        settings = self._settings
        encryption = settings.encryption
        client = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            username=settings.auth.user if settings.auth else None,
            password=self._password,
            use_tls=encryption == "tls",
            start_tls=None if encryption == "offered" else encryption == "starttls",
            validate_certs=encryption != "offered",
            timeout=settings.timeout,
            local_hostname=self._hostname,
        )
        try:
            async with asyncio.timeout(_STEPS * settings.timeout):
                await client.connect()
                _, answer = await client.send_message(
                    mail, sender=self._sender.addr_spec, recipients=[recipient.addr_spec]
                )
        except Exception as error:  # told apart there: what it is not sure of is tried again
            return _failure(error)
        finally:
            with contextlib.suppress(Exception):  # the mail is taken or refused by now
                client.close()
        return Outcome(kind="delivered", detail=answer[:200], provider_id=str(mail["Message-ID"]))

    async def hear(self, request: Request) -> Heard:
        """``reply``: a mail, whole, from who receives mails for irpd. Raises NotAuthentic, NotUnderstood."""
        if request.place != "reply":
            raise NotUnderstood(f"nothing is heard at {request.place[:80]!r}")
        if not self._secret or not shown(request.headers.get("Authorization", ""), self._secret):
            raise NotAuthentic("the secret of replies.auth is missing or wrong")
        return Heard(body=await self._answered(posted(request)))

    @property
    def listens(self) -> bool:
        return self._answers is not None

    @property
    def problem(self) -> str:
        return self._answers.problem if self._answers is not None else ""

    async def listen(self) -> None:
        """Look into the mailbox, until cancelled."""
        if self._answers is not None:
            await self._answers.listen()

    async def close(self) -> None:
        """No connection is kept."""

    async def _fetched(self, raw: bytes) -> None:
        try:
            await self._answered(raw)
        except (NotAuthentic, NotUnderstood) as error:
            log.info("reply_not_taken", channel=self.name, why=str(error))

    async def _answered(self, raw: bytes) -> str:
        """What was done, in words. Raises NotAuthentic, NotUnderstood."""
        reply = await asyncio.to_thread(read_reply, raw)  # other people's mails can be slow to read
        pages = [
            page
            for page, proof in reply.pages
            if hmac.compare_digest(proof.encode(), self._desk.proof(page).encode())
        ]
        if not pages:
            raise NotAuthentic("it answers no page of this irpd")
        if reply.does is None:
            said = "Not understood. The first line of an answer is ack or can't."
        else:
            told = [await self._desk.answer(page=page, does=reply.does, via="mail") for page in pages]
            said = "\n".join(dict.fromkeys(told))
        await self._say(reply, said)
        return said

    async def _say(self, reply: Reply, text: str) -> None:
        """A word back to who answered. It names no page, so that no answer to it is taken for one."""
        try:
            recipient = _address(reply.sender)
        except ValueError:
            return
        mail = EmailMessage(policy=_POLICY)
        mail["From"] = self._sender
        mail["To"] = recipient
        mail["Subject"] = _header(reply.subject or "irpd")
        mail["Date"] = format_datetime(self._clock.now())
        mail["Message-ID"] = make_msgid(domain=self._domain)
        if reply.message_id:
            mail["References"] = reply.message_id
            mail["In-Reply-To"] = reply.message_id
        mail["Auto-Submitted"] = "auto-replied"
        mail.set_content(f"{text}\n")
        outcome = await self._deliver(mail, recipient)
        if outcome.kind != "delivered":
            log.info("word_not_sent", channel=self.name, why=outcome.detail)

    def _mail(self, message: Message, recipient: Address) -> EmailMessage:
        mail = EmailMessage(policy=_POLICY)
        page = message.page
        mail["From"] = self._sender
        mail["To"] = recipient
        mail["Subject"] = _header(message.subject)
        mail["Date"] = format_datetime(self._clock.now())
        # A repeat of what an earlier version sent has the same one.
        dated = message.id if page.dated else f"{message.id}.{page.requested_at:%Y%m%d%H%M%S}"
        mail["Message-ID"] = self._id(dated)
        if message.thread:
            mail["References"] = self._id(message.thread)
            mail["In-Reply-To"] = self._id(message.thread)
        if self._settings.replies is not None and page.notice is None:  # no audience answers for irpd
            pages = [page, *(other for other, _ in message.others)][:MOST]
            names = [answer_id(one.name, self._desk.proof(one.name), self._domain) for one in pages]
            del mail["References"]
            mail["References"] = " ".join([self._id(message.thread), *names] if message.thread else names)
            if self._settings.replies.address:
                mail["Reply-To"] = self._settings.replies.address
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Irpd-Page"] = _header(page.id)
        if page.kind is PageKind.PAGE:
            mail["Importance"] = "high"
            mail["X-Priority"] = "1"
        mail.set_content(message.text)
        if message.html:
            mail.add_alternative(message.html, subtype="html")
        return mail

    def _id(self, name: str) -> str:
        return f"<irpd.{_PLAIN.sub('-', name)}@{self._domain}>"


def _address(text: str) -> Address:
    """``ben@example.com`` or ``Ben Ito <ben@example.com>``. Raises ValueError for anything else."""
    match = _MAILBOX.fullmatch(text)
    if match is None or _UNSAFE.search(text):
        raise ValueError(f"{text[:80]!r} is no mail address")
    name = (match["name"] or "").strip().strip('"')
    try:
        domain = match["domain"].encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError(f"{match['domain'][:80]!r} is no domain") from None
    return Address(display_name=name, username=match["local"], domain=domain)


def _header(text: str) -> str:
    return _UNSAFE.sub(" ", text)


def _failure(error: Exception) -> Outcome:
    detail = f"{type(error).__name__}: {error}"[:300]
    match error:
        case aiosmtplib.SMTPRecipientsRefused():
            codes = [refusal.code for refusal in error.recipients]
            return Outcome(kind="permanent" if codes and min(codes) >= 500 else "transient", detail=detail)
        case aiosmtplib.SMTPResponseException():
            return Outcome(kind="permanent" if error.code >= 500 else "transient", detail=detail)
        case aiosmtplib.SMTPNotSupported():
            return Outcome(kind="permanent", detail=detail)
        case aiosmtplib.SMTPException() if "not supported" in str(error):  # STARTTLS, AUTH
            return Outcome(kind="permanent", detail=detail)
        case TimeoutError():
            return Outcome(kind="transient", detail="timed out")
        case aiosmtplib.SMTPException() | OSError():
            return Outcome(kind="transient", detail=detail)
        case UnicodeError() | ValueError():
            return Outcome(kind="permanent", detail=detail)
        case _:
            raise error
