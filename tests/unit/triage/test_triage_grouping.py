"""Which signals are worked on as one: a stable key, the first group rule that matches, limits in seconds."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from irpd.triage.facts import Facts
from irpd.triage.group import Group, group_for
from irpd.triage.ruleset import EMPTY, RuleSet

Make = Callable[..., Facts]
Rules = Callable[..., RuleSet]

FILE = """\
version: 1
group:
  - {id: loose-tickets, match: {source_type: [ticket], service: platform}, by: [key]}
  - {id: by-project, match: {source: sentry}, by: [source, project]}
  - {id: same-service, match: {labels: {alone: ""}}, by: [service, environment], within: 30m, at_most: 12h}
"""


def test_with_no_group_rule_each_key_is_a_group_of_its_own(facts: Make) -> None:
    assert group_for(EMPTY, facts(), "alertmanager/9f2c") == Group(key="alertmanager/9f2c")


def test_the_first_group_rule_that_matches_decides(facts: Make, rules: Rules) -> None:
    ruleset = rules(FILE)
    ticket = facts(source="helpdesk", source_type="ticket", service="platform")
    assert group_for(ruleset, ticket, "helpdesk/ticket:1").rule == "loose-tickets"
    assert group_for(ruleset, facts(source="sentry", project="web"), "sentry/1").values == ("sentry", "web")
    assert group_for(ruleset, facts(), "alertmanager/1").rule == "same-service"
    assert group_for(ruleset, facts(labels={"alone": "yes"}), "alertmanager/1") == Group(key="alertmanager/1")


def test_limits_are_seconds_and_none_is_zero(facts: Make, rules: Rules) -> None:
    ruleset = rules(FILE)
    bound = group_for(ruleset, facts(), "alertmanager/1")
    assert (bound.within, bound.at_most) == (1800.0, 43200.0)
    loose = group_for(ruleset, facts(source="sentry"), "sentry/1")
    assert (loose.within, loose.at_most) == (0.0, 0.0)


def test_signals_that_agree_in_by_share_a_key_and_others_do_not(facts: Make, rules: Rules) -> None:
    ruleset = rules(FILE)

    def key(**given: object) -> str:
        return group_for(ruleset, facts(**given), "alertmanager/x").key

    assert key(labels={"environment": "prod", "alertname": "A"}) == key(
        labels={"environment": "prod", "alertname": "B"}
    )
    assert key(labels={"environment": "prod"}) != key(labels={"environment": "qa"})
    assert key(service="login") != key(service="checkout")
    assert key(labels={}) == key(labels={"environment": ""})  # a missing label is the empty text


def test_the_key_is_stable_text_that_a_journal_can_hold_for_ever(facts: Make, rules: Rules) -> None:
    assert (
        group_for(rules(FILE), facts(labels={"environment": "prod"}), "k").key
        == '["same-service","checkout","prod"]'
    )


@given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
def test_no_value_can_be_made_to_look_like_another_groups(
    facts: Make, rules: Rules, one: tuple[str, str], other: tuple[str, str]
) -> None:
    ruleset = rules(FILE)
    keys = {
        group_for(ruleset, facts(service=service, labels={"environment": environment}), "k").key
        for service, environment in (one, other)
    }
    assert len(keys) == len({one, other})
