"""Who asks: the peer of the Unix socket, as the kernel names it, or the bearer of a token.

Whoever may open the socket may do everything, in any person's name: its file mode is the
permission. A token may what the configuration gives it.
"""

import hashlib
import hmac
import pwd
import socket
import struct
from dataclasses import dataclass
from typing import Final, Literal

from aiohttp import web

from irpd.config.problem import suggest
from irpd.config.values import Configuration
from irpd.model.command import Refusal

Role = Literal["read", "respond", "admin"]
_RANK: Final = {"read": 0, "respond": 1, "admin": 2}
_PEER: Final = struct.Struct("3i")  # pid, uid, gid


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """``credential`` is ``local:USER`` or ``token:NAME``; ``person`` the id of who acts, or empty."""

    credential: str
    role: Role
    person: str = ""

    @property
    def name(self) -> str:
        return self.person or self.credential

    @property
    def local(self) -> bool:
        return self.credential.startswith("local:")

    def may(self, role: Role) -> bool:
        return _RANK[self.role] >= _RANK[role]


class NotAllowed(Exception):
    """No actor. ``status`` and ``code`` for the answer."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text


def peer_of(request: web.Request, configuration: Configuration) -> Actor:
    """Who is at the other end of the Unix socket."""
    transport = request.transport
    connection = None if transport is None else transport.get_extra_info("socket")
    if connection is None:
        raise NotAllowed(401, "unauthenticated", "the connection is gone")
    _pid, uid, _gid = _PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    try:
        login = pwd.getpwuid(uid).pw_name
    except KeyError:
        login = str(uid)
    person = next((key for key, value in configuration.people.items() if value.login == login), "")
    return _acting_for(
        request, Actor(credential=f"local:{login}", role="admin", person=person), configuration
    )


def bearer_of(request: web.Request, configuration: Configuration) -> Actor:
    """Whose token it is. All tokens are compared, in constant time."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotAllowed(401, "unauthenticated", "the API wants a token: Authorization: Bearer ...")
    digest = hashlib.sha256(token.strip().encode("utf-8", "surrogateescape")).hexdigest()
    found = None
    for known in configuration.server.tokens:
        if hmac.compare_digest(known.hash.lower().removeprefix("sha256:").encode(), digest.encode()):
            found = known
    if found is None:
        raise NotAllowed(401, "unauthenticated", "this token is not known")
    return _acting_for(request, Actor(credential=f"token:{found.name}", role=found.may), configuration)


def _acting_for(request: web.Request, actor: Actor, configuration: Configuration) -> Actor:
    asked = request.query.get("as", "")
    if not asked:
        return actor
    if asked not in configuration.people:
        names = tuple(configuration.people)
        raise NotAllowed(
            422, "no-such-person", f"no person {asked!r}{suggest(asked, names)} ({', '.join(names[:24])})"
        )
    return Actor(credential=actor.credential, role=actor.role, person=asked)


def who_acts(actor: Actor) -> str:
    """The name that an event keeps of who did something. Raises Refusal where nobody is named."""
    if actor.person or not actor.local:
        return actor.name
    raise Refusal(
        "who", f"irpd doesn't know who you are ({actor.credential}): say it with --as PERSON (as=PERSON)"
    )
