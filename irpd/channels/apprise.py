"""The long tail of services, through the library apprise: what it can reach is reached, and little more is
known.

Facts: apprise 2.3, github.com/caronc/apprise ("Development API"; a service is a URL, instantiated without
being asked anything; ``notify`` blocks and answers whether it worked, not why; ``body_maxlen`` and
``title_maxlen`` are the service's own bounds). It is an extra of irpd (``irpd[apprise]``) and not needed for
any other channel.

Whatever fails is tried again, because apprise doesn't say whether it will ever work. Each message is sent in
one of four threads of the channel's own, so a slow service delays only itself.
"""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from irpd.channels.parts import Parts
from irpd.comms import clean
from irpd.config.channels import AppriseChannel
from irpd.engine.ports import Message, Outcome

if TYPE_CHECKING:
    from apprise import NotifyBase

_THREADS = 4
_PLACE = "{address}"


class Apprise:
    """One URL of apprise's. Raises LookupError when the library or the URL isn't there."""

    def __init__(self, name: str, settings: AppriseChannel, parts: Parts) -> None:
        try:
            import apprise
        except ImportError:
            raise LookupError("the library apprise is not installed; install irpd[apprise]") from None
        # It logs for people at a terminal, addresses included.
        logger = logging.getLogger("apprise")
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
        self.name = name
        self._apprise = apprise
        self._url = settings.auth.url.reveal()
        self._timeout = settings.timeout
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix=f"irpd-{name}")
        # All its services are loaded at the first question: a second or two that no message has to pay for.
        self._loaded = self._threads.submit(apprise.Apprise.instantiate, "json://localhost")

    async def send(self, message: Message) -> Outcome:
        """Never raises for what the service does."""
        if not message.address.isprintable():
            return Outcome(kind="permanent", detail="an address with control characters")
        call = partial(self._notify, message)
        await asyncio.wrap_future(self._loaded)
        try:
            async with asyncio.timeout(self._timeout + 1.0):
                return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        except TimeoutError:
            return Outcome(kind="transient", detail="timed out")

    async def close(self) -> None:
        """Wait for nothing: what is under way ends by its own time limit."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _notify(self, message: Message) -> Outcome:
        url = self._url.replace(_PLACE, quote(message.address, safe=""))
        try:
            service = self._apprise.Apprise.instantiate(url, suppress_exceptions=True)
            if service is None:
                return Outcome(kind="permanent", detail="apprise knows no service by this URL")
            title, body = _fitted(message, service)
            notifier = self._apprise.Apprise()
            notifier.add(service)
            taken = notifier.notify(
                body=body,
                title=title,
                body_format=self._apprise.NotifyFormat.TEXT,
                timeout=self._timeout,
            )
        except Exception as error:  # whatever a service's plugin raises; its text may hold the URL
            return Outcome(kind="transient", detail=f"{type(error).__name__} in apprise")
        if taken:
            return Outcome(kind="delivered", detail="apprise")
        return Outcome(kind="transient", detail="apprise could not send it; it doesn't say why")


def _fitted(message: Message, service: "NotifyBase") -> tuple[str, str]:
    """Title and text within the service's own bounds, the link last and whole."""
    title_room, room = int(service.title_maxlen), int(service.body_maxlen)
    title = clean.cut(message.subject, title_room) if title_room > 0 else ""
    text = message.text if title else f"{message.subject}\n{message.text}"
    link = str(message.fields.get("acknowledge_url") or "")
    if not link:
        return title, clean.cut(text, room)
    return title, f"{clean.cut(text, max(room - len(link) - 1, 1))}\n{link}"
