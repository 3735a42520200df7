"""Addresses that people and links have: whether they can be such."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from irpd.check.material import Material
from irpd.config.problem import Problem, quoted
from irpd.config.values import Configuration, Person
from irpd.config.yaml import Where

_MAIL = re.compile(r"[^\s@,;<>]+@[^\s@,;<>]+")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_NO_PHONE = 'is no telephone number in international form; write it like "+4915100000001"'
_NO_MAIL = "is no e-mail address"
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
        for key, link in (("runbook", service.runbook), ("dashboard", service.dashboard)):
            if link and not is_url(link):
                yield material.merged.problem(("services", name, key), f"{quoted(link)} {_NO_URL}")


def _person(
    material: Material, configuration: Configuration, path: Where, person: Person
) -> Iterator[Problem]:
    if person.email and not _MAIL.fullmatch(person.email):
        yield material.merged.problem((*path, "email"), f"{quoted(person.email)} {_NO_MAIL}")
    if person.phone and not _PHONE.fullmatch(person.phone):
        yield material.merged.problem((*path, "phone"), f"{quoted(person.phone)} {_NO_PHONE}")
    for channel, address in person.addresses.items():
        settings = configuration.channels.get(channel)
        if settings is None:
            continue  # said where names are looked up
        if settings.type == "smtp" and not _MAIL.fullmatch(address):
            yield material.merged.problem((*path, "addresses", channel), f"{quoted(address)} {_NO_MAIL}")
        if settings.type in ("twilio", "voice") and not _PHONE.fullmatch(address):
            yield material.merged.problem((*path, "addresses", channel), f"{quoted(address)} {_NO_PHONE}")
        if settings.type == "webhook" and not is_url(address):
            yield material.merged.problem((*path, "addresses", channel), f"{quoted(address)} {_NO_URL}")


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
