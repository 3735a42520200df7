"""What a lock screen shows: the first two lines of every message of every channel, on a phone 360 px wide."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from harness.examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from irpd.channels import twiml
from irpd.comms import clean, gsm
from irpd.comms.several import several
from irpd.comms.story import Subject, tell
from irpd.comms.texts import Rendered, render
from irpd.model.contact import VERIFY
from irpd.model.incident import RunState, State
from irpd.model.level import Level
from irpd.model.page import PageKind
from irpd.model.shift import ShiftWord

NOW = datetime(2026, 11, 24, 2, 2, 11, 482_000, tzinfo=UTC)
WIDTH = 45
PUSHED = ("ntfy", "pushover", "apprise")
CHANNELS = ("twilio", *PUSHED, "telegram", "slack", "mattermost", "teams", "smtp", "html")
TITLES = {
    "short": "Payments failing",
    "long": "HighErrorRate: checkout-api p99 latency above 2s for 10m in eu-west-1 since deploy 1182",
    "endless": "x" * 100_000,
    "one word as long as a line": "PaymentErrors_checkout-api_5xx_ratio_above_5_percent",
    "right to left": "الدفع فشل في المتجر منذ دقائق وهذا نص طويل جدا",
    "right to left, digits": "12 שגיאות 500 בתשלום 34",
    "wide": "支付失败，请立即处理，用户无法下单，支付网关超时",
    "four bytes": "𠮷野家𠮷野家𠮷野家𠮷野家𠮷野家𠮷野家",
    "emoji": "💥" * 60,
    "joined emoji": "👩\u200d🚒" * 30 + "⚠️" * 30,
    "combining": "e\u0301" * 120,
    "markup": "*a* `b` <!channel> [c](https://evil.example) & @all _d_ ~e~ \\ #x > y",
    "lines": "first\nsecond\r\nthird",
    "empty": "",
}
TAKEN = {
    "state": State.ACKNOWLEDGED,
    "acknowledged_at": NOW + timedelta(minutes=3),
    "acknowledged_by": ("asha",),
}
OVER = {"state": State.RESOLVED, "resolved_at": NOW + timedelta(minutes=68), "resolved_by": "chi"}
NEWS = "Another signal joined: pay-3 (42.3)."
STALE = (
    "You have it and nothing was done about it for 1h. A note or I have it once more keeps it yours; "
    "else paging goes on in 10m."
)
#: Page, incident, and what stands there of what to press.
KINDS: dict[str, tuple[dict[str, object], dict[str, object], str]] = {
    "page": ({}, {}, "I have it"),
    "second round": ({"reason": "round", "step": 4}, {}, "I have it"),
    "everyone": ({"reason": "everyone", "next_person": "everyone"}, {}, "I have it"),
    "nobody else": ({"reason": "fallback", "next_person": "", "next_at": None}, {}, "I have it"),
    "level rose": ({"reason": "level-rise"}, {}, "I have it"),
    "late": ({}, {"respond_by": NOW - timedelta(minutes=1)}, "I have it"),
    "level 3": ({}, {"level": Level.MEDIUM}, "I have it"),
    "drill": ({}, {"drill": True}, "I have it"),
    "storm": ({}, {"title": "Storm: 10 incidents within 5m, such as Payments failing"}, "I have it"),
    "signals resolved": ({}, {"firing": 0}, "I have it"),
    "evidence": ({"reason": "evidence", "text": "Evidence asks for level 1", "path": ""}, TAKEN, "I have it"),
    "grown stale": ({"reason": "stale", "text": STALE, "path": ""}, TAKEN, "I have it"),
    "role": ({"reason": "role", "asks": "role:commander", "text": "Do you lead it?"}, TAKEN, "I have it"),
    "help": ({"reason": "help", "asks": "help:2", "text": "Ben asks: who knows it?"}, TAKEN, "I have it"),
    "help, quietly": (
        {"reason": "help", "asks": "help:2", "text": "Ben asks: who knows it?", "kind": PageKind.QUIET},
        {"level": Level.LOW},
        "I have it",
    ),
    "missed update": ({"reason": "update-missed", "asks": "update", "text": "overdue"}, TAKEN, "I have it"),
    "audience": ({"reason": "audience", "asks": "audience:legal", "text": "to know"}, TAKEN, "I have it"),
    "quiet": ({"kind": PageKind.QUIET}, {"level": Level.LOW}, "Open"),
    "update": ({"kind": PageKind.UPDATE, "text": NEWS}, {}, "Another signal"),
    "update of mine": ({"kind": PageKind.UPDATE, "text": NEWS}, TAKEN, "Another signal"),
    "update without news": ({"kind": PageKind.UPDATE}, {}, "news"),
    "taken": ({"live": False}, TAKEN | {"acknowledged_by": ("chi",)}, "Chi Okafor has it"),
    "over": ({"kind": PageKind.UPDATE, "reason": "over", "text": "Over: resolved."}, OVER, "Nothing to do"),
    "merged": ({"live": False}, {"state": State.MERGED, "merged_into": 41}, "Nothing to do"),
}
#: Requested after the acknowledgement that it is not answered by.
AFTER = {"requested_at": NOW + timedelta(hours=1)}


def subject_of(about, kind: str, *, code: bool = True, **incident: object) -> Subject:
    page, changes, _ = KINDS[kind]
    if kind in ("evidence", "grown stale"):
        page = page | AFTER
    return replace(about(page=page, incident=changes | incident), code="K7" if code else "")


# ---------------------------------------------------------------- a phone
class Words(HTMLParser):
    """The text of a mail's HTML: a line for each block."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = [""]
        self._in = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in = self._in or tag == "body"
        if tag in ("p", "div", "br", "tr", "h1") and self.lines[-1]:
            self.lines.append("")

    def handle_data(self, data: str) -> None:
        if self._in:
            self.lines[-1] += " ".join(data.split()) + " " if data.strip() else ""


def message(kind: str, rendered: Rendered) -> list[str]:
    """The lines that the phone is given, without what its program takes for markup."""
    match kind:
        case one if one in PUSHED:
            return [rendered.subject, *rendered.text.splitlines()]
        case "slack":
            section = rendered.fields["blocks"][0]["text"]["text"]
            assert section.replace("*", "").startswith(rendered.text.replace("*", "")), "on the lock screen"
            text = re.sub(r":[a-z_]+:", "🔴", section)
            for sign, plain in (("*", ""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
                text = text.replace(sign, plain)
            return text.splitlines()
        case "mattermost" | "teams":
            lines = rendered.text.splitlines()
            if kind == "mattermost":
                lines[0] = lines[0].removeprefix("**").removesuffix("**")
            return [re.sub(r"\\(.)", r"\1", line.replace("\u200c", "")) for line in lines]
        case "html":
            words = Words()
            words.feed(rendered.html)
            return [line.strip() for line in words.lines if line.strip()]
        case _:
            return rendered.text.splitlines()


def wrapped(lines: list[str]) -> Iterator[str]:
    """The lines of the screen: words go to the next where they don't fit, and longer ones are broken."""
    for line in lines:
        shown = ""
        for word in line.split(" "):
            if shown and clean.columns(f"{shown} {word}") > WIDTH:
                yield shown
                shown = word
            else:
                shown = f"{shown} {word}" if shown else word
            while clean.columns(shown) > WIDTH:
                kept = next(n for n in range(len(shown), 0, -1) if clean.columns(shown[:n]) <= WIDTH)
                yield shown[:kept]
                shown = shown[kept:]
        yield shown


def two_lines(kind: str, rendered: Rendered) -> str:
    assert not rendered.error
    return "\n".join([line for _, line in zip(range(2), wrapped(message(kind, rendered)), strict=False)])


def of_channel(kind: str, subject: Subject) -> Rendered:
    return render("smtp" if kind == "html" else kind, subject)


def says(kind: str, seen: str, subject: Subject, press: str, *, least: int = 16) -> None:
    """The four: what is wrong, how bad, since when, what to press."""
    incident = subject.incident
    assert incident is not None
    flat = seen.replace("\n", " ")
    if kind == "twilio" and not incident.state.active:
        assert f"#{incident.number}" in flat
        assert "Nothing to do" in flat
        return
    assert incident.level.name in flat
    assert ("DRILL" in flat) == incident.drill
    title = clean.line(incident.title, 200) or "(no title)"
    if kind == "twilio":
        title = gsm.plain(title)
    elif kind == "slack":
        title = title.translate({ord("*"): "∗", ord("`"): "ˋ", ord("~"): "∼"})
    elif kind == "mattermost":
        title = title.replace("\u200c", "")
    beginning = title
    if clean.columns(title) > least:
        beginning = clean.cut_columns(title, least).removesuffix("…")
    assert squeezed(beginning).rstrip(".") in squeezed(seen), "what is wrong"
    if incident.state.active and press != "Chi Okafor has it":
        assert f"ince {tell(subject).since_clock}" in flat, "since when"
    if kind == "twilio" and press == "I have it":
        assert ("Reply K7" if subject.code else "Press the link") in flat, "what to press"
    elif kind != "twilio" or press != "Open":
        assert press in flat, "what to press"


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


# ---------------------------------------------------------------- one page
@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("kind", KINDS)
def test_two_lines_say_what_how_bad_since_when_and_what_to_press(about, kind: str, channel: str) -> None:
    for code in (True, False):
        subject = subject_of(about, kind, code=code)
        says(channel, two_lines(channel, of_channel(channel, subject)), subject, KINDS[kind][2])


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("title", TITLES)
def test_whatever_the_title_is_two_lines_say_all_of_it(about, title: str, channel: str) -> None:
    for kind in ("page", "drill", "quiet", "update", "grown stale", "over"):
        subject = subject_of(about, kind, title=TITLES[title])
        rendered = of_channel(channel, subject)
        says(channel, two_lines(channel, rendered), subject, KINDS[kind][2])
        if channel == "twilio":
            assert gsm.length(rendered.text) <= 160
        else:
            whole = "".join(message(channel, rendered))
            if channel == "slack":
                whole = whole.translate({ord("∗"): "*", ord("ˋ"): "`", ord("∼"): "~"})
            shown = squeezed(clean.line(TITLES[title], 200)).replace("*", "").replace("\u200c", "")
            assert shown in squeezed(whole).replace("*", ""), "what was cut above stands whole below"


@settings(max_examples=examples(30))
@given(
    kind=st.sampled_from(sorted(KINDS)),
    title=st.text(max_size=120),
    number=st.integers(1, 9_999_999),
    level=st.sampled_from(list(Level)),
    drill=st.booleans(),
    services=st.lists(st.sampled_from(["checkout", "payment-gateway-europe-west-1", "gone"]), max_size=5),
    began=st.integers(0, 400 * 86_400),
    person=st.sampled_from(["asha", "chi", "utc", "far", "lost"]),
    code=st.booleans(),
)
def test_for_whoever_and_whenever_the_first_two_lines_fit(
    about, kind: str, title: str, number: int, level: Level, drill: bool, services: list[str], began: int,
    person: str, code: bool,
) -> None:  # fmt: skip
    subject = subject_of(
        about, kind, code=code, title=title, number=number, level=level, drill=drill,
        services=tuple(dict.fromkeys(services)), opened_at=NOW - timedelta(seconds=began),
    )  # fmt: skip
    page, configuration = replace(subject.page, person=person), subject.configuration
    far = configuration.people["asha"].model_copy(update={"time_zone": "America/Argentina/ComodRivadavia"})
    configuration = configuration.model_copy(update={"people": {**configuration.people, "far": far}})
    subject = replace(subject, page=page, configuration=configuration)
    for channel in CHANNELS:
        press = KINDS[kind][2]
        if press == "Another signal":
            press = "Another"
        elif press == "Chi Okafor has it" and person == "chi":
            press = "has it"
        says(channel, two_lines(channel, of_channel(channel, subject)), subject, press, least=8)


def test_words_in_another_direction_are_never_followed_by_a_number_in_their_line(about) -> None:
    """A number beside words from right to left is shown on their other side."""
    for title in (TITLES["right to left"], "فشل"):
        for kind in KINDS:
            subject = subject_of(about, kind, title=title)
            for channel in CHANNELS:
                for line in message(channel, of_channel(channel, subject)):
                    after = line.rpartition(title)[2] if title in line else ""
                    assert re.match(r"[^\w<]*\d", after) is None, (kind, channel, line)


# ---------------------------------------------------------------- several, tests, calls
@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("title", TITLES)
@pytest.mark.parametrize("count", [2, 30])
def test_a_message_about_several_pages_says_it_of_the_most_severe(
    about, channel: str, title: str, count: int
) -> None:
    drill = count == 2
    subjects = [subject_of(about, "page", title=TITLES[title], number=1_234_567, drill=drill)] + [
        subject_of(about, "page", number=n, opened_at=NOW + timedelta(minutes=1)) for n in range(1, count)
    ]
    seen = two_lines(channel, several("smtp" if channel == "html" else channel, subjects))
    press = {"twilio": "I have it", "html": "Press each"}.get(channel, "I have it at each")
    says(channel, seen.replace("Reply a code", "Reply K7"), subjects[0], press, least=8)
    assert f"{count} pages" in seen.replace("\n", " ")


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_test_page_says_that_nothing_is_wrong_and_what_to_press(about, channel: str) -> None:
    page = {"kind": PageKind.TEST, "incident": 0}
    subject = replace(about(page=page), incident=None, members=(), code="K7")
    kind = "smtp" if channel == "html" else channel
    rendered = render(kind, subject)
    seen = two_lines(kind, rendered).replace("\n", " ")
    assert "est page" in seen
    assert "Nothing is wrong" in seen
    buttons = str(rendered.fields.get("blocks", "")) if channel == "slack" else ""
    assert re.search(r"I have it|t reached me|Reply K7", seen + buttons)


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_says_how_bad_what_and_since_when_and_then_the_keys(about, kind: str) -> None:
    subject = subject_of(about, kind)
    text = render("voice", subject).text
    incident = subject.incident
    assert incident is not None
    order = [f"Incident {incident.number}, {incident.level.severity}", "Checkout", incident.title.split()[0]]
    if KINDS[kind][2] == "I have it":
        order.append("Since 03:02")
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    said = twiml.call(text, "https://irpd.example.com/keys")
    assert said.index("Press 1 if you have it") > said.index(order[-1])
    assert text.startswith("This is a drill.") == incident.drill


@pytest.mark.parametrize("channel", [one for one in CHANNELS if one != "html"])
@pytest.mark.parametrize("begun", [False, True], ids=["begins", "began"])
def test_a_word_before_a_shift_says_from_when_and_for_what_in_two_lines(
    about, channel: str, begun: bool
) -> None:
    begins = NOW + timedelta(hours=-1 if begun else 1)
    word = ShiftWord(schedule="first-responder", begins=begins, ends=begins + timedelta(days=7), after="chi")
    page = {"kind": PageKind.SHIFT, "incident": 0, "shift": word}
    subject = replace(about(page=page), incident=None, members=())
    seen = two_lines(channel, render(channel, subject)).replace("\n", " ")
    assert "first-responder" in seen
    assert ("02:02" if begun else "04:02") in seen


@pytest.mark.parametrize("channel", [one for one in CHANNELS if one != "html"])
def test_a_message_that_confirms_an_address_says_what_to_do_in_two_lines(about, channel: str) -> None:
    page = {"kind": PageKind.TEST, "incident": 0, "reason": VERIFY}
    subject = replace(about(page=page), incident=None, members=(), code="K7")
    seen = two_lines(channel, render(channel, subject)).replace("\n", " ")
    assert re.search(r"[Cc]onfirm", seen)
    assert "irpd" in seen


@pytest.mark.parametrize(
    "asks, says",
    [
        ("role:commander", "Do you take it? Press I have it."),
        ("help:2", "See to it? Press I have it."),
        ("update", "See to it? Press I have it."),
        ("audience:legal", "To know of: press I have it."),
    ],
)
def test_what_asks_for_something_else_says_for_what(about, asks: str, says: str) -> None:
    assert says in render("ntfy", about(page={"asks": asks, "path": ""}, incident=TAKEN)).text
    assert "overdue" not in render("twilio", about(page={"asks": "audience:legal"})).text


# ---------------------------------------------------------------- what is asked of whom
@pytest.mark.parametrize("kind", ["evidence", "grown stale"])
@pytest.mark.parametrize("channel", ["ntfy", "pushover", "telegram", "mattermost"])
def test_who_has_it_is_woken_by_what_is_asked_after_it(about, kind: str, channel: str) -> None:
    rendered = render(channel, subject_of(about, kind))
    assert rendered.fields["asks"] is True
    assert rendered.fields["over"] is False
    assert rendered.fields["urgency"] == 4


def test_a_page_of_a_path_that_goes_on_beside_asks_though_somebody_has_the_incident(about) -> None:
    assert tell(about(incident=TAKEN)).asks
    run = about().incident.paths[0]
    stopped = TAKEN | {"paths": (replace(run, state=RunState.STOPPED),)}
    assert not tell(about(incident=stopped)).asks
    assert not tell(about(page={"live": False})).asks


@pytest.mark.parametrize("channel", [*CHANNELS, "voice", "file"])
@pytest.mark.parametrize("level", [Level.MEDIUM, Level.LOW])
def test_what_ends_by_itself_asks_nobody_to_confirm(about, channel: str, level: Level) -> None:
    for kind in ("page", "quiet", "update"):
        rendered = of_channel(channel, subject_of(about, kind, level=level, firing=0))
        assert "onfirm" not in rendered.text + rendered.html + str(rendered.fields.get("blocks", ""))
        if channel != "twilio":
            assert "ends by itself" in "".join(message(channel, rendered))


def test_only_a_page_that_asks_names_the_next_one(about) -> None:
    for kind in KINDS:
        subject = subject_of(about, kind)
        asks = tell(subject).asks
        for channel in (*CHANNELS, "file"):
            rendered = of_channel(channel, subject)
            whole = rendered.text + rendered.html + str(rendered.fields.get("blocks", ""))
            assert ("If you don't" in whole or "Next if nobody" in whole) <= asks, (kind, channel)


# ---------------------------------------------------------------- columns
@pytest.mark.parametrize(
    "text, wide",
    [
        ("abc", 3),
        ("支付", 4),
        ("💥", 2),
        ("⚠️", 2),
        ("e\u0301", 1),
        ("\u200d", 0),
        ("𠮷", 2),
        ("ﻻ", 1),
        ("", 0),
    ],
)
def test_columns_are_as_wide_as_what_is_seen(text: str, wide: int) -> None:
    assert clean.columns(text) == wide


@given(st.text(), st.integers(1, 50))
def test_what_is_cut_to_columns_fits_and_shows_it(text: str, limit: int) -> None:
    shown = clean.cut_columns(text, limit)
    assert clean.columns(shown) <= limit
    assert shown == text or shown.endswith("…")
