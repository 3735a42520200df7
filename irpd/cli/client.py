"""Asking the daemon: over its Unix socket, or over HTTP with a token.

The standard library's client; a command that asks one question shouldn't load a server.
"""

import errno
import http.client
import json
import os
import socket as sockets
import ssl
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from irpd.cli.failure import NO, REFUSED, UNREACHABLE, USAGE, Failed

SOCKET_NAME = "irpd.sock"
_TIMEOUT = 60.0

_EXIT_OF = {
    400: USAGE,
    401: REFUSED,
    403: REFUSED,
    404: NO,
    405: USAGE,
    409: REFUSED,
    412: REFUSED,
    422: USAGE,
}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def document(self) -> dict[str, Any]:
        """The body as an object. Raises Failed for one that isn't."""
        try:
            value = json.loads(self.body)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise Failed(
                "what answered is not irpd's API (or a proxy in front of it failed)",
                exit_code=UNREACHABLE,
                status=self.status,
            )
        return value


class _OverSocket(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("irpd", timeout=_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT)
        self.sock.connect(self._path)


class Daemon:
    """The daemon that a command talks to."""

    def __init__(
        self, *, socket: str | None = None, config: Sequence[str] = (), as_person: str | None = None
    ) -> None:
        self._socket = socket
        self._config = config
        self._as = as_person

    def get(self, path: str, query: Mapping[str, str] | None = None, *, ok: Sequence[int] = ()) -> Answer:
        return self.ask("GET", path, query=query, ok=ok)

    def post(self, path: str, body: Mapping[str, Any] | None = None, *, ok: Sequence[int] = ()) -> Answer:
        return self.ask("POST", path, body=body or {}, ok=ok)

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        ok: Sequence[int] = (),
    ) -> Answer:
        """The answer. Raises Failed unless it is 2xx or one of ``ok``."""
        pairs = dict(query or {})
        if self._as:
            pairs["as"] = self._as
        target = f"/api/v1{path}" + (f"?{urlencode(pairs, quote_via=quote)}" if pairs else "")
        headers = {"Accept": "application/json"}
        sent = None
        if body is not None:
            sent = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        connection, prefix, place = self._connection(headers)
        try:
            connection.request(method, prefix + target, body=sent, headers=headers)
            response = connection.getresponse()
            answer = Answer(response.status, response.read(), dict(response.getheaders()))
        except (OSError, http.client.HTTPException) as error:
            raise _unreachable(error, place) from None
        finally:
            connection.close()
        if any(name.lower() == "irpd-shadow" for name in answer.headers):
            _say_shadow()
        if answer.status < 300 or answer.status in ok:
            return answer
        document = answer.document
        raise Failed(
            str(document.get("detail") or f"irpd answered {answer.status}"),
            exit_code=_EXIT_OF.get(answer.status, UNREACHABLE if answer.status != 500 else NO),
            code=str(document.get("code") or "error"),
            status=answer.status,
            raw=answer.body,
        )

    def _connection(self, headers: dict[str, str]) -> tuple[http.client.HTTPConnection, str, str]:
        """A connection, what goes in front of the path, and how to call the place."""
        url = os.environ.get("IRPD_URL", "")
        if url and not self._socket:
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise Failed(
                    f"IRPD_URL={url!r} is no address; write it like https://irpd.example.com", exit_code=USAGE
                )
            if token := os.environ.get("IRPD_TOKEN", ""):
                headers["Authorization"] = f"Bearer {token}"
            if parts.scheme == "https":
                context = ssl.create_default_context()
                over: http.client.HTTPConnection = http.client.HTTPSConnection(
                    parts.hostname, parts.port, timeout=_TIMEOUT, context=context
                )
            else:
                over = http.client.HTTPConnection(parts.hostname, parts.port, timeout=_TIMEOUT)
            return over, parts.path.rstrip("/"), url
        path = self._found()
        return _OverSocket(path), "", path

    def _found(self) -> str:
        if self._socket:
            return self._socket
        looked = []
        for folder in self._folders():
            path = folder / SOCKET_NAME
            if path.exists():
                return str(path)
            looked.append(str(path))
        raise Failed(
            f"no daemon found (looked for {', '.join(looked)}); is `irpd serve` running? "
            "--socket PATH or IRPD_URL says where it is",
            exit_code=UNREACHABLE,
        )

    def _folders(self) -> list[Path]:
        folders = [os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0], "/run/irpd"]
        folders.append(os.environ.get("STATE_DIRECTORY", "").split(":")[0])
        if self._config:
            folders.append(_state_dir_of(self._config))
        folders.append("var/state")
        return list(dict.fromkeys(Path(folder) for folder in folders if folder))


@cache
def _say_shadow() -> None:
    """Once a command, beside whatever it prints."""
    sys.stderr.write("Shadow mode: irpd pages nobody. What it would have sent: irpd page list\n")


def _state_dir_of(config: Sequence[str]) -> str:
    """``server.state_dir`` of the files; their mistakes are not this command's business."""
    from irpd.config.load import read_configuration

    configuration = read_configuration(config).configuration
    return (configuration.server.state_dir or "") if configuration is not None else ""


def _unreachable(error: Exception, place: str) -> Failed:
    if isinstance(error, PermissionError):
        return Failed(
            f"{place}: no permission; be a member of its group", exit_code=REFUSED, code="permission"
        )
    if isinstance(error, ConnectionRefusedError) or getattr(error, "errno", None) == errno.ENOENT:
        return Failed(f"nothing answers at {place}; is `irpd serve` running?", exit_code=UNREACHABLE)
    if isinstance(error, ssl.SSLError):
        return Failed(f"{place}: TLS: {error.reason or error}", exit_code=UNREACHABLE)
    if isinstance(error, TimeoutError):
        return Failed(f"{place}: no answer in {_TIMEOUT:g} s", exit_code=UNREACHABLE)
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return Failed(f"{place}: {reason}", exit_code=UNREACHABLE)


def pass_on(answer: Answer) -> None:
    """The API's answer as it is, byte for byte."""
    sys.stdout.flush()
    sys.stdout.buffer.write(answer.body)
