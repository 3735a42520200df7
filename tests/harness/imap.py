"""An IMAP server on the loopback, as much of RFC 3501 as is asked of it, with one folder in memory."""

import asyncio
import email
import re

PASSWORD = "hush"


class ImapServer:
    """``mails`` by their UIDs; ``seen`` holds those that were marked. ``how`` is what it does wrong."""

    def __init__(self) -> None:
        self.mails: dict[int, bytes] = {}
        self.seen: set[int] = set()
        self.how = ""
        self.connections = 0
        self.port = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._talks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server

    def add(self, raw: bytes) -> int:
        uid = len(self.mails) + 5
        self.mails[uid] = raw
        return uid

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def drop(self) -> None:
        """Break every connection."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def close(self) -> None:
        self._server.close()
        self.drop()
        if self._talks:
            await asyncio.wait(self._talks, timeout=5)
        await self._server.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        task.add_done_callback(self._talks.discard)
        try:
            writer.write(b"* OK ready\r\n")
            while line := await reader.readline():
                if self.how == "hangs":
                    await reader.read()
                    return
                if self.how == "talks nonsense":
                    writer.write(b"\x00\xff nonsense\r\n")
                    continue
                tag, _, command = line.decode().strip().partition(" ")
                writer.write(self._answer(tag, command))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _answer(self, tag: str, command: str) -> bytes:
        name, _, rest = command.partition(" ")
        match name.upper():
            case "CAPABILITY":
                return f"* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n".encode()
            case "LOGIN":
                good = rest == f'irpd "{PASSWORD}"'
                return f"{tag} {'OK done' if good else 'NO [AUTHENTICATIONFAILED] wrong'}\r\n".encode()
            case "SELECT":
                said = "OK done" if rest == '"INBOX"' else "NO no such folder"
                return f"* {len(self.mails)} EXISTS\r\n{tag} {said}\r\n".encode()
            case "UID":
                return self._uid(tag, rest)
        return f"{tag} BAD what?\r\n".encode()

    def _uid(self, tag: str, rest: str) -> bytes:
        name, _, rest = rest.partition(" ")
        if name == "SEARCH":
            wanted = re.fullmatch(r"UNSEEN HEADER References (\S+)", rest)
            assert wanted, rest
            found = [
                str(uid)
                for uid, raw in self.mails.items()
                if uid not in self.seen
                and wanted[1] in str(email.message_from_bytes(raw).get("References", ""))
            ]
            return f"* SEARCH {' '.join(found)}\r\n{tag} OK done\r\n".encode()
        uid = int(rest.partition(" ")[0])
        if name == "FETCH":
            most = re.search(r"BODY\.PEEK\[\]<0\.(\d+)>", rest)
            assert most, rest
            raw = self.mails[uid][: int(most[1])]
            head = f"* 1 FETCH (UID {uid} BODY[]<0> {{{len(raw)}}}\r\n".encode()
            return head + raw + f")\r\n{tag} OK done\r\n".encode()
        assert rest.endswith(r"+FLAGS.SILENT (\Seen)"), rest
        self.seen.add(uid)
        return f"{tag} OK done\r\n".encode()
