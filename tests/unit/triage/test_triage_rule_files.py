"""Rule files: every mistake at once, each at its line and column, with what is allowed."""

import textwrap
from collections.abc import Callable
from fractions import Fraction
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irpd.config.problem import ConfigurationError, in_file_order
from irpd.config.yaml import parse_document
from irpd.triage.facts import Facts
from irpd.triage.level import level_for
from irpd.triage.place import position_in
from irpd.triage.rulefile import NOT_YET
from irpd.triage.ruleset import EMPTY, RuleSet, compile_rules

Rules = Callable[..., RuleSet]


def problems(*texts: str) -> list[str]:
    documents = [
        parse_document(textwrap.dedent(text), f"{name}.yaml")
        for name, text in zip("abc", texts, strict=False)
    ]
    with pytest.raises(ConfigurationError) as caught:
        compile_rules(documents)
    return [str(problem) for problem in in_file_order(caught.value.problems)]


GOOD = """\
version: 1
rules:
  - id: payments-failing
    match: {service: checkout, labels: {category: [payment, refund]}}
    when: status == "firing"
    level: 1
    regimes: pci-dss
    because: payments fail
group:
  - {id: same-service, by: service, within: 30m, at_most: 12h}
"""


def test_a_good_file_says_what_it_says(rules: Rules) -> None:
    ruleset = rules(GOOD, "rules/checkout.yaml")
    (rule,), (group,) = ruleset.rules, ruleset.groups
    assert (rule.id, str(rule.place), rule.level, rule.regimes) == (
        "payments-failing", "rules/checkout.yaml:3", 1, ("pci-dss",),
    )  # fmt: skip
    assert rule.match.wants == {"service": ("checkout",), "labels.category": ("payment", "refund")}
    assert rule.effect == {"level": 1, "regimes": ["pci-dss"]}
    assert (group.by, group.within, group.at_most) == (("service",), 1800.0, 43200.0)
    assert ruleset.warnings == ()


def test_no_files_are_no_rules() -> None:
    assert compile_rules([]).rules == ()
    assert (EMPTY.hash, EMPTY.rules, EMPTY.groups) == ("", (), ())


def test_the_hash_names_what_rules_say_not_how_they_are_laid_out(rules: Rules) -> None:
    laid_out = "# a comment\n" + GOOD.replace("[payment, refund]", "[ payment,  refund ]")
    assert rules(GOOD).hash == rules(laid_out).hash
    assert rules(GOOD).hash != rules(GOOD.replace("level: 1", "level: 2")).hash
    assert len(rules(GOOD).hash) == 12


def test_a_spoiled_file_names_all_its_mistakes_with_place() -> None:
    here = Path(__file__).parent
    found = problems((here / "spoiled.yaml").read_text())
    assert found == (here / "spoiled.txt").read_text().splitlines()


def test_an_id_that_two_files_have_names_both_places() -> None:
    again = "version: 1\nrules:\n  - {id: payments-failing, match: {service: x}, level: 2, because: y}\n"
    assert problems(GOOD, again) == [
        'b.yaml:3:10: error: payments-failing.id: "payments-failing" is already the id of a rule at a.yaml:3'
    ]


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "1:1: error: the file is empty; a rule file begins with version: 1"),
        ("[]", "1:1: error: a list, not a mapping with version and rules"),
        ("rules: []", "1:1: error: version is missing; the first line of a rule file is version: 1"),
        ("version: 2", '1:10: error: version: version "2" is not known; this irpd reads version 1'),
        ("version: true", '1:10: error: version: version "True" is not known; this irpd reads version 1'),
        ("version: 1\nrules: {a: 1}", "2:8: error: rules: a mapping, not a list"),
        ("version: 1\nrules: text", "2:8: error: rules: a text, not a list"),
        ("version: 1\nrules:\n", "2:7: error: rules: nothing, not a list"),
    ],
)
def test_a_file_of_another_shape_says_what_a_rule_file_is(text: str, message: str) -> None:
    assert problems(text) == [f"a.yaml:{message}"]


@pytest.mark.parametrize(
    "rule, message",
    [
        ("level: {a: 1}", "20: error: a.level: a level is a whole number from 1 (critical) to 4 (low)"),
        ("level: 1.5", "20: error: a.level: a level is a whole number from 1 (critical) to 4 (low)"),
        ('level: "1"', "20: error: a.level: a level is a whole number from 1 (critical) to 4 (low)"),
        ("level: yes", "20: error: a.level: a level is a whole number from 1 (critical) to 4 (low)"),
        ("level: 1, match: text", "30: error: a.match: a text, not a mapping"),
        ("level: 1, match: {labels: [a]}", "39: error: a.match.labels: a list, not a mapping"),
        ("level: 1, match: {service: {a: 1}}", "40: error: a.match.service: a mapping, not a list"),
        ("level: 1, match: {service: [[a]]}", "41: error: a.match.service[0]: a list, not text"),
        ("level: 1, when: 3", '29: error: a.when: a number, not text; quote it: "3"'),
        ("level: 1, when: [a]", "29: error: a.when: a list, not text"),
        ("level: 1, regimes: [GDPR]", '33: error: a.regimes[0]: "GDPR": only lower-case letters, digits'),
        (f"level: 1, because: {'x' * 1001}", "32: error: a.because: longer than 1,000 characters"),
    ],
)
def test_a_value_of_another_kind_says_what_it_must_be(rule: str, message: str) -> None:
    because = "" if "because" in rule else ", because: x"
    found = problems(f"version: 1\nrules:\n  - {{id: a, {rule}{because}}}\n")
    assert len(found) == 1
    assert found[0].startswith(f"a.yaml:3:{message}"), found


@pytest.mark.parametrize(
    "given_part, message",
    [
        ("signals: -1", "tests[0].given.signals: a whole number, 0 or more"),
        ("signals: 1.5", "tests[0].given.signals: a whole number, 0 or more"),
        ("affected: many", "tests[0].given.affected: a whole number, 0 or more"),
        (
            "status: fireing",
            "tests[0].given.status: \"fireing\" is not allowed here; 'firing' or 'resolved'",
        ),
        ("share: .nan", "tests[0].given.share: a share of users is a number from 0 to 1"),
        ("share: 1e999999999", "tests[0].given.share: a share of users is a number from 0 to 1"),
        ("share: 1/0", "tests[0].given.share: a share of users is a number from 0 to 1"),
        ("share: true", "tests[0].given.share: a share of users is a number from 0 to 1"),
        ("share: 101%", "tests[0].given.share: a share of users is from 0 to 1"),
    ],
)
def test_a_test_whose_given_makes_no_sense_is_refused(given_part: str, message: str) -> None:
    (found,) = problems(
        f"version: 1\ntests:\n  - name: a\n    given: {{{given_part}}}\n    expect: {{level: 1}}\n"
    )
    assert found.startswith("a.yaml:4:")
    assert f" error: {message}" in found


def test_either_one_case_or_several() -> None:
    both = "{name: a, given: {}, expect: {level: 1}, cases: [{given: {}, expect: {level: 1}}]}"
    assert problems(f"version: 1\ntests:\n  - {both}\n") == [
        "a.yaml:3:5: error: tests[0]: either given and expect, or cases"
    ]


@pytest.mark.parametrize("share", ["0.42", '"42%"', '"42 %"', '"21/50"', '"0.42"'])
def test_a_share_in_a_test_is_exact_as_written(rules: Rules, share: str) -> None:
    (case,) = rules(
        f"version: 1\ntests:\n  - {{name: a, given: {{share: {share}}}, expect: {{level: 2}}}}\n"
    ).cases
    assert case.given.share == Fraction(42, 100)


IDLE = """\
version: 1
rules:
  - {id: wide, match: {labels: {category: [a, b, c]}}, level: 1, because: x}
  - {id: narrow, match: {service: s, labels: {category: [a, b]}}, level: 2, because: x}
  - {id: equal, match: {service: s, labels: {category: [a, b]}}, level: 1, because: x}
  - {id: wider, match: {labels: {category: [a, d]}}, level: 3, because: x}
  - {id: asked, match: {labels: {x: "1"}}, when: count > 1, level: 1, because: x}
  - {id: sure, match: {labels: {x: "1"}}, level: 2, because: x}
  - {id: asked-too, match: {service: s, labels: {x: "1"}}, when: count > 1, level: 3, because: x}
  - {id: cap-nothing, match: {service: s}, at_most: 1, because: x}
  - {id: raise-nothing, match: {service: s}, at_least: 4, because: x}
  - {id: cap, match: {service: s}, at_most: 4, because: x}
  - {id: cap-less, match: {service: s, labels: {x: "1"}}, at_most: 3, because: x}
  - {id: floor, match: {service: s}, at_least: 1, because: x}
  - {id: floor-less, match: {service: [s]}, at_least: 2, because: x}
  - {id: regime, match: {service: s}, regimes: [gdpr], because: x}
"""


def test_a_rule_that_can_never_decide_is_warned_about(rules: Rules) -> None:
    assert [str(warning).partition(": warning: ")[2] for warning in rules(IDLE).warnings] == [
        "narrow: never decides: wide (rules/a.yaml:3) holds whenever it does, and says more",
        "asked-too: never decides: asked (rules/a.yaml:7) holds whenever it does, and says more",
        "cap-nothing: at_most 1 caps nothing: no level is more severe",
        "raise-nothing: at_least 4 raises nothing: no level is less severe",
        "cap-less: never decides: cap (rules/a.yaml:12) holds whenever it does, and says more",
        "floor-less: never decides: floor (rules/a.yaml:14) holds whenever it does, and says more",
    ]


def test_a_rule_that_is_said_to_be_idle_never_decides(facts: Callable[..., Facts], rules: Rules) -> None:
    ruleset = rules(IDLE)
    idle = {warning.path for warning in ruleset.warnings}
    decided = set()
    for category, x, service, count in product("abcde", "01", "st", (1, 2)):
        seen = facts(labels={"category": category, "x": x}, service=service, count=count)
        for default in (1, 2, 3, 4):
            verdict = level_for(ruleset, seen, default=default, default_because="")
            decided |= {one.rule for one in verdict.contributions if one.decided}
    assert not idle & decided
    assert {"wide", "wider", "cap", "floor"} & decided


WHENS = [
    ('    when: count > 1 && titel == "x"', (4, 24)),
    ('    when:   count > 1 && titel == "x"', (4, 26)),
    ("    when: 'title == ''x'' && titel == \"x\"'", (4, 30)),
    ('    when: "count > 1 && titel == title"', (4, 25)),
    ("    when: |\n      count > 1 &&\n        titel == title", (6, 9)),
    ("    when: |2-\n        count > 1\n      && titel == title", (6, 10)),
    ("    when: |\n\n      // why\n      count > 1 && titel == title", (7, 20)),
    ("    when: >-\n      count > 1\n      && titel == title", (6, 10)),
    ("    when: count > 1\n      && titel == title", (5, 10)),
    ("    when:\n      count > 1 && titel == title", (5, 20)),
    ('    when: count > 1 && title == "ü😀" && titel == title', (4, 41)),
]


@pytest.mark.parametrize("when, place", WHENS)
def test_a_mistake_in_a_condition_is_named_at_its_letter_however_yaml_writes_it(
    when: str, place: tuple[int, int]
) -> None:
    text = f"version: 1\nrules:\n  - id: a\n{when}\n    level: 1\n    because: x\n"
    (problem,) = problems(text)
    line, column = place
    assert problem == f'a.yaml:{line}:{column}: error: a.when: unknown name "titel"; did you mean title?'
    assert text.split("\n")[line - 1][column - 1 :].startswith("titel")


def test_a_condition_with_escapes_is_named_at_its_beginning() -> None:
    (problem,) = problems(
        'version: 1\nrules:\n  - {id: a, when: "title == \\"x\\" && titel == title", level: 1, because: x}\n'
    )
    assert problem.startswith("a.yaml:3:19: error: a.when: unknown name")


def test_a_condition_that_ends_too_early_is_named_behind_its_last_letter() -> None:
    (problem,) = problems("version: 1\nrules:\n  - id: a\n    when: count >\n    level: 1\n    because: x\n")
    assert problem == "a.yaml:4:18: error: a.when: syntax error: the expression ends too early"


@given(
    st.lists(st.sampled_from(["count", ">", "&&", "(", '"a"', "ü", "😀"]), min_size=1, max_size=8), st.data()
)
def test_every_letter_of_a_block_scalar_is_found_in_its_file(words: list[str], data: st.DataObject) -> None:
    value = "".join(word + data.draw(st.sampled_from([" ", "\n", "  "])) for word in words)
    body = "".join(f"    {line}\n" for line in value.split("\n"))
    document = parse_document(f"when: |\n{body}", "a.yaml")
    assert isinstance(document.value, dict)
    read = document.value["when"]
    for offset, letter in enumerate(read):
        if not letter.isspace():
            line, column = position_in(document.lines, document.position(("when",)), read, offset)
            assert document.lines[line - 1][column - 1] == letter


def test_a_bare_label_is_a_warning_and_the_rules_are_good(rules: Rules) -> None:
    ruleset = rules(
        """\
        version: 1
        rules:
          - id: bare
            when: count > 1 && labels.team == "x"
            level: 2
            because: y
        """
    )
    (warning,) = ruleset.warnings
    assert str(warning).startswith(
        "rules/a.yaml:4:24: warning: bare.when: labels.team errs for a signal without"
    )
    assert 'write labels.get("team")' in str(warning)
    assert ruleset.warnings[0].source_line == '    when: count > 1 && labels.team == "x"'


@pytest.mark.parametrize("key", ["visible_to: [legal]"])
def test_what_is_not_built_yet_is_said_to_be_not_supported(key: str) -> None:
    rule = f"{{id: a, level: 1, because: x, when: 'true', {key}}}"
    (problem,) = problems(f"version: 1\nrules:\n  - {rule}\n")
    name = key.partition(":")[0]
    assert f"a.{name}: not supported yet: {NOT_YET[name]}; supported: id, match, when" in problem


def test_thousands_of_rules_are_read_in_good_time_and_all_mistakes_named() -> None:
    many = "".join(f"  - {{id: r{n}, when: shrae > 0.1, level: 1, because: x}}\n" for n in range(1000))
    assert len(problems("version: 1\nrules:\n" + many)) == 1000


def test_a_type_of_source_or_a_status_that_there_is_not_is_named() -> None:
    found = problems(
        """\
        version: 1
        rules:
          - {id: a, match: {source_type: sentri, status: [firing, fireing]}, level: 1, because: x}
        """
    )
    assert [one.partition(" (")[0] for one in found] == [
        'a.yaml:3:34: error: a.match.source_type: "sentri" is not allowed here; did you mean sentry?',
        'a.yaml:3:59: error: a.match.status[1]: "fireing" is not allowed here; did you mean firing?',
    ]
