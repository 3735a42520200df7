"""Reports as documents: what people wrote and what the timeline knows, every figure with its event."""

import re
from collections.abc import Sequence
from datetime import timedelta

from harness.house import House, alert
from hypothesis import given, settings
from hypothesis import strategies as st

from irpd.engine.ports import Fact
from irpd.model import command as c
from irpd.model import event as e
from irpd.review import Document, report_html, report_markdown, report_on

PEOPLE = {"asha": "Asha Rao", "chi": "Chi Okafor", "ben": "Ben Ito"}


def worked(title: str = "Payments failing", text: str = "an expired certificate") -> House:
    """An incident from its first alert to its action items, all of it said in ``text``."""
    house = House()
    house.report(alert("a", want=1, title=title, affected=420))
    house.forward("3m")
    house.ack()
    house.do(c.SetLevel(incident=1, by="chi", level=1, because=text))
    house.do(c.SetFacts(incident=1, by="chi", texts={"root-cause": text, "scope": text, "resolution": text}))
    house.do(c.SetFacts(incident=1, by="chi", times={"impact-from": house.now - timedelta(minutes=10)}))
    house.do(c.TakeAction(incident=1, by="asha", text=text, result=text))
    house.do(c.MakeDecision(incident=1, by="chi", text=text, because=text))
    house.do(c.Note(incident=1, by="asha", text=text))
    house.forward("57m")
    house.do(c.Resolve(incident=1, by="chi", because=text))
    house.forward("31m")
    house.do(
        c.AddActionItem(
            incident=1,
            by="chi",
            text=text,
            kind="preventive",
            owner="ben",
            due_at=house.now + timedelta(days=9),
        )
    )
    return house


def facts_of(house: House) -> Sequence[Fact]:
    return [
        Fact(subject=subject, event=event, at=at, seq=seq)
        for seq, (subject, event, at) in enumerate(house.facts, 1)
        if subject == "incident:1"
    ]


def document(house: House) -> Document:
    return report_on(house.incident(), facts_of(house), people=PEOPLE, zone="Europe/Berlin")


# ------------------------------------------------------------------ what it says
def test_a_report_has_every_part_that_the_protocol_names() -> None:
    text = report_markdown(document(worked()))
    for heading in (
        "# Incident report #1: Payments failing",
        "## Executive summary",
        "## Detailed timeline",
        "## Root cause analysis",
        "## Impact assessment",
        "## Resolution details",
        "## Lessons learned",
        "## Action items",
        "### Preventive measures",
    ):
        assert f"{heading}\n" in text, heading


def test_what_is_known_fills_what_nobody_wrote() -> None:
    text = report_markdown(document(worked()))
    for words in (
        "Affected were [42 % of users]",
        "([420 of 1,000]",
        "Users were affected from [2026-11-24 08:53:00]",
        "Cause: an expired certificate",
        "Chi Okafor decided: an expired certificate, because an expired certificate.",
        "- [ ] 1. an expired certificate – Ben Ito, due 2026-12-03",
    ):
        assert words in text, words


def test_what_people_wrote_stands_as_they_wrote_it() -> None:
    house = worked()
    house.do(
        c.WriteReport(incident=1, by="asha", sections={"lessons": "- look at *certificates*\n- and soon"})
    )
    assert "## Lessons learned\n\n- look at *certificates*\n- and soon\n" in report_markdown(document(house))
    house.do(c.WriteReport(incident=1, by="asha", sections={"lessons": ""}))
    assert "To be written by those who were there." in report_markdown(document(house))


def test_every_figure_links_to_an_event_of_the_timeline_that_has_it() -> None:
    house = worked()
    for text, anchor in (
        (report_markdown(document(house)), 'id="event-{}"'),
        (report_html(document(house)), 'id="event-{}"'),
    ):
        links = set(re.findall(r"#event-(\d+)", text))
        assert len(links) >= 8
        missing = [seq for seq in links if anchor.format(seq) not in text]
        assert not missing, f"no event in the timeline for {missing}"


def test_figures_name_the_events_that_they_come_from() -> None:
    house = worked()
    kinds = {fact.seq: type(fact.event) for fact in facts_of(house)}
    text = report_markdown(document(house))
    acknowledged = re.search(r"\*\*Acknowledged:\*\* \[[^\]]*\]\(#event-(\d+)\), after 3 min", text)
    share = re.search(r"\[42 % of users\]\(#event-(\d+)\)", text)
    assert acknowledged is not None
    assert share is not None
    assert kinds[int(acknowledged[1])] is e.Acknowledged
    assert kinds[int(share[1])] in (e.Opened, e.LevelChanged)


def test_a_zone_that_this_machine_does_not_know_is_utc() -> None:
    house = worked()
    assert report_on(house.incident(), facts_of(house), zone="Mars/Base").zone == "UTC"


def test_an_incident_of_which_nothing_more_is_known_has_a_report_all_the_same() -> None:
    house = House()
    house.report(alert("a", want=None))
    text = report_markdown(document(house))
    assert "No root cause was recorded." in text
    assert "How many users were affected is not known." in text


# ------------------------------------------------------------------ what others wrote
HOSTILE = st.text(
    alphabet=st.sampled_from(list("<>&\"'`*_[]()|!#\\{}%$@:/ \n\r\t\x00\x1b\u202eax1é漢")), max_size=60
) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        "![x](https://evil.example/p.png)",
        "[press](javascript:alert(1))",
        "| a | b |\n| --- | --- |",
        "{{ 7 * 7 }} {% raw %}",
        "</td></tr></table><h1>owned</h1>",
        "\n\n## Action items\n\n- [x] all done",
        "<!channel> <@U1> &lt;b&gt;",
    ]
)


@given(HOSTILE, HOSTILE)
@settings(max_examples=120, deadline=None)
def test_nothing_that_others_wrote_is_markup_in_a_report(title: str, text: str) -> None:
    if not title.strip() or not text.strip():
        return
    plain, hostile = document(worked()), document(worked(title, text))
    assert shape(report_html(hostile)) == shape(report_html(plain))
    markdown = report_markdown(hostile)
    assert [ln for ln in markdown.splitlines() if ln.startswith("#")][1:] == [
        ln for ln in report_markdown(plain).splitlines() if ln.startswith("#")
    ][1:]
    outside = re.sub(r'<a id="event-\d+"></a>', "", markdown)
    assert "<" not in outside
    assert not re.search(r"(?<!\\)!\[", outside)
    links = re.findall(r"(?<!\\)\]\(([^)]*)\)", outside)
    assert all(re.fullmatch(r"#event-\d+", link) for link in links)


def shape(html: str) -> list[str]:
    """The tags, without what they hold."""
    return re.findall(r"</?[a-z][a-z0-9]*", html)


def test_html_in_what_people_wrote_is_no_html() -> None:
    house = worked()
    house.do(c.WriteReport(incident=1, by="asha", sections={"summary": "<img src=x onerror=alert(1)>"}))
    assert "<img" not in report_html(document(house))
    assert "<img" not in report_markdown(document(house))
