"""Wording: phrases are found as whole words within a sentence, and what is taken back doesn't count."""

import textwrap
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from irpd.config.problem import ConfigurationError
from irpd.triage.facts import Facts
from irpd.triage.level import level_for
from irpd.triage.phrases import MEMORY, STEPS, Phrasebook, WordList, mistakes
from irpd.triage.ruleset import RuleSet

DENIED = WordList(id="denied", phrases=("no|not|kein|without", "how do i"), until=("and", "but"))
AFTER = WordList(id="after", phrases=("none|excluded", "ruled out"))
LOSS = WordList(
    id="loss",
    phrases=("data loss", "daten sind|ist weg", "datenverlust*", "payment ... failed", "*ausfälle"),
    not_after=("denied",),
    not_before=("after",),
)
TAGS = WordList(id="tags", phrases=("outage", "total outage"), look_in=("labels.tags",))
BOOK = Phrasebook([DENIED, AFTER, LOSS, TAGS])


def said(text: str, name: str = "loss") -> str | None:
    found = BOOK.said_in("", text, {}).get(name)
    return None if found is None else f"{found.quote}|{found.denied_by}"


@pytest.mark.parametrize(
    "text, expected",
    [
        ("There is data loss.", "data loss|"),
        ("DATA-LOSS everywhere", "DATA LOSS|"),
        ("data\nloss in a wrapped mail", "data loss|"),
        ("Datenverluste gemeldet", "Datenverluste|"),
        ("Die Daten sind weg", "Daten sind weg|"),
        ("Stromausfaelle", "Stromausfaelle|"),
        ("AUSFÄLLE", "AUSFÄLLE|"),
        ("our payment to you has failed", "payment to you has failed|"),
        ("payment, as they say, failed", "payment , as they say , failed|"),
        ("metadata loss", None),
        ("data lossless", None),
        ("Data. Loss.", None),
        ("data, loss", None),
        ("payment of one two three four failed", None),
        ("payment went fine. It failed", None),
        ("see https://example.com/data-loss or data-loss@example.com", None),
        ("> data loss\nthat was last week", None),
        ("No data loss", "data loss|No"),
        ("There has not been any data loss", "data loss|not"),
        ("How do I report data loss?", "data loss|How do I"),
        ("payment has not failed", "payment has not failed|not"),
        ("data loss: none", "data loss|none"),
        ("Data loss can be ruled out", "Data loss|ruled out"),
        ("no, data loss", "data loss|"),
        ("no login and data loss", "data loss|"),
        ("not that I think it is a data loss", "data loss|"),
        ("data loss. None of us knows", "data loss|"),
        ("No data loss in Berlin. But data loss in Rome", "data loss|"),
    ],
)
def test_a_phrase_counts_where_it_stands_and_is_not_taken_back(text: str, expected: str | None) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    "tags, expected",
    [
        ("outage", True),
        ("vip, outage, de", True),
        ("total-outage", True),
        ("outage-newsletter", False),
        ("no outage", False),
        ("", False),
    ],
)
def test_in_a_label_a_phrase_is_a_whole_item_of_its_list(tags: str, expected: bool) -> None:
    assert ("tags" in BOOK.said_in("outage", "outage", {"tags": tags})) is expected


def test_what_takes_back_is_told_with_the_phrase() -> None:
    assert str(BOOK.said_in("No data loss", "", {})["loss"]) == 'title says "data loss", taken back by "No"'


def test_a_phrase_that_stands_counts_before_one_that_is_taken_back_elsewhere() -> None:
    assert str(BOOK.said_in("No data loss", "data loss!", {})["loss"]) == 'text says "data loss"'


@pytest.mark.parametrize(
    "phrase, wrong",
    [
        ("data loss", ""),
        ("a|b c*", '"c*" would fit too much: 3 letters at least'),
        ("", "an empty phrase"),
        ("... data", "... stands between two words"),
        ("a ... b ... c ... d", "... twice at most"),
        (" ".join("a" * 13), "longer than 12 words"),
        ("a+b", '"a+b" is no word: letters and digits, with * at one end at most'),
        ("*loss*", '"*loss*": * at one end, not at both'),
        ("a||b", '"" is no word: letters and digits, with * at one end at most'),
        ("schön", ""),
        ("can't", ""),
    ],
)
def test_a_phrase_that_cannot_be_used_says_why(phrase: str, wrong: str) -> None:
    assert mistakes(phrase) == wrong


@given(st.text(max_size=400))
@example("no " * 2000)
@example("payment " * 600 + "failed")
@example("\0\ud800 data loss \u202e")
def test_any_text_gets_an_answer(text: str) -> None:
    BOOK.said_in(text, text, {"tags": text})
    assert len(BOOK._memory) <= MEMORY


def test_a_text_that_repeats_itself_costs_a_bounded_number_of_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    from irpd.triage import phrases

    steps = 0
    real = phrases._span

    def counted(*arguments: object) -> object:
        nonlocal steps
        steps += 1
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(phrases, "_span", counted)
    wild = Phrasebook([WordList(id="w", phrases=tuple("pay ... pay ... b" + str(n) for n in range(50)))])
    wild.said_in("", "pay " * 1000, {})
    assert steps < STEPS + 60_000


RULES = """\
version: 1
words:
  - {id: denied, phrases: ["no", kein]}
  - {id: loss, phrases: [data loss, datenverlust], not_after: denied}
rules:
  - {id: lost, match: {source_type: ticket, words: loss}, level: 1, because: data is lost}
"""


def test_a_rule_with_words_holds_with_what_was_said_and_nearly_with_what_took_it_back(
    rules: Callable[..., RuleSet], facts: Callable[..., Facts]
) -> None:
    ruleset = rules(RULES)

    def judged(title: str) -> object:
        verdict = level_for(ruleset, facts(source_type="ticket", title=title), default=4, default_because="x")
        return [(one.result, dict(one.values), one.missed) for one in verdict.contributions]

    source = {"source_type": "ticket"}
    assert judged("Data loss!") == [("held", {**source, "words": 'title says "Data loss"'}, ())]
    assert judged("Kein Datenverlust") == [
        ("nearly", source, ('title says "Datenverlust", taken back by "Kein"',))
    ]
    assert judged("Hello") == []


@pytest.mark.parametrize(
    "text, message",
    [
        ("words: losss", 'a.yaml:3:53: error: lost.match.words: no word list "losss"; did you mean loss?'),
        ("words: []", "a.yaml:3:53: error: lost.match.words: an empty list; name at least one"),
    ],
)
def test_a_word_list_that_is_not_there_is_named_with_its_place(
    rules: Callable[..., RuleSet], text: str, message: str
) -> None:
    file = f"""\
version: 1
rules:
  - {{id: lost, because: x, level: 1, match: {{{text}, service: x}}}}
words: [{{id: loss, phrases: a}}]
"""
    with pytest.raises(ConfigurationError) as caught:
        rules(file, "a.yaml")
    (problem,) = caught.value.problems
    assert str(problem).startswith(message[:12])
    assert message.split(": error: ")[1] in str(problem)


@pytest.mark.parametrize(
    "words, message",
    [
        ("{id: a, phrases: ['x*']}", "fit too much"),
        ("{id: a, phrases: []}", "an empty list"),
        ("{id: a, phrases: x, look_in: body}", '"body" is not allowed here; title, text or labels.NAME'),
        ("{id: a, phrases: x, not_after: b}", 'no word list "b"'),
        ("{id: a, phrases: x}, {id: a, phrases: y}", '"a" is already a word list at a.yaml:2'),
        ("{id: a, phrase: x}", "did you mean phrases?"),
    ],
)
def test_a_word_list_that_cannot_be_used_says_why(
    rules: Callable[..., RuleSet], words: str, message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        rules(textwrap.dedent(f"version: 1\nwords: [{words}]\n"), "a.yaml")
    assert any(message in str(problem) for problem in caught.value.problems), caught.value.problems
