"""What ``irpd check`` says of channels that need something at their provider, and of the addresses there."""

from collections.abc import Callable

import pytest

from irpd.check.whole import check_files
from irpd.config.problem import Problem

TWILIO = 'sms: {type: twilio, from: "+493012345678", auth: {account: {env: HOME}, token: {env: HOME}}}'
MAIL = "mail: {{type: smtp, host: 127.0.0.1, from: i@example.com, replies: {{{}}}}}"
IMAP = "channels.mail.replies.imap.tls"
NAMED = TWILIO.replace("+493012345678", "irpd")
PUBLIC = 'server: {public_url: "https://irpd.example.com"}\n'


@pytest.fixture
def find(good: str, write: Callable[..., list[str]]) -> Callable[..., list[Problem]]:
    """The problems of the good configuration with these channels (one a line) and this more."""

    def problems(*channels: str, more: str = PUBLIC, asha: str = "") -> list[Problem]:
        text = good.replace("{type: file}", "\n  ".join(("{type: file}", *channels)))
        text = text.replace("name: Asha Rao,", f"name: Asha Rao, {asha}")
        return list(check_files(write(irpd=text + more)).problems)

    return problems


def test_text_messages_and_calls_by_their_account_are_fine(find) -> None:
    assert find(TWILIO, "call: {use: sms, as: voice}") == []


@pytest.mark.parametrize(
    "channels, path, says",
    [
        (("call: {use: smss, as: voice}", TWILIO), "channels.call.use", "did you mean sms?"),
        (("call: {use: local, as: voice}",), "channels.call.use", "is of type file"),
        (("call: {use: local, as: fax}",), "channels.call", "not allowed here"),
        ((NAMED, "call: {use: sms, as: voice}"), "channels.call.use", "number"),
        ((TWILIO.replace("+493012345678", "0301234"),), "channels.sms.from", ""),
        (
            (MAIL.format("imap: {host: mx, tls: none, auth: {user: a, password: {env: HOME}}}"),),
            IMAP,
            "clear",
        ),
        ((MAIL.format("address: a@example.com"),), "channels.mail.replies", "imap, or auth"),
    ],
)
def test_a_channel_that_cant_work_is_an_error(find, channels, path: str, says: str) -> None:
    found = [problem for problem in find(*channels) if problem.severity == "error"]
    assert found
    assert found[0].path.startswith(path)
    assert says in found[0].message


def test_without_a_public_address_nobody_can_reply(find) -> None:
    (problem,) = find(TWILIO, more="")
    assert (problem.severity, problem.path) == ("warning", "channels.sms")
    assert "public_url" in problem.message


@pytest.mark.parametrize(
    "asha, path",
    [
        ("addresses: {sms: '0151-1234'},", "people.asha.addresses.sms"),
        ("ntfy: 'my topic',", "people.asha.ntfy"),
        ("pushover: abc,", "people.asha.pushover"),
        ("email: asha,", "people.asha.email"),
        ("telegram: asha,", "people.asha.telegram"),
        ("mattermost: '@asha',", "people.asha.mattermost"),
    ],
)
def test_an_address_that_isnt_one_is_an_error(find, asha: str, path: str) -> None:
    assert [problem.path for problem in find(TWILIO, asha=asha)] == [path]


def test_a_token_is_not_sent_in_the_clear_unsaid(find) -> None:
    server = "push: {type: ntfy, server: 'http://ntfy.example.com', auth: {token: {env: HOME}}}"
    assert [(p.severity, p.path) for p in find(server)] == [("warning", "channels.push.server")]
    assert find(server.replace("ntfy.example.com", "127.0.0.1:80")) == []


def test_a_telephone_number_of_another_form_is_an_error(good: str, write) -> None:
    (name,) = write(irpd=good.replace("+4915100000001", "0151 1234"))
    (problem,) = check_files([name]).problems
    assert problem.path == "people.asha.phone"
    assert "international form" in problem.message
