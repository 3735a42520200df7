"""What a call says: level, service, title, and which key does what. Sentences without any markup."""

from irpd.comms import clean
from irpd.comms.shifts import shift_said
from irpd.comms.story import Subject, person_name, tell
from irpd.comms.trying import confirms
from irpd.model.page import PageKind

KEYS = "Press 1 if you have it. Press 2 if you can't. Press 9 to hear this again."
_SPOKEN = str.maketrans({"#": " ", "_": " ", "/": " ", "<": " ", ">": " ", "&": " and ", "%": " percent"})


def voice_text(subject: Subject) -> str:
    """About half a minute of speech, as the incident stands now; the keys are not in it."""
    name = person_name(subject.configuration, subject.page.person)
    if subject.page.kind == PageKind.TEST:
        if confirms(subject):
            return spoken(f"This is I R P D. Press 1 to confirm that calls reach {name}.")
        return spoken(f"This is a test call from I R P D to {name}. Nothing is wrong.")
    if subject.page.kind == PageKind.SHIFT:
        return spoken(shift_said(subject).lines[0])
    story = tell(subject)
    severity = story.severity.lower().replace("drill ", "")
    drill = "This is a drill. " if story.severity.startswith("DRILL ") else ""
    parts = [
        f"{drill}This is I R P D. Incident {story.ref}, {severity}",
        f"Service {story.service}" if story.service else "",
        clean.cut(story.title, 160),
        f"Since {story.since_short}" if story.asks or not story.has_it else "",
        story.has_it,
        clean.cut(story.news, 200),
        story.remark,
    ]
    return spoken(". ".join(part.rstrip(".") for part in parts if part) + ".")


def spoken(text: str) -> str:
    """One line that says only words: no character that a machine would read as a sign or as markup."""
    return clean.line(text.translate(_SPOKEN), 700)
