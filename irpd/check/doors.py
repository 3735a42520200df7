"""Where irpd listens, who may send to it, and the doors it goes out by: server, sources, channels."""

from collections.abc import Iterator
from importlib.util import find_spec
from urllib.parse import urlsplit

from irpd.check.addresses import is_url
from irpd.check.material import Material
from irpd.config.auth import ApiAuth, Auth
from irpd.config.channels import (
    AppriseChannel,
    Imap,
    Replies,
    SmtpChannel,
    TwilioChannel,
    VoiceChannel,
    WebhookChannel,
)
from irpd.config.hosts import is_address, local
from irpd.config.problem import Problem, quoted, suggest
from irpd.config.values import SOURCE_FIELDS, Configuration, Source
from irpd.config.yaml import Where

#: Source types whose signature irpd knows without being told the header.
_SIGNING = ("grafana", "sentry", "zendesk", "jira")


def doors(material: Material, configuration: Configuration) -> Iterator[Problem]:
    """Errors for what can't work, warnings for what is open or leads nowhere."""
    yield from _server(material, configuration)
    for name, source in configuration.sources.items():
        yield from _source(material, name, source)
        if source.auth == "none" and not _local(_host(configuration.server.listen)):
            message = f"none, and {configuration.server.listen} is open to other machines"
            yield material.merged.problem(("sources", name, "auth"), message, severity="warning")
    yield from _channels(material, configuration)
    yield from _asked(material, configuration)


def _server(material: Material, configuration: Configuration) -> Iterator[Problem]:
    server = configuration.server
    path = ("server", "listen")
    host = _host(server.listen)
    if host is None:
        message = (
            f"{quoted(server.listen)} is no address with a port; write it like 127.0.0.1:8420 or [::1]:8420"
        )
        yield material.merged.problem(path, message)
    elif not server.public_url and not _local(host):
        message = "missing: links in pages need an address that people's phones reach"
        yield material.merged.problem(("server", "public_url"), message, severity="warning")
    if server.public_url and (
        not is_url(server.public_url) or "?" in server.public_url or "#" in server.public_url
    ):
        message = f"{quoted(server.public_url)} is no http:// or https:// address that paths can follow"
        yield material.merged.problem(("server", "public_url"), message)
    seen: set[str] = set()
    for n, token in enumerate(server.tokens):
        if token.name in seen:
            message = f"a second token of {token.name}; events couldn't say which was used"
            yield material.merged.problem(("server", "tokens", n, "name"), message)
        seen.add(token.name)


def _source(material: Material, name: str, source: Source) -> Iterator[Problem]:
    path = ("sources", name)
    if isinstance(source.auth, Auth):
        if source.auth.client_secret is not None and source.type != "sentry":
            message = "only Sentry has one; use hmac for another sender that signs"
            yield material.merged.problem((*path, "auth", "client_secret"), message, key=True)
        if source.auth.hmac is not None and not source.auth.hmac.header and source.type not in _SIGNING:
            message = f"header is missing; a source of type {source.type} has no signature of its own"
            yield material.merged.problem((*path, "auth", "hmac"), message)
    if source.fields and not source.ticket:
        message = f"without effect: a source of type {source.type} says itself what stands where"
        yield material.merged.problem((*path, "fields"), message, key=True)
    if source.type == "ticket":
        for needed in ("key", "title"):
            if not source.fields.get(needed):
                message = f"{needed} is missing: the path to a ticket's {needed} in the body"
                yield material.merged.problem((*path, "fields"), message, key=True)
    for field, where in source.fields.items():
        known = field in SOURCE_FIELDS or (field.startswith("labels.") and field != "labels.")
        if not known:
            message = f"no such field{suggest(field, SOURCE_FIELDS)}"
            allowed = (*SOURCE_FIELDS, "labels.NAME")
            yield material.merged.problem((*path, "fields", field), message, key=True, allowed=allowed)
        elif not all(part.strip() for part in where.split(".")):
            message = f"{quoted(where)} is no dotted path; write it like ticket.subject"
            yield material.merged.problem((*path, "fields", field), message)


def _channels(material: Material, configuration: Configuration) -> Iterator[Problem]:
    for name, channel in configuration.channels.items():
        path = ("channels", name)
        match channel:
            case SmtpChannel(auth=auth, tls="none", host=host) if auth is not None and not _local(host):
                message = "the password would cross the network in the clear; leave tls out, or set it to tls"
                yield material.merged.problem((*path, "auth"), message, key=True)
            case WebhookChannel(url=url) if _in_the_clear(url):
                yield material.merged.problem(
                    (*path, "url"), "http: pages would cross the network in the clear", severity="warning"
                )
            case SmtpChannel(replies=Replies(imap=Imap(tls="none", host=host))) if not _local(host):
                message = "the password would cross the network in the clear; leave tls out, or set it to tls"
                yield material.merged.problem((*path, "replies", "imap", "tls"), message)
            case AppriseChannel() if find_spec("apprise") is None:
                message = "the library apprise is not installed; install irpd[apprise]"
                yield material.merged.problem((*path, "type"), message)
            case VoiceChannel(use=use):
                account = configuration.channels.get(use)
                if account is not None and not isinstance(account, TwilioChannel):
                    message = f"{use} is of type {account.type}; calls are made by a channel of type twilio"
                    yield material.merged.problem((*path, "use"), message)
                elif isinstance(account, TwilioChannel) and not account.sender.startswith("+"):
                    message = f"calls come from a telephone number; from of {use} is none"
                    yield material.merged.problem((*path, "use"), message)
            case TwilioChannel() if not configuration.server.public_url:
                message = "without server.public_url nobody can reply, and what doesn't arrive isn't heard of"
                yield material.merged.problem(path, message, key=True, severity="warning")
            case _:
                pass
        for key in ("api_url", "server"):
            url = getattr(channel, key, "")
            if _in_the_clear(url):
                message = "http: the token and every page would cross the network in the clear"
                yield material.merged.problem((*path, key), message, severity="warning")


def _asked(material: Material, configuration: Configuration) -> Iterator[Problem]:
    """Secrets that go with questions."""
    servers: list[tuple[Where, tuple[str, ...], ApiAuth | None]] = [
        (("prometheus", name, "url"), (one.url,), one.auth) for name, one in configuration.prometheus.items()
    ]
    servers += [
        (("sources", name, "api", "urls"), one.api.urls, one.api.auth)
        for name, one in configuration.sources.items()
        if one.api is not None
    ]
    for path, urls, auth in servers:
        if auth is not None and any(map(_in_the_clear, urls)):
            message = "http: the secret under auth would cross the network in the clear"
            yield material.merged.problem(path, message, severity="warning")


def _host(listen: str) -> str | None:
    """The host of an address to listen on; None when it is no such address."""
    host, _, port = listen.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) < 65536 and len(port) < 6) or not host:
        return None
    if host.startswith("[") or ":" in host:
        inner = host.removeprefix("[").removesuffix("]")
        return inner if host == f"[{inner}]" and is_address(inner) else None
    return host if all(c.isalnum() or c in ".-" for c in host) else None


def _local(host: str | None) -> bool:
    return host is None or local(host)


def _in_the_clear(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and not _local(parts.hostname)
    except ValueError:
        return False
