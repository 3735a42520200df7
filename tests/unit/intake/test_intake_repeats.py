"""The memory of bodies is bounded."""

from irpd.engine.ports import Normalised
from irpd.intake.repeats import Repeats


def said(n: int) -> Normalised:
    return Normalised(signals=(), accepted=n)


def test_the_body_not_seen_for_longest_is_forgotten_first() -> None:
    repeats = Repeats(budget=100)
    bodies = [bytes([65 + n]) * 12 for n in range(9)]
    for n, body in enumerate(bodies[:8]):
        repeats.add(body, said(n))
    assert repeats.get(bodies[0]) == said(0)  # seen again: now the newest
    repeats.add(bodies[8], said(8))
    assert repeats.get(bodies[1]) is None
    assert repeats.get(bodies[0]) == said(0)
    assert repeats.get(bodies[8]) == said(8)
    assert len(repeats) == 8


def test_a_body_too_large_to_keep_is_not_kept() -> None:
    repeats = Repeats(budget=100)
    repeats.add(b"x" * 13, said(1))
    assert len(repeats) == 0


def test_the_same_body_twice_counts_once() -> None:
    repeats = Repeats(budget=100)
    for _ in range(50):
        repeats.add(b"x" * 12, said(1))
    repeats.add(b"y" * 12, said(2))
    assert repeats.get(b"x" * 12) == said(1)
    assert len(repeats) == 2
