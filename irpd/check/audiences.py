"""Audiences: whether they can be reached, who approves their drafts, whether templates can be filled."""

from collections.abc import Iterator
from dataclasses import replace

from irpd.check.addresses import is_url, wrong_address
from irpd.check.material import Material
from irpd.config.audiences import Audience
from irpd.config.channels import WebhookChannel
from irpd.config.problem import Problem, quoted, suggest
from irpd.config.templates import FIELDS, mistakes
from irpd.config.values import Configuration
from irpd.config.yaml import Where
from irpd.model.notice import Template

#: Types of channels whose messages go where the channel itself says.
_FIXED = ("file", "apprise", "teams")
_STATUS_PAGE = "status-page"


def audiences(material: Material, configuration: Configuration) -> Iterator[Problem]:
    """Errors for what could tell nobody, warnings for what the protocol wants otherwise."""
    for name, audience in configuration.audiences.items():
        path = ("audiences", name)
        yield from _reached(material, configuration, path, audience)
        yield from _approved(material, configuration, path, audience)
        if name == "executives":
            yield from _at_once(material, path, audience)
    yield from _templates(material, configuration)


def _reached(
    material: Material, configuration: Configuration, path: Where, audience: Audience
) -> Iterator[Problem]:
    channels = tuple(configuration.channels)
    channel = configuration.channels.get(audience.via)
    if channel is None:
        message = f"no channel {quoted(audience.via)}{suggest(audience.via, channels)}"
        if audience.via == _STATUS_PAGE:
            message = "a status page is not supported yet; name a channel"
        yield material.merged.problem((*path, "via"), message, allowed=channels)
        return
    kind, problem = channel.type, material.merged.problem
    if kind == "voice":
        yield problem((*path, "via"), "a call can't read a message to an audience; name another channel")
    elif kind == "slack":
        if not audience.room.lstrip("#"):
            yield problem(path, "room is missing: the room at Slack", key=True)
        if audience.to:
            yield problem((*path, "to"), "Slack has rooms; write room:", key=True)
    elif audience.room:
        yield problem((*path, "room"), f"a channel of type {kind} has no rooms; write to:", key=True)
    elif kind in _FIXED and audience.to and kind != "teams":
        yield problem((*path, "to"), f"a channel of type {kind} has no addresses", key=True)
    elif isinstance(channel, WebhookChannel):
        yield from _webhook(material, path, audience, channel.url)
    elif kind not in _FIXED and not audience.to:
        yield problem(path, "to is missing: nobody would be told", key=True)
    for n, address in enumerate(audience.to):
        if wrong := wrong_address(kind, address):
            yield problem((*path, "to", n), wrong)


def _webhook(material: Material, path: Where, audience: Audience, url: str) -> Iterator[Problem]:
    if not audience.to and not url:
        yield material.merged.problem(path, "to is missing, and the channel has no url", key=True)
    for n, address in enumerate(audience.to):
        if not is_url(address):
            message = f"{quoted(address)} is no http:// or https:// address"
            yield material.merged.problem((*path, "to", n), message)


def _approved(
    material: Material, configuration: Configuration, path: Where, audience: Audience
) -> Iterator[Problem]:
    known = (*configuration.roles, *configuration.people)
    for n, name in enumerate(audience.approve):
        if name not in known:
            message = f"no role or person {quoted(name)}{suggest(name, known)}"
            yield material.merged.problem((*path, "approve", n), message, allowed=known)
    if audience.send == "draft" and not audience.approve:
        message = "nobody is named in approve; drafts wait for whoever has the incident"
        yield material.merged.problem((*path, "send"), message, severity="warning")


def _at_once(material: Material, path: Where, audience: Audience) -> Iterator[Problem]:
    levels = audience.levels_as("executives")
    late = audience.send == "draft" or audience.services or audience.when_as("executives") != "always"
    if not {1, 2} <= set(levels) or late:
        message = "the protocol tells executives of every level 1-2 incident at once; here it doesn't"
        yield material.merged.problem(path, message, key=True, severity="warning")


def _templates(material: Material, configuration: Configuration) -> Iterator[Problem]:
    known = tuple(configuration.audiences)
    first: dict[tuple[str, str, str], str] = {}
    for name, own in configuration.templates.items():
        path: Where = ("templates", name)
        other = first.setdefault((own.template, own.audience, own.language), name)
        if other != name:
            message = f"is for the same messages as templates.{other}; one of them would never be used"
            yield material.merged.problem(path, message, key=True)
        if own.audience and own.audience not in known:
            message = f"no audience {quoted(own.audience)}{suggest(own.audience, known)}"
            yield material.merged.problem((*path, "audience"), message, allowed=known)
        template = Template(own.template)
        for line, says in mistakes(template, own.text):
            allowed = FIELDS[template] if "nothing that a message has" in says else ()
            problem = material.merged.problem((*path, "text"), says, allowed=allowed)
            yield _at_line(material, (*path, "text"), problem, line)


def _at_line(material: Material, path: Where, problem: Problem, line: int) -> Problem:
    """The problem at this line of a text, where the text stands in several."""
    document = material.merged.document(path)
    first = document.lines[problem.line - 1] if 0 < problem.line <= len(document.lines) else ""
    block = first[problem.column - 1 :].lstrip()[:1] in ("|", ">")
    if not block:
        return problem
    at = problem.line + line
    shown = document.lines[at - 1] if at <= len(document.lines) else ""
    return replace(problem, line=at, column=len(shown) - len(shown.lstrip()) + 1, source_line=shown)
