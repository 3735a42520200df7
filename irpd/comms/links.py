"""The links in pages: ``/a/<token>`` acknowledges without signing in.

A token is the first 60 bits of HMAC-SHA256 over page and person, so it names both, can't
be guessed or made without the key, and needs no table: whoever has the live pages can look
it up. Tokens stand in no event, log or backup; without the key file of the state directory
a restored journal cannot make old links work again.
"""

import hashlib
import hmac
import os
import secrets
import stat
from functools import lru_cache
from pathlib import Path

import structlog

from irpd.comms.codes import Codes
from irpd.model.page import Page

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_WIDTH = 11  # 62**11 > 2**60
_BYTES = 32
KEY_FILE = "link.key"

log = structlog.get_logger(__name__)


class LinkKeyError(Exception):
    """The key of the links can't be had; the text says what to do about it."""


class Links:
    """Makes the links of pages. ``public_url`` is where people reach irpd's HTTP server."""

    def __init__(self, key: bytes, public_url: str) -> None:
        self._key = key
        self._base = public_url.rstrip("/")
        #: Asked for when a page is published, and for each of its links when it is sent.
        self._tokens = lru_cache(4096)(self._token)
        self.codes = Codes(key)

    def token(self, page: Page) -> str:
        """Eleven characters, digits and letters, the same for ever for this page and its person, and for no
        other page, also not for one with the same ``id`` after a restore."""
        return self._tokens(page.name, page.person)

    def _token(self, name: str, person: str) -> str:
        digest = hmac.digest(self._key, f"page\0{name}\0{person}".encode(), hashlib.sha256)
        number = int.from_bytes(digest[:8]) >> 4
        letters = []
        for _ in range(_WIDTH):
            number, rest = divmod(number, 62)
            letters.append(_ALPHABET[rest])
        return "".join(reversed(letters))

    def url(self, page: Page) -> str:
        """Where this page is shown and acknowledged."""
        return f"{self._base}/a/{self.token(page)}"

    def cant_url(self, page: Page) -> str:
        """Where this page is handed on."""
        return f"{self.url(page)}/cant"

    def digits(self, page: Page) -> str:
        """The six digits in a message that asks to confirm an address: who types them has read it."""
        digest = hmac.digest(self._key, f"verify\0{page.name}\0{page.person}".encode(), hashlib.sha256)
        return f"{int.from_bytes(digest[:8]) % 1_000_000:06d}"

    def proof(self, name: str) -> str:
        """32 hexadecimal digits that only who has the message about the page of this name knows."""
        return hmac.digest(self._key, f"answer\0{name}".encode(), hashlib.sha256).hex()[:32]


def load_key(state_dir: Path) -> bytes:
    """The key, from ``link.key`` in the state directory; made there (mode 0600) if absent.

    With systemd it may come as the credential ``link-key`` instead. Permissions that let
    others read it are taken back, loudly: pages must go out, but whoever may have read the
    key can acknowledge in other people's names until the file is removed. Raises
    LinkKeyError when there is no way to a key."""
    credential = _credential()
    if credential is not None:
        return credential
    path = state_dir / KEY_FILE
    try:
        for _ in range(2):
            key = _read(path)
            if key is not None:
                return key
            _create(path)
        raise LinkKeyError(f"{path}: cannot be made; is {state_dir} writable?")
    except OSError as error:
        raise LinkKeyError(f"{path}: {error.strerror}; it must be readable for irpd alone") from error


def _credential() -> bytes | None:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        return None
    try:
        key = (Path(folder) / "link-key").read_bytes().strip()
    except OSError:
        return None
    if len(key) < 16:
        raise LinkKeyError("the credential link-key is too short: at least 16 bytes, better 32 random ones")
    return key


def _read(path: Path) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        if mode & 0o077:
            os.fchmod(descriptor, 0o600)
            log.warning("link_key_was_readable_by_others", file=str(path), mode=oct(mode))
        try:
            key = bytes.fromhex(file.read(1024).decode("ascii").strip())
        except ValueError:
            key = b""
    if len(key) >= 16:
        return key
    # Cut off or overwritten: no link can be checked with it, so nothing is lost by a new one.
    log.error(
        "link_key_was_unusable", file=str(path), answer="a new key was made; links sent before are void"
    )
    path.unlink()
    return None


def _create(path: Path) -> None:
    """Whole or not at all, also when two processes do it at once: the first one's stays."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(_BYTES).encode() + b"\n")
            file.flush()
            os.fsync(descriptor)
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()
