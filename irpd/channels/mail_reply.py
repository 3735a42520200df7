"""A mail that answers a page: which page, proven how, and what it says.

Each page's mail has in ``References`` a name made of the page and of an HMAC over it with the key of
the links. Mail programs copy it into the answer (RFC 5322, 3.6.4), and only who has the mail can have it: the
same trust as the link in it. The sender's address proves nothing and isn't looked at.

What a machine sent (RFC 3834: ``Auto-Submitted``; absences, lists, reports of failed delivery) answers
nothing. Of the text only the first line that isn't quoted counts, so neither the quoted page nor a signature
is read.
"""

import base64
import email
import email.policy
import hmac
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import parse_qsl

from irpd.channels.inbound import Does, NotAuthentic, NotUnderstood, Request
from irpd.channels.words import meaning
from irpd.comms import clean

_NAME = re.compile(r"<irpd-answer\.([0-9A-Za-z.\-]{1,100})\.([0-9a-f]{32})@")
_TAG = re.compile(r"<(?:style|head)\b.*?</(?:style|head)>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_BREAK = re.compile(r"<(?:br|/p|/div)\b[^>]*>", re.IGNORECASE)
_ID = re.compile(r"<[!-;=?-~]{1,200}>")
_LONGEST = 256 * 1024  # bytes of a mail; what answers stands at its beginning
_LOOKED_AT = 20_000  # characters of a text, for its first line

#: So many pages one mail can be about and its answer answer.
MOST = 20
#: What stands in ``References`` of an answer, for a mailbox to be searched by.
MARK = "irpd-answer."


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """``pages`` are the names of the pages that it answers, each with its proof, still to be compared.
    ``does`` is None where the text is no answer. ``sender`` is whom a word goes back to, "" where that can't
    be told; ``message_id`` and ``subject`` are the answer's own."""

    pages: tuple[tuple[str, str], ...]
    does: Does | None
    sender: str = ""
    message_id: str = ""
    subject: str = ""


def answer_id(page: str, proof: str, domain: str) -> str:
    """What goes into ``References`` of a page's mail."""
    return f"<{MARK}{page}.{proof}@{domain}>"


def read_reply(raw: bytes) -> Reply:
    """Raises NotAuthentic when it answers no page of irpd's, NotUnderstood when a machine sent it or it is no
    mail."""
    try:
        mail = email.message_from_bytes(raw[:_LONGEST], policy=email.policy.default)
        if not isinstance(mail, EmailMessage):
            raise NotUnderstood("no mail")
        names = _NAME.findall(f"{mail.get('References', '')} {mail.get('In-Reply-To', '')}")
        machine = _by_a_machine(mail)
        text = _text(mail)
        sender, subject = _sender(mail), clean.line(str(mail.get("Subject", "")), 200)
        message_id = _ID.search(str(mail.get("Message-ID", "")))
    except (NotUnderstood, MemoryError):
        raise
    except Exception as error:  # the parser of the standard library raises many things at mails from outside
        raise NotUnderstood(f"no mail that can be read: {type(error).__name__}") from error
    if not names:
        raise NotAuthentic("it answers no page: References names none")
    if machine:
        raise NotUnderstood("a machine sent it")
    return Reply(
        pages=tuple(dict.fromkeys(names))[:MOST],
        does=meaning(_first_line(text)),
        sender=sender,
        message_id=message_id[0] if message_id else "",
        subject=subject,
    )


def _by_a_machine(mail: EmailMessage) -> bool:
    submitted = str(mail.get("Auto-Submitted", "no")).strip().lower()
    precedence = str(mail.get("Precedence", "")).strip().lower()
    return (
        not submitted.startswith("no")
        or precedence in ("bulk", "junk", "list", "auto_reply")
        or any(
            name in mail for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress", "List-Id")
        )
        or mail.get_content_type() == "multipart/report"
        or str(mail.get("Return-Path", "x")).strip() == "<>"
    )


def _sender(mail: EmailMessage) -> str:
    header = mail.get("Reply-To") or mail.get("From")
    addresses = getattr(header, "addresses", ())
    return str(addresses[0].addr_spec) if addresses else ""


def _text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain", "html"))
    if body is None:
        return ""
    try:
        text = str(body.get_content())
    except (LookupError, ValueError):  # an unknown character set, or one that it isn't in
        payload = body.get_payload(decode=True)
        text = payload.decode("latin-1") if isinstance(payload, bytes) else ""
    text = text[:_LOOKED_AT]
    if body.get_content_type() == "text/html":
        text = html.unescape(_TAG.sub(" ", _BREAK.sub("\n", text)))
    return text


def _first_line(text: str) -> str:
    for line in text.splitlines():
        line = line.strip().strip("\u200b\ufeff")
        if line:
            return "" if line.startswith(">") else line
    return ""


def shown(authorization: str, secret: str) -> bool:
    """Whether the secret was shown, as ``Bearer`` or as the password of ``Basic``, which stands in a URL."""
    scheme, _, value = authorization.strip().partition(" ")
    if scheme.lower() == "basic":
        try:
            value = base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
        except ValueError:
            return False
    elif scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(value.strip().encode(), secret.encode())


def posted(request: Request) -> bytes:
    """The mail in a request: its body, or a form's field ``body-mime`` (Mailgun) or ``email`` (SendGrid).
    Raises NotUnderstood."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        try:
            fields = dict(parse_qsl(request.body.decode(), max_num_fields=200))
        except ValueError as error:
            raise NotUnderstood("no form") from error
        return _field(fields).encode("utf-8", "surrogateescape")
    if kind == "multipart/form-data":
        head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode("utf-8", "replace")
        form = email.message_from_bytes(head + request.body, policy=email.policy.HTTP)
        found: dict[str, bytes] = {}
        for part in form.walk():
            name = part.get_param("name", header="content-disposition")
            payload = part.get_payload(decode=True)
            if isinstance(name, str) and isinstance(payload, bytes):
                found[name] = payload
        raw = found.get("body-mime") or found.get("email")
        if raw is None:
            raise NotUnderstood("a form without body-mime or email")
        return raw
    return request.body


def _field(fields: Mapping[str, str]) -> str:
    text = fields.get("body-mime") or fields.get("email")
    if not text:
        raise NotUnderstood("a form without body-mime or email")
    return text
