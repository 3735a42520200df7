"""How many users a report says are affected, exactly as it was written.

``affected_users`` is a count (``2400``; ``1.2e+06`` too, which is how Go writes a large
value into a template), ``affected_share`` a share of all users (``0.42`` or ``42%``).
What is neither is ignored and said in a remark: a wrong number must not move a level.
"""

import re
from fractions import Fraction

from irpd.model.share import Impact

#: Bounded on purpose: ``1e999999999`` is valid notation and would take hours to multiply out.
_NUMBER = re.compile(r"\+?(\d{1,30}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE]([+-]?\d{1,2}))?", re.ASCII)
_MOST = 10**12
NONE = Impact()


def number(text: str) -> Fraction | None:
    """A decimal number, not negative, as an exact fraction; None for anything else."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    return Fraction(match[1]) * Fraction(10) ** int(match[2] or 0)


def read_count(text: str) -> int | None:
    value = number(text.strip())
    if value is None or value.denominator != 1 or value > _MOST:
        return None
    return value.numerator


def read_share(text: str) -> str | None:
    """An exact share 0 to 1 as ``n/d``; None for anything else."""
    text = text.strip()
    percent = text.endswith("%")
    value = number(text[:-1].rstrip() if percent else text)
    if value is None:
        return None
    if percent:
        value /= 100
    return f"{value.numerator}/{value.denominator}" if value <= 1 else None


def impact_of(users: str, share: str, *, users_name: str, share_name: str, method: str) -> tuple[Impact, str]:
    """The impact in two texts ("" for what is not there), and a remark on what was ignored."""
    count = fraction = None
    remarks = []
    if users:
        count = read_count(users)
        if count is None:
            remarks.append(f"{users_name} {users[:60]!r} ignored: not a count of users")
    if share:
        fraction = read_share(share)
        if fraction is None:
            remarks.append(f"{share_name} {share[:60]!r} ignored: not a share such as 0.42 or 42%")
    if count is None and fraction is None:
        return NONE, "; ".join(remarks)
    return Impact(affected=count, share=fraction, method=method), "; ".join(remarks)
