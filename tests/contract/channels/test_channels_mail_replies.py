"""A mail that is answered: how the answer proves itself, what counts as one, and by which ways it comes."""

import base64
import email
import email.policy
from collections.abc import AsyncIterator, Callable
from email.message import EmailMessage
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from harness.imap import PASSWORD, ImapServer
from harness.waiting import until
from msgspec.structs import replace

from irpd.channels.inbound import Does, NotAuthentic, NotUnderstood, Request
from irpd.channels.listeners import Listeners
from irpd.channels.mail_reply import answer_id, read_reply
from irpd.channels.smtp import Smtp
from irpd.config.channels import SmtpChannel
from irpd.model.level import Level
from irpd.model.notice import Notice, Template
from irpd.model.page import PageKind

UNFOLDED = email.policy.SMTP.clone(max_line_length=990)
PAGE = "42-3.20261124020211000000"
PROOF = "0123456789abcdef0123456789abcdef"
QUOTED = "\n\nOn Tue, Nov 24 irpd wrote:\n> can't\n> I have it: https://irpd.example.com/a/x\n"


def reply(
    text: str = "ack" + QUOTED, *, proof: str = PROOF, page: str = PAGE, **headers: str
) -> EmailMessage:
    mail = EmailMessage(policy=UNFOLDED)
    mail["From"] = "Asha <asha@example.com>"
    mail["To"] = "irpd@example.com"
    mail["Subject"] = "Re: [#42] CRITICAL Checkout: Payments failing"
    mail["References"] = f"<irpd.incident-42.2026@example.com> {answer_id(page, proof, 'example.com')} <z@x>"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail


@pytest.mark.parametrize(
    "text, does",
    [
        ("ack", Does.HAS),
        ("\n\n  ACK! \n--\nAsha", Does.HAS),
        ("ack, looking at it now" + QUOTED, Does.HAS),
        ("I have it." + QUOTED, Does.HAS),
        ("can't" + QUOTED, Does.CANT),
        ("I can’t" + QUOTED, Does.CANT),
        ("> ack\n", None),
        ("What is this?" + QUOTED, None),
        ("I am away until Monday. ack", None),
        ("", None),
        ("ack " + "x" * 500, None),
    ],
)
def test_the_first_line_that_is_not_quoted_is_the_answer(text: str, does: Does | None) -> None:
    found = read_reply(reply(text).as_bytes())
    assert (found.pages, found.does) == (((PAGE, PROOF),), does)


def test_an_answer_in_html_alone_is_read_too() -> None:
    mail = reply()
    mail.set_content("<style>p {}</style><div>Ack</div><blockquote>can't</blockquote>", subtype="html")
    assert read_reply(mail.as_bytes()).does is Does.HAS


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"X_Autoreply": "yes"},
        {"List_Id": "<x>"},
        {"Return_Path": "<>"},
    ],
)
def test_what_a_machine_sent_answers_nothing(headers: dict[str, str]) -> None:
    with pytest.raises(NotUnderstood):
        read_reply(reply(**headers).as_bytes())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff\xfe" * 1000,
        b"References: <irpd-answer.x.short@y>\n\nack",
        b"Subject: irpd-answer\n\n<irpd-answer." + PAGE.encode() + b"." + PROOF.encode() + b"@x>",
        b"References: " + b"<" * 200_000 + b"\n\nack",
        b"Content-Type: multipart/mixed; boundary=x\n\n--x\n" * 500,
        b"References: =?utf-8?q?=ff=fe?= =?x?y?z?=\nContent-Type: text/plain; charset=nonsense\n\nack",
    ],
)
def test_a_mail_that_answers_no_page_is_refused_and_never_an_error(raw: bytes) -> None:
    with pytest.raises((NotAuthentic, NotUnderstood)):
        read_reply(raw)


def test_a_text_in_an_unknown_character_set_is_read_as_far_as_it_goes() -> None:
    raw = reply().as_bytes().replace(b'charset="utf-8"', b'charset="nonsense"')
    assert read_reply(raw).does is Does.HAS


class Answering:
    """A mail channel that is answered, and what its desk heard."""

    def __init__(self, make_parts, replies: dict[str, Any], **more: object) -> None:
        more.setdefault("port", 9)  # nobody listens: the word back is lost, and nothing else
        settings = SmtpChannel.model_validate(
            {"type": "smtp", "host": "127.0.0.1", "from": "irpd@example.com", "replies": replies, **more}
        )
        parts = make_parts()
        self.desk = parts.desk
        self.channel = Smtp("mail", settings, parts)


SECRET = {"auth": {"secret": {"env": "TEST_SECRET"}}}


@pytest.fixture
def posted_to(make_parts, monkeypatch: pytest.MonkeyPatch) -> Answering:
    monkeypatch.setenv("TEST_SECRET", "hush")
    return Answering(make_parts, {"address": "pages@example.com", **SECRET})


def request(body: bytes, kind: str = "message/rfc822", authorization: str = "Bearer hush") -> Request:
    headers = {"Content-Type": kind, "Authorization": authorization}
    return Request(place="reply", target="", url="", headers=headers, body=body)


def multipart(raw: bytes) -> bytes:
    field = b'--b\r\nContent-Disposition: form-data; name="email"\r\n\r\n'
    return b'--b\r\nContent-Disposition: form-data; name="to"\r\n\r\nx\r\n' + field + raw + b"\r\n--b--\r\n"


@pytest.mark.parametrize(
    "made",
    [
        request,
        lambda raw: request(raw, authorization="Basic " + base64.b64encode(b"any:hush").decode()),
        lambda raw: request(
            b"body-mime=" + quote_from_bytes(raw).encode(), "application/x-www-form-urlencoded"
        ),
        lambda raw: request(multipart(raw), "multipart/form-data; boundary=b"),
    ],
)
async def test_a_mail_that_is_posted_acknowledges(
    posted_to: Answering, made: Callable[[bytes], Request]
) -> None:
    heard = await posted_to.channel.hear(made(reply().as_bytes()))
    assert posted_to.desk.heard == [("answer", PAGE, Does.HAS, "mail")]
    assert heard.body == posted_to.desk.says


@pytest.mark.parametrize(
    "shown", ["", "Bearer", "Bearer guessed", "Basic !!", "Basic aHVzaA==", "Digest hush"]
)
async def test_who_doesnt_show_the_secret_is_refused(posted_to: Answering, shown: str) -> None:
    with pytest.raises(NotAuthentic):
        await posted_to.channel.hear(request(reply().as_bytes(), authorization=shown))
    assert posted_to.desk.heard == []


async def test_an_answer_with_another_proof_is_refused(posted_to: Answering) -> None:
    for wrong in (reply(proof="f" * 32), reply(page="42-4.2026")):
        with pytest.raises(NotAuthentic):
            await posted_to.channel.hear(request(wrong.as_bytes()))
    assert posted_to.desk.heard == []


@pytest.mark.parametrize(
    "body, kind",
    [
        (b"", "message/rfc822"),
        (b"x=1", "application/x-www-form-urlencoded"),
        (b"", "multipart/form-data; boundary=b"),
        (b"--b\r\n\r\n", "multipart/form-data"),
    ],
)
async def test_a_request_without_a_mail_is_refused(posted_to: Answering, body: bytes, kind: str) -> None:
    with pytest.raises((NotUnderstood, NotAuthentic)):
        await posted_to.channel.hear(request(body, kind))


async def test_who_answered_gets_a_word_back_that_nobody_can_answer(
    mail, make_parts, a_message, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_SECRET", "hush")
    answering = Answering(make_parts, SECRET, port=mail.channel._settings.port)
    await answering.channel.hear(request(reply(Message_ID="<own@example.com>").as_bytes()))
    await answering.channel.hear(request(reply("what?").as_bytes()))
    (_, recipients, raw), (_, _, second) = mail.mails
    word = email.message_from_bytes(raw, policy=email.policy.default)
    assert recipients == ["asha@example.com"]
    assert (word["Auto-Submitted"], word["In-Reply-To"]) == ("auto-replied", "<own@example.com>")
    assert word["Subject"] == "Re: [#42] CRITICAL Checkout: Payments failing"
    assert word.get_content().strip() == answering.desk.says
    assert b"Not understood" in second
    for one in (raw, second):
        with pytest.raises(NotAuthentic):
            read_reply(one)


async def test_a_page_s_mail_carries_what_its_answer_needs(posted_to: Answering, a_message) -> None:
    message = a_message(address="asha@example.com", thread="incident-42.20261124020211")
    mail = posted_to.channel._mail(message, posted_to.channel._sender)
    raw = mail.as_bytes()
    assert b"=?" not in raw.partition(b"References")[2].partition(b"In-Reply-To")[0]
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert parsed["Reply-To"] == "pages@example.com"
    answer = EmailMessage()
    answer["References"] = f"{parsed['References']} {parsed['Message-ID']}"
    answer.set_content("ack")
    await posted_to.channel.hear(request(answer.as_bytes()))
    assert posted_to.desk.heard == [("answer", "42-3", Does.HAS, "mail")]


async def test_nobody_of_an_audience_can_answer_a_message_for_irpd(posted_to: Answering, a_message) -> None:
    notice = Notice(template=Template.INITIAL, audience="board", incident=42, level=Level.HIGH, title="Slow")
    page = replace(a_message().page, person="", kind=PageKind.MESSAGE, notice=notice)
    message = a_message(page=page, address="board@example.com", thread="incident-42.20261124020211")
    raw = posted_to.channel._mail(message, posted_to.channel._sender).as_bytes()
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert parsed["References"] == "<irpd.incident-42.20261124020211@example.com>"
    assert "Reply-To" not in parsed
    answer = EmailMessage()
    answer["References"] = f"{parsed['References']} {parsed['Message-ID']}"
    answer.set_content("ack")
    with pytest.raises(NotAuthentic):
        await posted_to.channel.hear(request(answer.as_bytes()))
    assert posted_to.desk.heard == []


async def test_an_answer_to_a_mail_about_several_pages_is_about_all_of_them(
    posted_to: Answering, a_message
) -> None:
    page = a_message().page
    others = tuple((replace(page, id=f"42-3{n}"), page.sends[0]) for n in range(40))
    mail = posted_to.channel._mail(a_message(others=others), posted_to.channel._sender)
    answer = EmailMessage(policy=UNFOLDED)
    answer["References"] = str(mail["References"])[:980].rpartition(" ")[0]
    answer.set_content("ack")
    await posted_to.channel.hear(request(answer.as_bytes()))
    answered = [one[1] for one in posted_to.desk.heard]
    assert answered[:3] == ["42-3", "42-30", "42-31"]
    assert len(answered) == len(set(answered)) <= 20


# -------------------------------------------------------------------- fetched
@pytest.fixture
async def server() -> AsyncIterator[ImapServer]:
    made = ImapServer()
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def fetched(server: ImapServer, make_parts, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    monkeypatch.setenv("TEST_SECRET", PASSWORD)
    auth = {"user": "irpd", "password": {"env": "TEST_SECRET"}}
    imap = {"host": "127.0.0.1", "port": server.port, "tls": "none", "auth": auth}
    answering = Answering(make_parts, {"imap": imap})
    answers = answering.channel._answers
    answers._every = 0.02
    answers._mailbox._settings = answers._mailbox._settings.model_copy(update={"timeout": 0.3})
    listeners = Listeners()
    listeners.use({"mail": answering.channel})
    yield answering.desk, listeners
    await listeners.close()


async def test_an_answer_is_fetched_once_and_nothing_else_is_touched(server: ImapServer, fetched) -> None:
    desk, listeners = fetched
    other = EmailMessage()
    other.set_content("ack")
    letter = server.add(other.as_bytes())
    answer = server.add(reply().as_bytes())
    await until(lambda: answer in server.seen)
    again = server.add(reply("can't").as_bytes())
    await until(lambda: again in server.seen)
    assert [one[2] for one in desk.heard] == [Does.HAS, Does.CANT]
    assert letter not in server.seen
    assert server.connections == 1
    assert listeners.problems() == {}


async def test_an_answer_that_proves_nothing_is_put_aside(server: ImapServer, fetched) -> None:
    desk, _ = fetched
    forged = server.add(reply(proof="f" * 32).as_bytes())
    await until(lambda: forged in server.seen)
    assert desk.heard == []


async def test_an_answer_that_can_t_be_saved_stays_unread_until_it_can(server: ImapServer, fetched) -> None:
    desk, listeners = fetched
    desk.full = True
    answer = server.add(reply().as_bytes())
    await until(lambda: "could not save" in listeners.problems().get("mail", ""))
    assert answer not in server.seen
    desk.full = False
    await until(lambda: answer in server.seen)
    assert desk.heard == [("answer", PAGE, Does.HAS, "mail")]


async def test_a_lost_connection_is_made_again(server: ImapServer, fetched) -> None:
    desk, _ = fetched
    await until(lambda: server.connections)
    server.drop()
    server.add(reply().as_bytes())
    await until(lambda: desk.heard)
    assert server.connections >= 2


@pytest.mark.parametrize("how", ["hangs", "talks nonsense"])
async def test_a_server_that_does_not_answer_is_said_and_left(server: ImapServer, fetched, how: str) -> None:
    desk, listeners = fetched
    server.how = how
    server.drop()
    await until(lambda: ":" in listeners.problems().get("mail", ""))
    assert PASSWORD not in repr(listeners.problems())
    server.how = ""
    server.drop()
    server.add(reply().as_bytes())
    await until(lambda: desk.heard)
    await until(lambda: listeners.problems() == {})


async def test_a_wrong_password_is_said_without_it(server: ImapServer, make_parts, monkeypatch) -> None:
    monkeypatch.setenv("TEST_SECRET", "not that one")
    auth = {"user": "irpd", "password": {"env": "TEST_SECRET"}}
    imap = {"host": "127.0.0.1", "port": server.port, "tls": "none", "auth": auth}
    listeners = Listeners()
    listeners.use({"mail": Answering(make_parts, {"imap": imap}).channel})
    await until(lambda: "AUTHENTICATIONFAILED" in listeners.problems()["mail"])
    assert "not that one" not in repr(listeners.problems())
    await listeners.close()
