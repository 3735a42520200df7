"""Answers by mail, fetched from a mailbox: works where nothing can reach irpd.

Facts: RFC 3501 (UID SEARCH with UNSEEN and HEADER, UID FETCH of BODY.PEEK[] in part, UID STORE +FLAGS). Only
mails whose ``References`` name a page are looked at, and only those are marked as seen, when what they say
has been done: a mailbox that people read too stays as it is, and an answer is never lost, at worst taken
twice. Tried with Dovecot 2.3: headers that are folded or in small letters are found.

``imaplib`` blocks, so each mailbox has a thread of its own; a server that hangs is left after ``timeout``.
"""

import asyncio
import imaplib
import re
import socket
import ssl
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import structlog

from irpd.channels.mail_reply import MARK
from irpd.config.channels import Imap

_LONGEST = 256 * 1024  # bytes of a mail that are fetched
_AT_ONCE = 50  # mails a round
_SLOWEST = 300.0  # seconds before it is tried again
_UID = re.compile(rb"[0-9]{1,10}")

log = structlog.get_logger(__name__)


class Mailbox:
    """One connection; everything but ``abort`` is called in the thread. Raises OSError, imaplib's errors."""

    def __init__(self, settings: Imap, password: str) -> None:
        self._settings = settings
        self._password = password
        self._connection: imaplib.IMAP4 | None = None

    def unread(self) -> list[tuple[bytes, bytes]]:
        """The unread answers there are, with their numbers."""
        connection = self._connection or self._connect()
        kind, data = connection.uid("SEARCH", "UNSEEN", "HEADER", "References", MARK)
        if kind != "OK":
            raise imaplib.IMAP4.error("the mailbox can't be searched")
        numbers = _UID.findall(data[0] or b"")[:_AT_ONCE] if data else []
        found = []
        for number in numbers:
            _, parts = connection.uid("FETCH", number.decode(), f"(BODY.PEEK[]<0.{_LONGEST}>)")
            raw = next((part[1] for part in parts if isinstance(part, tuple) and len(part) > 1), b"")
            found.append((number, raw))
        return found

    def done(self, number: bytes) -> None:
        """This one has been dealt with."""
        if self._connection is not None:
            self._connection.uid("STORE", number.decode(), "+FLAGS.SILENT", r"(\Seen)")

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(OSError, imaplib.IMAP4.error):
                connection.shutdown()

    def abort(self) -> None:
        """Let a call that another thread is in end at once."""
        if self._connection is not None:
            with suppress(OSError, AttributeError):
                self._connection.sock.shutdown(socket.SHUT_RDWR)

    def _connect(self) -> imaplib.IMAP4:
        settings = self._settings
        if settings.tls == "tls":
            connection: imaplib.IMAP4 = imaplib.IMAP4_SSL(
                settings.host,
                settings.port,
                timeout=settings.timeout,
                ssl_context=ssl.create_default_context(),
            )
        else:
            connection = imaplib.IMAP4(settings.host, settings.port, timeout=settings.timeout)
        self._connection = connection
        if settings.tls == "starttls":
            connection.starttls(ssl.create_default_context())
        connection.login(settings.auth.user, self._password)
        kind, _ = connection.select(_quoted(settings.folder))
        if kind != "OK":
            raise imaplib.IMAP4.error(f"there is no folder {settings.folder}")
        return connection


class Answers:
    """Looks into the mailbox every so often. ``take`` is given each mail; ``problem`` says what is wrong."""

    def __init__(
        self, channel: str, settings: Imap, password: str, take: Callable[[bytes], Awaitable[None]]
    ) -> None:
        self._channel = channel
        self._every = settings.every
        self._mailbox = Mailbox(settings, password)
        self._hide = password
        self._take = take
        self.problem = "not looked at yet"

    async def listen(self) -> None:
        """Until cancelled."""
        thread = ThreadPoolExecutor(1, thread_name_prefix=f"irpd-{self._channel}-imap")
        loop = asyncio.get_running_loop()
        wait = self._every
        try:
            while True:
                try:
                    for number, raw in await loop.run_in_executor(thread, self._mailbox.unread):
                        await self._take(raw)
                        await loop.run_in_executor(thread, self._mailbox.done, number)
                    self.problem, wait = "", self._every
                except Exception as error:  # whatever it was, the next connection may work
                    self.problem = f"{type(error).__name__}: {error}".replace(self._hide, "***")[:200]
                    log.warning("mailbox_not_read", channel=self._channel, why=self.problem, again_in=wait)
                    await loop.run_in_executor(thread, self._mailbox.close)
                    wait = min(2 * wait, max(_SLOWEST, self._every))
                await asyncio.sleep(wait)
        finally:
            self._mailbox.abort()
            thread.submit(self._mailbox.close)
            thread.shutdown(wait=False)


def _quoted(folder: str) -> str:
    escaped = folder.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
