"""asyncio's loop, with look-ups of host names that hold up nothing but whoever asks for that name.

asyncio looks names up in the pool of threads that everything else uses, a few threads wide: a
name server that doesn't answer takes them all, and then no channel finds its host, no file is
read, and the process can't end before the last look-up has. Here each look-up has a thread of
its own that the end doesn't wait for, shared by all who ask for the same name.
"""

import asyncio
import gc
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

#: Seconds after which a look-up that hasn't answered is no longer waited for by those who ask
#: anew: the name server may be back, and the old question lost.
ASK_AGAIN = 5.0
#: Look-ups under way at a time. More than that only hang.
AT_MOST = 64


@dataclass(frozen=True, slots=True)
class _Lookup:
    began: float
    answer: "asyncio.Future[Any]"


#: When Python looks for cycles. irpd's values form none, so it looks less often than it would: each look
#: holds up everything.
LOOKS = (20_000, 20, 20)


def look_for_cycles_less() -> None:
    """For the whole process."""
    gc.set_threshold(*LOOKS)


class Loop(asyncio.SelectorEventLoop):
    """``asyncio.Runner(loop_factory=Loop)``."""

    def __init__(self) -> None:
        super().__init__()
        self._lookups: dict[tuple[object, ...], _Lookup] = {}
        self._asking = 0

    async def getaddrinfo(
        self, host: Any, port: Any, *, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> Any:
        question = (host, port, family, type, proto, flags)
        known = self._lookups.get(question)
        if known is None or known.answer.done() or self.time() - known.began > ASK_AGAIN:
            if self._asking >= AT_MOST:
                raise socket.gaierror(socket.EAI_AGAIN, f"too many names are being looked up to find {host}")
            known = self._ask(question)
        return await asyncio.shield(known.answer)

    def _ask(self, question: tuple[Any, ...]) -> _Lookup:
        lookup = self._lookups[question] = _Lookup(self.time(), self.create_future())
        # Whoever asked may have gone: an error that nobody waits for is no news.
        lookup.answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._asking += 1

        def tell(settle: Callable[[Any], None], what: object) -> None:
            self._asking -= 1
            if self._lookups.get(question) is lookup:
                del self._lookups[question]
            if not lookup.answer.done():
                settle(what)

        def look() -> None:
            settle: Callable[[Any], None]
            try:
                what: object = socket.getaddrinfo(*question)
                settle = lookup.answer.set_result
            except Exception as error:  # whoever asked for the name gets it
                what, settle = error, lookup.answer.set_exception
            with suppress(RuntimeError):  # the loop has ended
                self.call_soon_threadsafe(tell, settle, what)

        threading.Thread(target=look, name=f"irpd-name-{question[0]}", daemon=True).start()
        return lookup
