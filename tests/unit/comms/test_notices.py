"""The texts of messages to audiences: the protocol's templates line by line, in each language and medium."""

import re
import sys
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from harness.examples import examples
from harness.hostile import HOSTILE
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from irpd.comms.languages import WORDS
from irpd.comms.notices import notice_text, protocol_template, render_notices
from irpd.config.audiences import LANGUAGES, MessageTemplate
from irpd.config.channels import CHANNEL_TYPES
from irpd.config.templates import FIELDS, mistakes
from irpd.config.values import Configuration
from irpd.model.level import Level
from irpd.model.notice import News, Notice, Template
from irpd.model.share import Share
from irpd.model.stage import Stage

GOLDEN = Path(__file__).parent / "golden"
NOW = datetime(2026, 11, 24, 2, 2, 11, tzinfo=UTC)
#: Media that differ, and a type of channel of each.
MEDIA = {
    "plain": "file",
    "html": "smtp",
    "slack": "slack",
    "markdown": "mattermost",
    "text message": "twilio",
}
#: The protocol document's own words; what stands in brackets there is filled.
PROTOCOL = {
    Template.INITIAL: """\
[INCIDENT #ID] - [SEVERITY LEVEL] Incident Reported

Issue: [Brief description of the issue]
Impact: [Systems/services affected and user impact]
Status: Investigation in progress
Workaround: [If available, otherwise "None available at this time"]

Next update expected by: [Time based on severity]
""",
    Template.UPDATE: """\
[INCIDENT #ID] - [SEVERITY LEVEL] Incident Update

Current Status: [Investigation/Containment/Resolution in progress]
Progress: [Summary of actions taken since last update]
Current Impact: [Any changes to affected systems/services]
Estimated Resolution: [Updated time estimate if available]

Next update expected by: [Time based on severity]
""",
    Template.RESOLUTION: """\
[INCIDENT #ID] - [SEVERITY LEVEL] Incident Resolved

Resolution Time: [Date and time]
Root Cause: [Brief explanation of what caused the incident]
Resolution: [Actions taken to resolve the issue]
Impact Duration: [Total time users were affected]
Prevention: [Brief overview of steps being taken to prevent recurrence]

A detailed post-incident report will be available within [timeframe].
""",
}


def configuration() -> Configuration:
    return Configuration.model_validate(
        {
            "version": 1, "unmapped": "a", "fallback": ("emil",), "people": {"emil": {"name": "Emil"}},
            "services": {}, "channels": {}, "notify": {}, "paths": {},
        }
    )  # fmt: skip


def notice(template: Template = Template.INITIAL, **changes: object) -> Notice:
    """The payments of #42 failing, as far as each template tells of it."""
    over = template is Template.RESOLUTION
    made = Notice(
        template=template,
        audience="executives",
        incident=42,
        level=Level.CRITICAL,
        title="Payments failing",
        time_zone="Europe/Berlin",
        services=("Checkout", "Sign-in"),
        share=Share(2400, 120_000, 2400, 120_000, "label"),
        stage=Stage.RECOVERY if over else Stage.CONTAINMENT if template is Template.UPDATE else Stage.TRIAGE,
        impact="" if template is Template.INITIAL else "Cards of two banks can't be charged",
        progress="Failed over to PSP-B; errors fall" if template is Template.UPDATE else "",
        estimated_resolution=NOW + timedelta(hours=1) if template is Template.UPDATE else None,
        next_update=None if over else NOW + timedelta(minutes=30),
        resolved_at=NOW + timedelta(hours=1, minutes=18) if over else None,
        root_cause="The certificate of PSP-A expired" if over else "",
        resolution="Failed over to PSP-B, certificate renewed" if over else "",
        prevention="Expiry is watched 30 days ahead" if over else "",
        impact_from=NOW - timedelta(minutes=4) if over else None,
        impact_to=NOW + timedelta(hours=1, minutes=18) if over else None,
        report_within=3 * 86400.0 if over else 0.0,
    )
    return replace(made, **changes)


def plain(made: Notice, using: Configuration | None = None) -> str:
    text, error = notice_text(using or configuration(), made)
    assert not error
    return text


def shown(template: Template, language: str) -> str:
    """All media of one message, as the golden file has them."""
    made = notice(template, language=language)
    parts = []
    for name, kind in MEDIA.items():
        rendered = render_notices(kind, configuration(), [made])
        parts.append(f"=== {name}: {rendered.subject}\n{rendered.html or rendered.text}".rstrip("\n"))
    return "\n\n".join(parts) + "\n"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", Template)
def test_a_message_is_line_by_line_as_its_golden_file_has_it(template: Template, language: str) -> None:
    golden = (GOLDEN / f"{template.value}.{language}.txt").read_text(encoding="utf-8")
    assert shown(template, language).split("\n") == golden.split("\n")


@pytest.mark.parametrize("template", Template)
def test_the_english_templates_are_the_protocols_word_for_word(template: Template) -> None:
    ours = plain(notice(template)).split("\n")
    theirs = PROTOCOL[template].split("\n")
    assert len(ours) == len(theirs)
    for line, protocol in zip(ours, theirs, strict=True):
        pattern = re.escape(protocol).replace(re.escape("#ID"), "#42")
        pattern = re.sub(r"\\\[(?!INCIDENT).*?\\\](?=(?:\\\.)?$|\\ Incident)", ".+", pattern)
        assert re.fullmatch(pattern, line), (line, protocol)


@pytest.mark.parametrize("audience", ["team", "executives", "customers", "support-desk", "legal"])
@pytest.mark.parametrize("template", Template)
def test_every_audience_is_told_in_the_same_words(template: Template, audience: str) -> None:
    assert plain(notice(template, audience=audience)) == plain(notice(template))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", Template)
def test_each_language_has_its_own_template_with_all_that_the_english_one_says(
    template: Template, language: str
) -> None:
    filled = {
        name for name in FIELDS[template] if f"{{{{ {name} }}}}" in protocol_template(template, language)
    }
    english = {name for name in FIELDS[template] if f"{{{{ {name} }}}}" in protocol_template(template, "en")}
    assert filled == english
    assert mistakes(template, protocol_template(template, language)) == []
    assert set(LANGUAGES) == set(WORDS)


@pytest.mark.parametrize(
    "changes, line",
    [
        ({}, "Workaround: None available at this time"),
        ({"workaround": "Pay by invoice"}, "Workaround: Pay by invoice"),
        ({}, "Next update expected by: 24 Nov 2026, 03:32 (Europe/Berlin)"),
        ({"next_update": None}, "Next update expected by: As soon as there is news"),
        ({"next_update": None, "level": Level.LOW}, "Next update expected by: As needed"),
        ({"time_zone": "Mars/Olympus"}, "Next update expected by: 24 Nov 2026, 02:32 (UTC)"),
        ({}, "Impact: Checkout, Sign-in; 2 % of users (2,400 of 120,000)"),
        ({"share": Share()}, "Impact: Checkout, Sign-in; how many users are affected is not known yet"),
        ({"share": Share(), "impact": "No cards"}, "Impact: Checkout, Sign-in. No cards"),
        ({"share": Share(affected=12)}, "Impact: Checkout, Sign-in; 12 users"),
        ({"share": Share(1, 3, 1, 3)}, "Impact: Checkout, Sign-in; about 33 % of users (1 of 3)"),
        ({"services": tuple(f"s{n}" for n in range(9)), "share": Share(affected=1)},
         "Impact: s0, s1, s2, s3, s4 and 4 more; 1 users"),
        ({"progress": "Rolling back"}, "Status: Investigation in progress. Rolling back"),
        ({"stage": Stage.RESOLUTION}, "Status: Resolution in progress"),
        ({"drill": True}, "[INCIDENT #42] - DRILL CRITICAL Incident Reported"),
        ({"title": ""}, "Issue: -"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_said_in_the_protocols_words(changes: dict[str, object], line: str) -> None:
    assert line in plain(notice(**changes)).split("\n")


@pytest.mark.parametrize(
    "changes, line",
    [
        ({"root_cause": ""}, "Root Cause: Not known yet; it will be in the post-incident report"),
        ({"prevention": "", "report_within": 0.0}, "Prevention: Not known yet"),
        ({"resolution": ""}, "Resolution: Normal operation was restored"),
        ({"resolution": "", "news": News.BY_ITSELF}, "Resolution: The signals that reported it have ended"),
        ({}, "Impact Duration: 1 h 22 min"),
        ({"impact_to": NOW + timedelta(days=2, hours=3)}, "Impact Duration: 2 days 3 h"),
        ({"impact_to": NOW - timedelta(minutes=4)}, "Impact Duration: 0 min"),
        ({"impact_to": None}, "Impact Duration: Not known yet"),
        ({}, "A detailed post-incident report will be available within 3 days."),
    ],
)
def test_the_end_says_what_is_known_of_it(changes: dict[str, object], line: str) -> None:
    assert line in plain(notice(Template.RESOLUTION, **changes)).split("\n")


def test_where_no_report_follows_none_is_promised() -> None:
    assert "report" not in plain(notice(Template.RESOLUTION, report_within=0.0))


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"news": News.REOPENED, "progress": ""}, "Progress: It was reported as resolved and has come back"),
        (
            {"news": News.ABSORBED, "absorbs": (40, 41), "progress": ""},
            "Progress: #40, #41 is handled as part",
        ),
        ({"news": News.ABSORBED, "absorbs": tuple(range(1, 25))}, "#9, #10 and 14 more"),
    ],
)
def test_what_irpd_has_to_say_itself_stands_where_progress_does(
    changes: dict[str, object], says: str
) -> None:
    assert says in plain(notice(Template.UPDATE, **changes))


# ------------------------------------------------------------------ a team's own templates
def own(text: str, **more: str) -> Configuration:
    template = MessageTemplate(template="initial", text=text, **more)  # type: ignore[arg-type]
    return configuration().model_copy(update={"templates": {"ours": template}})


def test_a_teams_own_template_takes_the_place_of_the_protocols() -> None:
    text = "#{{ incident }}"
    assert (
        plain(notice(), own("{{ severity }}: {{ issue }}\n\nSorry.\n"))
        == "CRITICAL: Payments failing\n\nSorry.\n"
    )
    assert notice_text(own(text), notice())[1] == "UndefinedError: 'incident' is undefined"


def test_the_template_that_fits_best_is_used() -> None:
    templates = {
        "all": MessageTemplate(template="initial", text="all"),
        "german": MessageTemplate(template="initial", language="de", text="german"),
        "customers": MessageTemplate(template="initial", audience="customers", text="customers"),
        "others": MessageTemplate(template="update", text="others"),
    }
    using = configuration().model_copy(update={"templates": templates})
    assert plain(notice(), using) == "all\n"
    assert plain(notice(language="de"), using) == "german\n"
    assert plain(notice(language="de", audience="customers"), using) == "customers\n"


def test_a_template_that_cannot_be_filled_gives_way_to_the_protocols_and_names_the_field() -> None:
    rendered = render_notices("smtp", own("{{ isue }}"), [notice()])
    assert rendered.text.startswith("[INCIDENT #42] - CRITICAL Incident Reported\n")
    assert rendered.error == "UndefinedError: 'isue' is undefined"


@pytest.mark.parametrize(
    "text, line, says",
    [
        ("{{ issue }}\n{{ isue }}", 2, "isue is nothing that a message has"),
        ("{{ issue", 1, "unexpected end of template"),
        ("{% if issue %}\n{{ root_cause }}\n{% endif %}", 2, "root_cause is nothing that a message has"),
        ("ok\n{{ issue.__class__.__mro__ }}", 2, "SecurityError"),
        ("{% if not issue %}x{% endif %}", 1, "nothing is left"),
        ("{% for x in range(1000000) %}{% endfor %}", 1, "OverflowError"),
    ],
)
def test_a_broken_template_is_found_with_its_line_before_it_is_needed(
    text: str, line: int, says: str
) -> None:
    found = mistakes(Template.INITIAL, text)
    assert [at for at, _ in found] == [line]
    assert says in found[0][1]


@pytest.mark.parametrize(
    "text", ["{{ issue }}", "{% for x in 'ab' %}{{ x }}{% endfor %}", "{% set a = issue %}{{ a }}"]
)
def test_a_sound_template_has_no_mistakes(text: str) -> None:
    assert mistakes(Template.INITIAL, text) == []


# ------------------------------------------------------------------ several in one message
def test_several_incidents_come_in_one_message_each_as_its_template_has_it() -> None:
    first, second = notice(), notice(incident=43, level=Level.HIGH, title="Sign-in slow")
    rendered = render_notices("smtp", configuration(), [first, second])
    assert rendered.subject == "2 incidents: #42, #43"
    assert plain(first) in rendered.text
    assert plain(second) in rendered.text
    assert rendered.html.count("<h1") == 2


# ------------------------------------------------------------------ texts written to do harm
class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)


TEXTS = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            ["<!channel>", "{{ 7*7 }}", "\r\nBcc: x@example.com", "@all", "**", "Root Cause: no\n"]
        )
    ).map("".join),
)


@settings(max_examples=examples(60), deadline=None)
@given(
    title=TEXTS,
    said=TEXTS,
    template=st.sampled_from(list(Template)),
    kind=st.sampled_from(sorted(CHANNEL_TYPES)),
    language=st.sampled_from(LANGUAGES),
)
def test_no_text_of_others_is_anything_but_text_in_any_medium(
    title: str, said: str, template: Template, kind: str, language: str
) -> None:
    made = notice(
        template, title=title, services=(title, said), impact=said, workaround=said, progress=said,
        root_cause=said, resolution=title, prevention=said, language=language,
    )  # fmt: skip
    rendered = render_notices(kind, configuration(), [made])
    assert not rendered.error
    assert not re.search("[\r\n\x00-\x1f]", rendered.subject)
    assert len(rendered.subject) <= 200
    harmless_lines = len(protocol_template(template, language).strip().split("\n"))
    assert rendered.text.count("\n") <= harmless_lines + 1  # no value adds a line
    assert "7*7" in rendered.text or "49" not in rendered.text.replace("2026", "")
    match kind:
        case "slack":
            assert not re.search(r"<[!@#h]", rendered.text)
            assert "<" not in rendered.text
        case "mattermost" | "teams":
            assert not re.search(r"(?<!\\)@[a-z]", rendered.text)
        case "smtp":
            tags = Tags()
            tags.feed(rendered.html)
            assert tags.tags <= {"html", "head", "meta", "body", "h1", "p", "br", "strong"}


def write() -> None:
    """Make the golden files anew: python -m tests.unit.comms.test_notices"""
    GOLDEN.mkdir(exist_ok=True)
    for template in Template:
        for language in LANGUAGES:
            (GOLDEN / f"{template.value}.{language}.txt").write_text(
                shown(template, language), encoding="utf-8"
            )


if __name__ == "__main__":
    sys.exit(write())
