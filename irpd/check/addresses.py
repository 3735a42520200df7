"""Addresses that people and links have: whether they can be such."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from irpd.check.material import Material
from irpd.config.places import PLACES, example
from irpd.config.problem import Problem, quoted
from irpd.config.values import Configuration, Person
from irpd.config.yaml import Where

_PHONE = (
    r"\+[1-9][0-9]{6,14}",
    'is no telephone number in international form; write it like "+4915100000001"',
)
#: Types of channels: what an address there looks like, and what is said of one that doesn't.
_FORMS: Mapping[str, tuple[str, str]] = {
    "smtp": (r"[^\s@,;<>]+@[^\s@,;<>]+", "is no e-mail address"),
    "twilio": _PHONE,
    "voice": _PHONE,
    "ntfy": (r"[-_A-Za-z0-9]{1,64}", "is no topic: letters, digits, - and _, at most 64"),
    "telegram": (
        r"-?[1-9][0-9]{0,18}|@[A-Za-z0-9_]{4,40}",
        'is no id at Telegram; write it like "123456789" (the bot says it to who sends it /start)',
    ),
    "mattermost": (r"[a-z0-9][a-z0-9._-]{0,63}", "is no user name of Mattermost's"),
    "teams": (r"[^\s@,;<>]+@[^\s@,;<>]+", "is no e-mail address"),
    "pushover": (r"[A-Za-z0-9]{30}", "is no user key of Pushover: 30 letters and digits"),
}
#: The same by the person's own fields.
_FIELDS = {
    "email": "smtp", "phone": "twilio", "ntfy": "ntfy", "pushover": "pushover", "telegram": "telegram",
    "mattermost": "mattermost",
}  # fmt: skip
_NO_URL = "is no http:// or https:// address"


def addresses(material: Material, configuration: Configuration) -> Iterator[Problem]:
    """Errors for what no channel could send to and no browser should open."""
    logins: dict[str, str] = {}
    for name, person in configuration.people.items():
        path = ("people", name)
        yield from _person(material, configuration, path, person)
        if person.login in logins:
            message = f"{person.login} is {logins[person.login]} already; who acts must be one person"
            yield material.merged.problem((*path, "login"), message)
        elif person.login:
            logins[person.login] = name
    for name, service in configuration.services.items():
        links = {"runbook": service.runbook, "dashboard": service.dashboard, "logs": service.logs}
        for key, link in links.items():
            if not link:
                continue
            unknown = re.search(r"\{[^{}]*\}", example(link))
            if unknown is not None:
                message = f"{unknown[0]} is no place in an address; there are {', '.join(PLACES)}"
                yield material.merged.problem(("services", name, key), message)
            elif not is_url(example(link)):
                yield material.merged.problem(("services", name, key), f"{quoted(link)} {_NO_URL}")


def _person(
    material: Material, configuration: Configuration, path: Where, person: Person
) -> Iterator[Problem]:
    for field, kind in _FIELDS.items():
        if wrong := wrong_address(kind, getattr(person, field)):
            yield material.merged.problem((*path, field), wrong)
    for channel, address in person.addresses.items():
        settings = configuration.channels.get(channel)
        if settings is None:
            continue  # said where names are looked up
        if wrong := wrong_address(settings.type, address):
            yield material.merged.problem((*path, "addresses", channel), wrong)
        if settings.type == "webhook" and not is_url(address):
            yield material.merged.problem((*path, "addresses", channel), f"{quoted(address)} {_NO_URL}")


def wrong_address(kind: str, address: str) -> str:
    """What is wrong with an address on a channel of this type; "" when nothing is, or there is none."""
    if not address or kind not in _FORMS:
        return ""
    pattern, says = _FORMS[kind]
    return "" if re.fullmatch(pattern, address) else f"{quoted(address)} {says}"


def is_url(text: str) -> bool:
    """Whether a browser or a sender can open it as http or https."""
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and not any(c.isspace() for c in text)
            and parts.port != 0
        )
    except ValueError:
        return False
