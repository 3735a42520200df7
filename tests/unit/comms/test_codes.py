"""The short codes that people reply with."""

import itertools
from datetime import timedelta

from msgspec.structs import replace

from irpd.comms.codes import _DIGITS, _LETTERS, Codes, written


def pages_of(about, number: int) -> list:
    page = replace(about().page, dated=True)
    return [
        replace(page, id=f"1-{n}", requested_at=page.requested_at + timedelta(seconds=n))
        for n in range(number)
    ]


def test_codes_are_unique_among_a_persons_pages_and_the_same_after_a_restart(about) -> None:
    pages = pages_of(about, 400)
    codes = Codes(b"k" * 32)
    for page in pages:
        codes.note([page])
    given = [codes.code(page) for page in pages]
    assert len(set(given)) == 400
    assert all(2 <= len(code) <= 4 for code in given)
    assert sum(len(code) == 2 for code in given) > 100
    restarted = Codes(b"k" * 32)
    restarted.note(pages[::-1])
    assert [restarted.code(page) for page in pages] == given


def test_a_message_to_an_audience_has_no_code(about) -> None:
    (page,) = pages_of(about, 1)
    codes = Codes(b"k" * 32)
    codes.note([replace(page, person="")])
    assert not codes._page_of


def test_a_code_names_the_page_of_its_person_only(about) -> None:
    (page,) = pages_of(about, 1)
    codes = Codes(b"k" * 32)
    codes.note([page])
    assert codes.page_of("asha", codes.code(page)) == page.id
    assert codes.page_of("ben", codes.code(page)) is None


def test_another_key_gives_other_codes(about) -> None:
    pages = pages_of(about, 20)
    one, other = Codes(b"k" * 32), Codes(b"l" * 32)
    assert [one.code(page) for page in pages] != [other.code(page) for page in pages]


def test_a_code_may_be_used_again_after_a_week_and_then_means_the_newer_page(about) -> None:
    codes = Codes(b"k" * 32)
    old = pages_of(about, 160)
    codes.note(old)
    new = [
        replace(p, id=f"2-{n}", requested_at=p.requested_at + timedelta(days=8)) for n, p in enumerate(old)
    ]
    codes.note(new)
    shared = {codes.code(page) for page in old} & {codes.code(page) for page in new}
    assert shared
    newest = {codes.code(page): page.id for page in new}
    assert all(codes.page_of("asha", code) == newest[code] for code in shared)


def test_who_has_more_pages_in_a_week_than_there_are_short_codes_gets_a_longer_one(about) -> None:
    codes = Codes(b"k" * 32)
    (page,) = pages_of(about, 1)
    for many in (1, 2, 3, 4):
        for letter, *digits in itertools.product(_LETTERS, *[_DIGITS] * many):
            codes._page_of[page.person, letter + "".join(digits)] = "1-9", page.requested_at
    codes.note([page])
    code = codes.code(page)
    assert len(code) == 6
    assert codes.page_of(page.person, code) == page.id
    assert written(f"{code}N") == (code, True)


def test_what_is_no_code_is_none() -> None:
    for text in ("", "hello", "K", "7K", "K7NN", "K7 and more", "O0", "K7" * 30, "\x00K7"):
        assert written(text) is None, text
    assert written("k7n") == ("K7", True)
    assert written(" K 77 ") == ("K77", False)
