"""Messages to audiences, full of texts that were written to do harm, through every channel's own code."""

import email
import email.policy
import json
from email.utils import parseaddr

from harness.hostile import HOSTILE
from msgspec.structs import replace

from irpd.channels.file import block
from irpd.comms.notices import render_notices
from irpd.config.values import Configuration
from irpd.model.level import Level
from irpd.model.notice import Notice, Template
from irpd.model.page import PageKind


def configuration() -> Configuration:
    return Configuration.model_validate(
        {
            "version": 1, "unmapped": "a", "fallback": ("emil",), "people": {"emil": {"name": "Emil"}},
            "services": {}, "channels": {}, "notify": {}, "paths": {},
        }
    )  # fmt: skip


def messages(a_message, kind: str, address: str):
    """One for each hostile text, in turns of the templates."""
    for n, text in enumerate(HOSTILE):
        notice = Notice(
            template=list(Template)[n % 3], audience="customers", incident=42, level=Level.HIGH, title=text,
            services=(text,), impact=text, workaround=text, progress=text, root_cause=text, resolution=text,
        )  # fmt: skip
        rendered = render_notices(kind, configuration(), [notice])
        assert not rendered.error
        page = replace(a_message().page, person="", kind=PageKind.MESSAGE, notice=notice, dated=True)
        yield a_message(
            id=f"42-3.{n}", page=page, address=address, subject=rendered.subject, text=rendered.text,
            html=rendered.html, fields={**rendered.fields, "id": f"42-3.{n}"}, thread="",
        )  # fmt: skip


async def test_every_message_is_delivered_and_is_nothing_but_text(counterpart, a_message) -> None:
    for one in messages(a_message, counterpart.kind, counterpart.address):
        outcome = await counterpart.channel.send(one)
        assert outcome.kind == "delivered", (one.subject, outcome)
    assert counterpart.received() == len(HOSTILE)
    match counterpart.kind:
        case "smtp":
            for _, recipients, raw in counterpart.mails:
                mail = email.message_from_bytes(raw, policy=email.policy.default)
                assert recipients == [parseaddr(counterpart.address)[1]]
                assert not {"Bcc", "Cc", "Reply-To", "References"} & set(mail.keys())
                assert mail["Subject"].startswith("[INCIDENT #42] - HIGH Incident")
                html = mail.get_body(("html",))
                assert html is not None
                assert "<script" not in html.get_content()
        case "slack":
            for body in (json.loads(raw) for _, _, raw in counterpart.requests):
                assert "<" not in body["text"]
                assert "blocks" not in body
        case kind if kind in BUTTONS:
            assert BUTTONS[kind] not in b"".join(raw for _, _, raw in counterpart.requests)


def test_a_terminal_shows_to_whom_a_message_goes(a_message) -> None:
    (one, *_) = messages(a_message, "file", "customers")
    lines = block(one, coloured=False).splitlines()
    assert lines[0] == f"── to customers {'─' * 56}"
    assert lines[1] == "[INCIDENT #42] - HIGH Incident Reported"


#: What a button or a link to press would be in each chat's requests.
BUTTONS = {
    "telegram": b"callback_data",
    "mattermost": b"integration",
    "teams": b"OpenUrl",
    "ntfy": b'"actions"',
    "pushover": b"callback",
}
