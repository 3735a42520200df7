"""Messages that only ask whether they arrive: tests, and those that confirm an address."""

from irpd.comms.story import Subject, person_name
from irpd.model.contact import VERIFY


def confirms(subject: Subject) -> bool:
    """Whether it asks to confirm an address."""
    return subject.page.reason == VERIFY


def title_of(subject: Subject) -> str:
    """``Test page for Asha Rao``."""
    name = person_name(subject.configuration, subject.page.person)
    return f"Confirm that pages reach {name} here" if confirms(subject) else f"Test page for {name}"


def sentence_of(subject: Subject) -> str:
    """What to do, or that there is nothing to."""
    if not confirms(subject):
        return "Nothing is wrong."
    typed = f" Or type: irpd page confirm {subject.digits}" if subject.digits else ""
    return f"irpd pages you by this. Press to confirm.{typed}"
