"""Roles that are asked for, accepted, handed over and looked for; help; and that none of it is an
acknowledgement of the incident."""

import pytest
from harness.house import CONFIG, House, alert, policy_of, replayed

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.command import Refusal
from irpd.model.incident import State
from irpd.model.page import Page, PageKind

ROTA = (
    CONFIG
    + """
roles:
  commander: {schedule: first-responder, accept_within: 5m}
teams:
  dba: {people: [dora, fay], schedules: [first-responder]}
"""
)
BOTH = (
    CONFIG
    + """
roles:
  commander: {person: chi}
  communications: {person: fay, accept_within: 15m}
"""
)
NOBODY = CONFIG + "roles: {commander: {schedule: empty}}\n"


def opened(config: str = ROTA, want: int = 2) -> House:
    house = House(policy_of(config))
    house.report(alert("a", want=want))
    return house


def page_of(house: House, asks: str, person: str) -> Page:
    found = [p for p in house.rows.pages_of(house.incident()) if p.asks == asks and p.person == person]
    return found[-1]


def press(house: House, asks: str, person: str) -> str:
    """The button of the page, or its code."""
    page = page_of(house, asks, person)
    text: str = house.do(c.Acknowledge(incident=1, by=person, page=page.id, via="link")).text
    return text


def cant(house: House, asks: str, person: str) -> str:
    page = page_of(house, asks, person)
    text: str = house.do(c.Decline(incident=1, by=person, page=page.id, via="link")).text
    return text


# ------------------------------------------------------------------ joining
def test_who_fills_a_role_is_paged_to_accept_it_and_told_which() -> None:
    house = opened(BOTH)
    assert house.asked() == ["0m chi role:commander", "0m fay role:communications"]
    assert page_of(house, "role:commander", "chi").text == (
        "You are incident commander of #1 (level 2 calls for it). Accept it, or say you can't."
    )
    assert page_of(house, "role:communications", "fay").text.startswith(
        "You are communications manager of #1"
    )


def test_a_level_that_calls_for_no_role_pages_for_none() -> None:
    house = opened(BOTH, want=3)
    assert house.asked() == []
    house.set_level(2)
    assert house.asked() == ["0m chi role:commander", "0m fay role:communications"]


def test_accepted_nobody_else_is_asked() -> None:
    house = opened()
    assert press(house, "role:commander", "asha") == "You are incident commander of #1."
    assert house.incident().seats["commander"].accepted
    house.forward("3h")
    assert house.asked("role:commander") == ["0m asha role:commander"]


# ------------------------------------------------------------------ one is not the other
def test_accepting_a_role_is_no_acknowledgement() -> None:
    house = opened()
    press(house, "role:commander", "asha")
    assert house.incident().state is State.OPEN
    assert house.running()
    house.forward("5m")
    assert house.people() == ["0m asha", "5m chi"]


def test_an_acknowledgement_accepts_no_role() -> None:
    house = opened()
    house.ack()
    assert not house.incident().seats["commander"].accepted
    assert page_of(house, "role:commander", "asha").live
    house.forward("5m")
    assert house.asked("role:commander") == ["0m asha role:commander", "5m ben role:commander"]
    assert house.people() == ["0m asha"]


def test_declining_a_role_declines_no_page_of_the_incident() -> None:
    house = opened()
    cant(house, "role:commander", "asha")
    assert house.incident().declined_by == ()
    assert house.live() == ["asha"]


def test_i_cant_about_the_incident_leaves_the_role_asked_for() -> None:
    house = opened()
    house.cant()
    assert page_of(house, "role:commander", "asha").live
    assert house.people() == ["0m asha", "0m chi"]


def test_a_role_page_does_not_take_the_place_of_the_page_of_the_path() -> None:
    house = opened()
    assert house.live() == ["asha"]
    house.forward("2m")
    assert house.phones() == ["0m asha mail", "2m asha sms"]


def test_the_end_of_the_incident_ends_what_is_asked() -> None:
    house = opened()
    house.resolve()
    assert not page_of(house, "role:commander", "asha").live
    house.forward("1h")
    assert house.asked() == ["0m asha role:commander"]
    assert press(house, "role:commander", "asha").startswith("Nothing to do")


def test_the_page_of_a_merged_incident_gives_no_role_in_the_other() -> None:
    house = opened()
    house.report(alert("b", want=2))
    page = next(p for p in house.rows.pages_of(house.incident(2)) if p.asks)
    house.do(c.Merge(incident=2, into=1, by="asha"))
    with pytest.raises(Refusal, match="is over"):
        house.do(c.Acknowledge(incident=1, by="asha", page=page.id, via="link"))
    assert house.incident().acknowledged_by == ()


# ------------------------------------------------------------------ vacant
def test_a_role_that_nobody_accepts_goes_on_to_the_next_and_then_all_again() -> None:
    house = opened()
    house.ack()
    house.forward("1h")
    # the schedule's two, the path's people, fallback; then all again, by now every 15 minutes
    assert [line.removesuffix(" role:commander") for line in house.asked("role:commander")] == [
        "0m asha", "5m ben", "10m chi", "15m dora", "20m emil", "25m asha", "40m ben", "55m chi",
    ]  # fmt: skip
    assert len(house.of_type(e.RoleVacant)) == 7
    assert house.of_type(e.RoleVacant)[0].because == "Asha has not answered within 5m"


def test_who_said_no_is_not_asked_again() -> None:
    house = opened()
    house.ack()
    cant(house, "role:commander", "asha")
    assert house.asked("role:commander") == ["0m asha role:commander", "0m ben role:commander"]
    assert house.incident().roles == {"commander": "ben"}
    house.forward("30m")
    asked = [line.split()[1] for line in house.asked("role:commander")]
    assert "asha" not in asked[1:]


def test_where_everybody_said_no_fallback_is_asked_all_the_same() -> None:
    house = opened()
    house.ack()
    for person in ("asha", "ben", "chi", "dora", "emil"):
        cant(house, "role:commander", person)
    assert house.incident().seats["commander"].asked == "emil"
    assert house.incident().seats["commander"].next_at is not None


def test_a_schedule_with_nobody_asks_the_people_of_the_path_at_once() -> None:
    house = opened(NOBODY)
    assert house.asked() == ["0m asha role:commander"]
    assert house.incident().roles == {"commander": "asha"}


def test_a_late_yes_counts_as_long_as_nobody_else_said_it() -> None:
    house = opened()
    house.forward("6m")
    assert press(house, "role:commander", "asha") == "You are incident commander of #1."
    assert press(house, "role:commander", "ben") == "Nothing to do: Asha is incident commander of #1."
    assert house.incident().roles == {"commander": "asha"}


def test_who_can_not_be_reached_is_followed_by_the_next_at_once() -> None:
    house = House(policy_of(ROTA))
    house.broken = {("asha", "mail"), ("asha", "sms")}
    house.report(alert("a", want=2))
    assert house.asked() == ["0m ben role:commander"]


def test_who_gives_the_role_back_is_followed_by_the_next() -> None:
    house = opened()
    house.ack()
    press(house, "role:commander", "asha")
    house.forward("20m")
    house.do(c.DeclineRole(incident=1, by="asha"))
    assert house.incident().roles == {"commander": "ben"}
    assert house.asked("role:commander")[-1] == "20m ben role:commander"


def test_a_fall_below_level_2_stops_the_looking_and_a_rise_begins_it_again() -> None:
    house = opened()
    house.ack()
    house.set_level(3)
    house.forward("1h")
    assert house.asked("role:commander") == ["0m asha role:commander"]
    house.set_level(1)
    house.forward("6m")
    assert house.asked("role:commander", since="1h") == ["60m ben role:commander", "65m chi role:commander"]


def test_reopened_the_role_that_was_accepted_is_kept_and_another_asked_for() -> None:
    house = opened(BOTH)
    house.ack()
    press(house, "role:commander", "chi")
    house.resolve()
    house.forward("5m")
    house.do(c.Reopen(incident=1, by="asha"))
    assert house.asked(since="5m") == ["5m fay role:communications"]


def test_irpds_own_incidents_call_for_no_role() -> None:
    house = House(policy_of(BOTH))
    house.do(c.TellOperators(key="config", title="refused"))
    house.forward("1h")
    assert house.asked() == []


# ------------------------------------------------------------------ handing over
def test_until_it_is_accepted_the_former_keeps_it() -> None:
    house = opened()
    press(house, "role:commander", "asha")
    answer = house.do(
        c.AssignRole(incident=1, by="asha", role="commander", person="dora", because="my shift ends")
    )
    assert answer.text == "Dora is asked to be incident commander of #1. Asha keeps it until then."
    assert page_of(house, "role:commander", "dora").text == (
        "Asha asks you to be incident commander of #1 (my shift ends). Accept it, or say you can't."
    )
    assert house.incident().roles == {"commander": "asha"}
    press(house, "role:commander", "dora")
    assert house.incident().roles == {"commander": "dora"}
    assert house.shown[-1][1:3] == ("asha", "mail")
    assert house.shown[-1][3].text == "Dora is incident commander now; you no longer are."


def test_declined_it_stays_and_who_offered_it_hears_so() -> None:
    house = opened()
    press(house, "role:commander", "asha")
    house.do(c.AssignRole(incident=1, by="asha", role="commander", person="dora"))
    cant(house, "role:commander", "dora")
    assert house.incident().roles == {"commander": "asha"}
    assert house.shown[-1][1] == "asha"
    assert house.shown[-1][3].text == "Dora can't be incident commander; it stays with Asha."
    house.forward("2h")
    assert house.asked("role:commander") == ["0m asha role:commander", "0m dora role:commander"]


def test_an_offer_that_nobody_answers_pages_on_and_then_ends() -> None:
    house = opened()
    press(house, "role:commander", "asha")
    house.do(c.AssignRole(incident=1, by="asha", role="commander", person="dora"))
    house.forward("1h")
    assert house.asked("role:commander")[1:] == ["0m dora role:commander", "5m ben role:commander"]
    assert [one.because for one in house.of_type(e.RoleKept)] == ["Ben has not answered within 5m"]
    assert house.incident().roles == {"commander": "asha"}
    assert house.incident().seats["commander"].accepted


def test_taken_by_oneself_it_needs_no_acceptance() -> None:
    house = opened()
    house.do(c.AssignRole(incident=1, by="dora", role="commander", person="dora"))
    assert (house.incident().roles, house.incident().seats["commander"].accepted) == (
        {"commander": "dora"},
        True,
    )
    assert not page_of(house, "role:commander", "asha").live


def test_a_role_that_no_file_names_can_be_given_too() -> None:
    house = opened()
    house.do(c.AssignRole(incident=1, by="asha", role="technical-lead", person="chi"))
    house.do(c.AcceptRole(incident=1, by="chi"))
    assert house.incident().roles["technical-lead"] == "chi"


def test_experts_are_several_and_each_accepts() -> None:
    house = opened()
    for person, topic in (("dora", "db"), ("fay", "network")):
        house.do(c.AssignRole(incident=1, by="asha", role="expert", person=person, topic=topic))
    assert page_of(house, "role:expert/dora", "dora").text.startswith(
        "Asha asks you to be subject-matter expert for db of #1"
    )
    house.do(c.AcceptRole(incident=1, by="dora", role="expert"))
    seats = house.incident().seats
    assert (seats["expert/dora"].accepted, seats["expert/dora"].topic) == (True, "db")
    house.forward("6m")
    assert not house.incident().seats["expert/fay"].accepted
    assert "Nobody took the role of subject-matter expert for network: Fay has not answered within 5m." in {
        page.text for _, person, _, page in house.shown if person == "asha"
    }


@pytest.mark.parametrize(
    "command, said",
    [
        (
            c.AssignRole(incident=1, by="asha", role="king", person="ben"),
            "no role 'king'; there are commander",
        ),
        (
            c.AssignRole(incident=1, by="asha", role="commander", person="bne"),
            "no person 'bne'; there are asha",
        ),
        (c.AssignRole(incident=1, by="asha", role="commander", person="ben", topic="x"), "only an expert"),
        (c.AcceptRole(incident=1, by="fay"), "nobody asked Fay to take a role"),
        (c.AcceptRole(incident=1, by="fay", role="commander"), "nobody asked Fay to be incident commander"),
        (c.DeclineRole(incident=1, by="fay"), "nobody asked Fay"),
        (c.AskHelp(incident=1, by="asha", who="nobody", question="?"), "nobody is meant by 'nobody'"),
        (c.AskHelp(incident=1, by="asha", who="dba", question=" "), "say what you want to know"),
        (c.AnswerHelp(incident=1, by="asha", ask=7, text="yes"), "has no question 7; open: none"),
    ],
)
def test_a_refusal_says_what_is_allowed_and_changes_nothing(command: c.Command, said: str) -> None:
    house = opened()
    before = len(house.facts)
    with pytest.raises(Refusal, match=said):
        house.do(command)
    assert len(house.facts) == before


# ------------------------------------------------------------------ help
def test_the_teams_person_on_call_is_paged_for_help_and_the_answer_is_kept() -> None:
    house = opened()
    house.ack("chi")
    answer = house.do(c.AskHelp(incident=1, by="chi", who="dba", question="is the replica behind?"))
    assert answer.text == "Asha is paged; it is question 1 of #1."
    assert page_of(house, "help:1", "asha").text == "Chi asks for your help: is the replica behind?"
    house.do(c.AnswerHelp(incident=1, by="asha", ask=1, text="by 4 minutes"))
    assert house.of_type(e.HelpAnswered) == [e.HelpAnswered(ask=1, by="asha", text="by 4 minutes")]
    assert house.shown[-1][1] == "chi"
    assert house.shown[-1][3].text == "Asha answers: by 4 minutes"
    assert house.incident().asks == ()
    assert house.incident().acknowledged_by == ("chi",)


def test_who_does_not_answer_is_followed_by_the_next_of_the_team_until_all_were_asked() -> None:
    house = opened()
    house.ack("chi")
    house.do(c.AskHelp(incident=1, by="chi", who="dba", question="?"))
    house.forward("1h")
    assert [line.split()[1] for line in house.asked("help:1")] == ["asha", "dora", "fay", "ben"]
    told = [page.text for _, person, _, page in house.shown if person == "chi" and not page.asks]
    assert "Nobody of dba has answered: ?" in told


def test_i_have_it_about_help_is_no_acknowledgement_and_gives_longer() -> None:
    house = opened()
    house.do(c.AskHelp(incident=1, by="chi", who="dora", question="?"))
    assert press(house, "help:1", "dora") == "You see to it. Answer: irpd incident answer 1 1 TEXT"
    assert house.incident().state is State.OPEN
    assert house.running()
    house.forward("29m")
    assert house.incident().asks[0].taken_by == "dora"
    house.forward("2m")
    assert house.of_type(e.HelpPassedOn)[-1].because == "Dora has not answered"


def test_i_cant_about_help_passes_it_on_at_once() -> None:
    house = opened()
    house.do(c.AskHelp(incident=1, by="chi", who="dba", question="?"))
    cant(house, "help:1", "asha")
    assert house.asked("help:1") == ["0m asha help:1", "0m dora help:1"]
    assert house.incident().declined_by == ()


def test_an_answer_after_the_end_is_kept_too() -> None:
    house = opened()
    house.do(c.AskHelp(incident=1, by="chi", who="dora", question="?"))
    house.resolve()
    assert house.incident().asks == ()
    house.do(c.AnswerHelp(incident=1, by="dora", ask=1, text="it was the disk"))
    assert house.of_type(e.HelpAnswered)[-1].text == "it was the disk"


def test_open_questions_are_bounded() -> None:
    house = opened()
    for _ in range(20):
        house.do(c.AskHelp(incident=1, by="chi", who="dora", question="?"))
    with pytest.raises(Refusal, match="20 questions of #1 are open"):
        house.do(c.AskHelp(incident=1, by="chi", who="dora", question="?"))


def test_at_level_4_whoever_is_asked_is_told_quietly() -> None:
    house = opened(want=4)
    house.do(c.AskHelp(incident=1, by="chi", who="dora", question="?"))
    assert page_of(house, "help:1", "dora").kind is PageKind.QUIET


def test_history_replayed_has_the_same_team() -> None:
    house = opened()
    house.ack("chi")
    house.do(c.AssignRole(incident=1, by="chi", role="expert", person="dora", topic="db"))
    house.do(c.AskHelp(incident=1, by="chi", who="dba", question="?"))
    house.forward("17m")
    cant(house, "role:commander", "dora")
    assert replayed(house.facts).incidents[1] == house.incident()


def test_who_opens_an_incident_hears_who_is_paged_for_it_and_not_for_a_role() -> None:
    house = House(policy_of(BOTH))
    answer = house.do(c.Open(by="asha", title="Cards fail", service="checkout", level=2))
    assert answer.text == "#1 is open; Asha is paged now."
