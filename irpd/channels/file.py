"""The local channel: one JSON object a line in a file, and the same to read on a terminal.

A line is in the file, synced, before the page counts as delivered. Lines that wait
together are written and synced together. Each is appended in one write; where a crash cut
the last one short, the next begins on a line of its own.
"""

import asyncio
import errno
import os
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import msgspec

from irpd.channels.parts import Parts
from irpd.config.channels import FileChannel
from irpd.engine.ports import Message, Outcome

#: A disk that takes longer is tried again; the line may then stand there twice.
_PATIENCE = 20.0
_COLOURS = {1: "\x1b[1;97;41m", 2: "\x1b[1;30;43m", 3: "\x1b[1;33m", 4: "\x1b[1;36m"}
_GREEN, _END = "\x1b[1;32m", "\x1b[0m"
_FOR_GOOD = frozenset(
    {errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG}
)


class File:
    """Appends to ``settings.path``, relative to the state directory."""

    def __init__(self, name: str, settings: FileChannel, parts: Parts) -> None:
        self.name = name
        self._path = parts.state_dir / settings.path
        self._clock = parts.clock
        self._screen = Screen(parts.terminal) if parts.terminal is not None and settings.terminal else None
        self._thread: ThreadPoolExecutor | None = None
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def send(self, message: Message) -> Outcome:
        """Delivered once the line is on disk."""
        fields = {"at": self._clock.now(), **message.fields, "subject": message.subject, "text": message.text}
        line = msgspec.json.encode(fields) + b"\n"
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((line, written))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_waiting(), name=f"write {self.name}")
        try:
            async with asyncio.timeout(_PATIENCE):
                await written
        except TimeoutError:
            return Outcome(kind="transient", detail=f"{self._path} takes longer than {_PATIENCE:g} s")
        except OSError as error:
            kind = "permanent" if error.errno in _FOR_GOOD else "transient"
            return Outcome(kind=kind, detail=f"{self._path}: {error.strerror}")
        if self._screen is not None:
            self._screen.show(message)
        return Outcome(kind="delivered", provider_id=message.id)

    async def close(self) -> None:
        """Wait for what is being written."""
        if self._writer is not None:
            await asyncio.wait([self._writer], timeout=_PATIENCE)
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.shutdown(wait=False)
        if self._screen is not None:
            self._screen.close()

    async def _in_own_thread(self, call: Callable[[Path, Sequence[bytes]], None], *arguments: Any) -> None:
        """Not in the loop's own pool: that is where look-ups of host names hang."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"irpd-{self.name}")
        await asyncio.get_running_loop().run_in_executor(self._thread, call, *arguments)

    async def _write_waiting(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            error: OSError | None = None
            try:
                await self._in_own_thread(_append, self._path, [line for line, _ in batch])
            except OSError as problem:
                error = problem
            for _, written in batch:
                if written.done():
                    continue
                if error is None:
                    written.set_result(None)
                else:
                    written.set_exception(error)


def _append(path: Path, lines: Sequence[bytes]) -> None:
    """All lines on disk, or an OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not blocking: a named pipe without a reader is an error, not a trap.
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
    descriptor = os.open(path, flags, 0o600)
    try:
        data = b"".join(lines)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            data = b"\n" + data
        written = os.write(descriptor, data)
        if written < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Screen:
    """Shows messages on a terminal from a thread of its own: one that is paused, or a reader
    that is gone, holds nothing up; what it can't keep up with is left out."""

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal
        self._queue: queue.Queue[str | None] = queue.Queue(maxsize=200)
        self._coloured = not terminal.closed and terminal.isatty()
        self._thread: threading.Thread | None = None

    def show(self, message: Message) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="terminal", daemon=True)
            self._thread.start()
        with suppress(queue.Full):
            self._queue.put_nowait(block(message, coloured=self._coloured))

    def close(self) -> None:
        if self._thread is None:
            return
        with suppress(queue.Full):
            self._queue.put_nowait(None)
        self._thread.join(timeout=1.0)
        self._thread = None

    def _run(self) -> None:
        while (text := self._queue.get()) is not None:
            try:
                self._terminal.write(text)
                self._terminal.flush()
            except (OSError, ValueError):  # closed, or nobody reads it
                return


def block(message: Message, *, coloured: bool) -> str:
    """The message as it stands on a terminal, a rule above and below; above one to an audience, to which."""
    rule, notice = "─" * 72, message.page.notice
    above = rule if notice is None else f"── to {notice.audience} ".ljust(72, "─")
    first, _, rest = message.text.rstrip("\n").partition("\n")
    if coloured:
        incident = message.fields.get("incident")
        level = incident.get("level") if isinstance(incident, dict) else None
        colour = _COLOURS.get(level, "\x1b[1m") if isinstance(level, int) else "\x1b[1m"
        first = f"{colour} {first} {_END}"
        rest = "\n".join(
            f"{_GREEN}{line}{_END}" if line.lstrip().startswith("I have it") else line
            for line in rest.split("\n")
        )
    return f"{above}\n{first}\n{rest}\n{rule}\n"
