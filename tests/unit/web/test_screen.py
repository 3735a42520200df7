"""Whatever an incident has come to, the page says it, and never breaks over what somebody wrote."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from house import configured
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from irpd.config.load import load_configuration
from irpd.config.values import Configuration
from irpd.model.incident import Incident, LevelBy, Member, MemberStatus, State
from irpd.model.level import Level
from irpd.model.page import Page, PageKind
from irpd.model.share import Share
from irpd.web.html import acknowledge_html
from irpd.web.screen import screen_for
from irpd.web.wording import brief, counts_text, listed, share_text, span, web_address

NOW = datetime(2026, 11, 24, 2, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    file = tmp_path_factory.mktemp("config") / "irpd.yaml"
    Path(file).write_text(configured(login="asha"))
    return load_configuration([file]).configuration


texts = st.text(max_size=400)
times = st.integers(0, 10 * 365 * 86400).map(
    lambda s: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=s)
)
maybe_times = st.none() | times
people = st.sampled_from(["asha", "ben", "somebody-gone", "local:root"])
shares = st.builds(
    Share,
    numerator=st.none() | st.integers(0, 10**9),
    denominator=st.integers(10**9, 10**9 + 7),
    affected=st.none() | st.integers(0, 10**12),
    users=st.none() | st.integers(1, 10**12),
)
incidents = st.builds(
    Incident,
    number=st.integers(1, 10**9),
    title=texts,
    services=st.lists(st.sampled_from(["checkout", "platform", "gone"]), max_size=5).map(tuple),
    level=st.sampled_from(list(Level)),
    level_by=st.builds(
        LevelBy, kind=st.sampled_from(["rule", "share", "default", "person"]), rule=st.none() | texts
    ),
    opened_at=times,
    state=st.sampled_from(list(State)),
    impact_from=maybe_times,
    acknowledged_at=maybe_times,
    first_acknowledged_at=maybe_times,
    acknowledged_by=st.lists(people, unique=True, max_size=3).map(tuple),
    declined_by=st.lists(people, unique=True, max_size=2).map(tuple),
    resolved_at=maybe_times,
    resolved_by=st.just("") | people,
    closed_at=maybe_times,
    merged_into=st.none() | st.integers(1, 99),
    respond_by=maybe_times,
    respond_state=st.sampled_from(["", "running", "met", "missed"]),
    share=shares,
    firing=st.integers(0, 3),
    members=st.integers(0, 3),
    drill=st.booleans(),
)
members = st.builds(
    Member,
    sid=st.integers(1, 9),
    incident=st.just(1),
    n=st.integers(1, 9),
    key=texts,
    source=texts,
    status=st.sampled_from(list(MemberStatus)),
    title=texts,
    service=texts,
    first_seen=times,
    last_seen=times,
    url=texts | st.just("javascript:alert(1)") | st.just("https://example.com/?a=1&b=<2>"),
    runbook=texts,
    dashboard=texts,
    count=st.integers(1, 10**9),
    flapping=st.booleans(),
)
pages = st.builds(
    Page,
    id=st.just("1-1"),
    incident=st.just(1),
    person=people,
    kind=st.sampled_from(list(PageKind)),
    reason=st.just("step"),
    requested_at=times,
    expires_at=times,
    sends=st.just(()),
    next_person=st.just("") | people,
    next_at=maybe_times,
    text=texts,
    seen_at=maybe_times,
    acknowledged_at=maybe_times,
)


@given(
    page=pages,
    incident=st.none() | incidents,
    signals=st.lists(members, max_size=8),
    now=times,
    cant=st.booleans(),
)
def test_every_state_renders_and_nobodys_words_become_markup(
    configuration: Configuration,
    page: Page,
    incident: Incident | None,
    signals: list[Member],
    now: datetime,
    cant: bool,
) -> None:
    screen = screen_for(page, incident, signals, configuration, now)
    html = acknowledge_html(
        screen,
        token="t0ken",
        base="../",
        notice="",
        said="",
        cant_first=cant,
        server="https://irpd.example.com",
    )
    assert len(html.encode()) < 20_000
    assert html.count("<h1 ") == html.count("<h2 ") == 1
    assert "<script" not in html.lower()
    assert "javascript:" not in html.partition("<main>")[2].replace("javascript:alert(1)</", "")
    assert screen.headline
    if incident is not None and not incident.state.active:
        acts = {name for name in ("take", "join", "undo", "resolve") if getattr(screen, f"can_{name}")}
        assert acts == set()


def incident(**changes: Any) -> Incident:
    values = {
        "number": 42, "title": "Payments failing", "services": ("checkout",),
        "level": Level.CRITICAL, "level_by": LevelBy(kind="rule", rule="payments"),
        "opened_at": NOW - timedelta(minutes=4), "firing": 1,
        "members": 1,
    }  # fmt: skip
    return Incident(**(values | changes))  # type: ignore[arg-type]


def page(**changes: Any) -> Page:
    values = {
        "id": "42-1", "incident": 42, "person": "asha", "kind": PageKind.PAGE, "reason": "step",
        "requested_at": NOW, "expires_at": NOW + timedelta(hours=4), "sends": (),
    }  # fmt: skip
    return Page(**(values | changes))


@pytest.mark.parametrize(
    "changes, of_page, headline",
    [
        ({}, {}, "You are paged. Nobody has it yet."),
        (
            {},
            {"next_person": "chi", "next_at": NOW + timedelta(minutes=1)},
            "You are paged until 03:07, then Chi.",
        ),
        (
            {},
            {"next_person": "chi", "next_at": NOW - timedelta(minutes=1)},
            "Nobody has it yet. Chi is to be paged; due since 03:05.",
        ),
        ({}, {"kind": PageKind.UPDATE, "text": "still failing"}, "For your information."),
        ({"declined_by": ("asha",)}, {}, "You handed it on."),
        ({"state": State.ACKNOWLEDGED, "acknowledged_by": ("asha",)}, {}, "You have it, Asha."),
        (
            {"state": State.ACKNOWLEDGED, "acknowledged_by": ("ben", "chi", "emil")},
            {},
            "Ben, Chi and Emil took it.",
        ),
        ({"state": State.RESOLVED, "resolved_at": NOW}, {}, "It is over."),
        ({"state": State.CLOSED, "resolved_at": NOW}, {}, "It is over."),
        ({"state": State.MERGED, "merged_into": 41}, {}, "Part of #41 now."),
    ],
)  # fmt: skip
def test_the_headline_says_whose_it_is(
    configuration: Configuration, changes: dict[str, Any], of_page: dict[str, Any], headline: str
) -> None:
    assert screen_for(page(**of_page), incident(**changes), [], configuration, NOW).headline == headline


@pytest.mark.parametrize(
    "others, headline",
    [
        ([{"person": "chi"}], "Nobody has it yet. Chi was paged at 03:05."),
        ([{"person": "chi"}, {"person": "ben"}], "Nobody has it yet. Ben and Chi were paged at 03:05."),
        (
            [{"person": "chi"}, {"person": "emil", "requested_at": NOW}],
            "Nobody has it yet. Emil was paged at 03:06.",
        ),
        (
            [{"person": f"p{n}"} for n in range(40)],
            "Nobody has it yet. 40 people were paged at 03:05.",
        ),
        ([{"person": "chi", "kind": PageKind.UPDATE}], "You are paged until 03:11, then Chi."),
        (
            [{"person": "ben", "requested_at": NOW - timedelta(hours=1)}],
            "You are paged until 03:11, then Chi.",
        ),
    ],
)  # fmt: skip
def test_that_somebody_was_paged_is_said_of_pages_that_exist(
    configuration: Configuration, others: list[dict[str, Any]], headline: str
) -> None:
    mine = page(
        requested_at=NOW - timedelta(minutes=5), next_person="chi", next_at=NOW + timedelta(minutes=5)
    )
    asked = [mine, *(page(**{"requested_at": NOW - timedelta(minutes=1)} | other) for other in others)]
    assert screen_for(mine, incident(), [], configuration, NOW, asked=asked).headline == headline


def test_who_handed_on_is_told_that_the_next_one_was_paged_only_if_so(configuration: Configuration) -> None:
    mine, declined = page(requested_at=NOW - timedelta(minutes=5)), incident(declined_by=("asha",))
    assert screen_for(mine, declined, [], configuration, NOW).lines == ("You can still take it.",)
    shown = screen_for(mine, declined, [], configuration, NOW, asked=[mine, page(person="chi")])
    assert shown.lines == ("Chi was paged at 03:06. You can still take it.",)


@pytest.mark.parametrize(
    "level, confirm, said",
    [
        (Level.HIGH, True, "a person must say that it is over"),
        (Level.MEDIUM, False, "it ends by itself"),
    ],
)
def test_a_person_is_asked_to_confirm_only_what_does_not_end_by_itself(
    configuration: Configuration, level: Level, confirm: bool, said: str
) -> None:
    screen = screen_for(page(), incident(level=level, firing=0), [], configuration, NOW)
    assert (screen.confirm, screen.lines[-1]) == (confirm, f"All its signals are resolved; {said}.")


TAKEN = {
    "state": State.ACKNOWLEDGED,
    "acknowledged_at": NOW - timedelta(minutes=2),
    "acknowledged_by": ("asha",),
}


def test_who_has_it_and_is_asked_whether_still_can_say_so(configuration: Configuration) -> None:
    warned = page(reason="stale", text="You have it and nothing was done about it for 1h.")
    screen = screen_for(warned, incident(**TAKEN), [], configuration, NOW)
    assert (screen.headline, screen.lines[0]) == ("Still on it, Asha?", warned.text)
    assert screen.can_take
    assert screen.can_undo
    shown = acknowledge_html(screen, token="t", base="", notice="", said="", cant_first=False, server="")
    assert ">I still have it</button>" in shown
    answered = screen_for(replace(warned, live=False), incident(**TAKEN), [], configuration, NOW)
    assert (answered.headline, answered.can_take) == ("You have it, Asha.", False)


def test_who_is_asked_after_somebody_took_it_is_asked(configuration: Configuration) -> None:
    asked = page(person="chi", reason="evidence", text="Evidence asks for level 1 (critical): 85 % of users.")
    screen = screen_for(asked, incident(**TAKEN), [], configuration, NOW)
    assert screen.headline == "You are paged."
    assert screen.lines == ("Asha took it; this asks you beside that.", asked.text)
    assert screen.can_take
    assert screen.can_hand_on
    before = page(person="chi", requested_at=NOW - timedelta(minutes=5))
    screen = screen_for(before, incident(**TAKEN), [], configuration, NOW)
    assert screen.headline == "Asha took it at 03:04."
    assert not screen.can_take


def test_a_link_that_has_ended_says_so_before_all_the_rest(configuration: Configuration) -> None:
    over = incident(state=State.RESOLVED, resolved_at=NOW, resolved_by="ben")
    screen = screen_for(page(), over, [], configuration, NOW + timedelta(days=4))
    shown = acknowledge_html(
        screen, token="t", base="", notice="", said="", cant_first=False, server="https://irpd.example.com"
    )
    assert shown.index("It is over.") < shown.index("This link has ended.") < shown.index("Why critical")
    assert "<button" not in shown
    assert "/why" not in shown


def test_times_are_those_of_the_reader(configuration: Configuration) -> None:
    shown = {
        person: screen_for(page(person=person), incident(), [], configuration, NOW)
        for person in ("asha", "chi")
    }
    assert (shown["asha"].now, shown["asha"].zone) == ("03:06", "Europe/Berlin")
    assert (shown["chi"].now, shown["chi"].zone) == ("03:06", "Africa/Lagos")


def test_a_time_of_another_day_has_its_day(configuration: Configuration) -> None:
    assert screen_for(page(), incident(opened_at=NOW - timedelta(hours=5)), [], configuration, NOW).since == (
        "Since 23 Nov 22:06 (Europe/Berlin)"
    )


def test_an_impossible_start_said_by_a_sender_is_not_repeated(configuration: Configuration) -> None:
    for said in (datetime(1970, 1, 1, tzinfo=UTC), NOW + timedelta(days=1)):
        assert screen_for(page(), incident(impact_from=said), [], configuration, NOW).since.startswith(
            "Since 03:02"
        )


def test_words_for_shares_and_spans() -> None:
    assert share_text(Share()) == ""
    assert share_text(Share(affected=2400)) == "2,400 users affected"
    assert share_text(Share(numerator=1, denominator=50, affected=2400, users=120000)) == "2 % of users"
    assert (
        counts_text(Share(numerator=1, denominator=50, affected=2400, users=120000)) == "(2,400 of 120,000)"
    )
    assert share_text(Share(numerator=8001, denominator=10000)) == "80.01 % of users", (
        "never rounded into another band"
    )
    assert [span(s) for s in (0, 60, 3600, 7800, 300000)] == [
        "less than a minute",
        "1 min",
        "1 h",
        "2 h 10 min",
        "3 days",
    ]
    assert [brief(s) for s in (0, 240, 7800, 300000)] == ["<1m", "4m", "2h 10m", "3d"]
    assert [listed(n) for n in ([], ["A"], ["A", "B"], ["A", "B", "C"])] == ["", "A", "A and B", "A, B and C"]


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "//evil", "", " https://x", "vbscript:x"]
)
def test_only_web_addresses_become_links(address: str) -> None:
    assert web_address(address) == ""
