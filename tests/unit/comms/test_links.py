"""The links and the key they are made with."""

import os
import stat
import string
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irpd.comms.links import KEY_FILE, LinkKeyError, Links, load_key
from irpd.model.page import Page, PageKind

KEY = b"k" * 32
AT = datetime(2026, 11, 24, 2, 2, 11, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


def page(id: str = "42-3", person: str = "asha", *, dated: bool = True, at: datetime = AT) -> Page:
    return Page(
        id=id, incident=42, person=person, kind=PageKind.PAGE, reason="step", requested_at=at, expires_at=at,
        sends=(), dated=dated,
    )  # fmt: skip


@given(name=st.text(max_size=20), person=st.text(max_size=20))
def test_a_token_is_eleven_letters_and_digits(name: str, person: str) -> None:
    token = Links(KEY, "").token(
        page(name.encode(errors="replace").decode(), person.encode(errors="replace").decode())
    )
    assert len(token) == 11
    assert set(token) <= set(string.ascii_letters + string.digits)


def test_a_token_is_the_same_for_ever_and_another_for_each_page_person_and_key() -> None:
    links = Links(KEY, "https://irpd.example.com")
    token = links.token(page())
    assert token == Links(KEY, "https://elsewhere").token(page()) == "0XIsTjtqJpk"
    others = {
        links.token(page("42-4")),
        links.token(page(person="ben")),
        Links(b"x" * 32, "").token(page()),
    }
    assert token not in others
    assert len(others) == 3


def test_a_page_with_the_number_of_one_that_a_restore_removed_has_another_token() -> None:
    links = Links(KEY, "")
    assert links.token(page()) != links.token(page(at=AT + timedelta(microseconds=1)))


def test_a_page_of_a_version_that_named_pages_by_number_keeps_its_token() -> None:
    assert Links(KEY, "").token(page(dated=False)) == "1Fh57FbRzWZ"


def test_page_and_person_cannot_run_into_each_other() -> None:
    links = Links(KEY, "")
    assert links.token(page("42-31", "0x", dated=False)) != links.token(page("42-3", "10x", dated=False))


def test_a_public_url_may_end_in_a_slash_and_have_a_path() -> None:
    assert Links(KEY, "https://example.com/irpd/")._base == "https://example.com/irpd"


def test_the_key_is_made_once_and_readable_for_its_owner_alone(tmp_path: Path) -> None:
    key = load_key(tmp_path / "new")
    path = tmp_path / "new" / KEY_FILE
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_key(tmp_path / "new") == key
    assert [entry.name for entry in (tmp_path / "new").iterdir()] == [KEY_FILE]


def test_two_who_begin_at_once_have_the_same_key(tmp_path: Path) -> None:
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(load_key(tmp_path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_permissions_that_let_others_read_it_are_taken_back(tmp_path: Path) -> None:
    key = load_key(tmp_path)
    os.chmod(tmp_path / KEY_FILE, 0o644)
    assert load_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"abcd\n", b"not hex at all, not hex at all, no\n", b"\xff" * 64])
def test_a_key_that_is_none_is_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / KEY_FILE).write_bytes(content)
    key = load_key(tmp_path)
    assert len(key) == 32
    assert load_key(tmp_path) == key


def test_a_key_that_cannot_be_had_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).mkdir()
    with pytest.raises(LinkKeyError, match=KEY_FILE):
        load_key(tmp_path)


def test_the_key_may_come_as_a_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link-key").write_bytes(b"0123456789abcdef0123456789abcdef\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert load_key(tmp_path / "state") == b"0123456789abcdef0123456789abcdef"
    assert not (tmp_path / "state").exists()
    (tmp_path / "link-key").write_bytes(b"short")
    with pytest.raises(LinkKeyError, match="too short"):
        load_key(tmp_path / "state")
