"""Bodies as differences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irpd.journal import delta


@given(prefix=st.binary(), a=st.binary(), b=st.binary(), suffix=st.binary())
def test_a_body_comes_back_byte_for_byte(prefix: bytes, a: bytes, b: bytes, suffix: bytes) -> None:
    base, body = prefix + a + suffix, prefix + b + suffix
    kept = delta.difference(base, body)
    if kept is not None:
        assert delta.restored(base, kept) == body
        # What is kept is the middle (of which some may still be shared) and two short lengths.
        assert len(kept) <= len(b) + 4


@given(base=st.text("ab", max_size=40), body=st.text("ab", max_size=40))
def test_overlapping_ends_are_counted_once(base: str, body: str) -> None:
    kept = delta.difference(base.encode(), body.encode())
    if kept is not None:
        assert delta.restored(base.encode(), kept) == body.encode()


@given(body=st.binary())
def test_the_same_body_again_takes_a_few_bytes(body: bytes) -> None:
    kept = delta.difference(body, body)
    assert kept is not None
    assert len(kept) <= 3
    assert delta.restored(body, kept) == body


def test_a_change_of_one_word_in_a_large_body_takes_that_word() -> None:
    base = b"a" * 100_000 + b"first notification" + b"z" * 100_000
    body = b"a" * 100_000 + b"repeat interval elapsed" + b"z" * 100_000
    kept = delta.difference(base, body)
    assert kept is not None
    assert len(kept) <= len(b"repeat interval elapsed") + 6
    assert delta.restored(base, kept) == body


def test_a_body_that_has_little_in_common_is_no_difference() -> None:
    assert delta.difference(b"aaaaaaaa", b"bbbbbbbb") is None
    assert delta.difference(b"", b"x") is None
    assert delta.difference(b"x", b"") == b"\x00\x00"


@pytest.mark.parametrize("kept", [b"", b"\x80", b"\x05", b"\x7f\x7f", b"\xff" * 12 + b"\x01"])
def test_what_is_no_difference_to_this_body_is_refused(kept: bytes) -> None:
    with pytest.raises(ValueError, match="difference"):
        delta.restored(b"0123456789", kept)
