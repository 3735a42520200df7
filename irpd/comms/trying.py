"""Messages that only ask whether they arrive: tests, and those that confirm an address."""

from irpd.comms.story import Subject, When, person_name
from irpd.model.contact import VERIFY


def confirms(subject: Subject) -> bool:
    """Whether it asks to confirm an address."""
    return subject.page.reason == VERIFY


def title_of(subject: Subject) -> str:
    """``Test page for Asha Rao``."""
    name = person_name(subject.configuration, subject.page.person)
    if confirms(subject):
        return f"Confirm that pages reach {name} here"
    return f"Test before a shift of {name}" if subject.page.shift else f"Test page for {name}"


def sentence_of(subject: Subject) -> str:
    """What to do, or that there is nothing to."""
    if (shift := subject.page.shift) is not None:
        when = When(subject).short(shift.begins)
        begins = f"Your shift on {shift.schedule} begins {when}."
        return f"Nothing is wrong. {begins} Press to show that this arrives."
    if not confirms(subject):
        return "Nothing is wrong."
    typed = f" Or type: irpd page confirm {subject.digits}" if subject.digits else ""
    return f"irpd pages you by this. Press to confirm.{typed}"
