"""What a person meets, in a browser: whether everybody can use it, and a mail's first two lines."""

from importlib.resources import files
from typing import Any

import pytest
from browser.scenes import ANSWERING, MAILS
from harness.chromium import PHONE

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium", "chromedriver")]

AXE = (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
#: In a mail no landmark and no heading is looked for: it is shown within a page that has its own.
OF_A_PAGE = ("landmark-one-main", "page-has-heading-one", "region", "bypass")
RUN = """
const [rules, done] = arguments;
const off = Object.fromEntries(rules.map(rule => [rule, {enabled: false}]));
axe.run(document, {resultTypes: ['violations'], rules: off}).then(
  found => done(found.violations.map(v => `${v.id}: ${v.nodes[0].html} ${v.nodes[0].failureSummary}`)),
  error => done([String(error)]));
"""
#: Pages that a phone shows at night have a dark ground of the browser's own, which axe takes for white.
GROUND = "document.documentElement.style.background = 'Canvas'"


def problems(browser: Any, *, without: tuple[str, ...] = ()) -> list[str]:
    browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    browser.execute_script(AXE)
    found: list[str] = browser.execute_async_script(RUN, list(without))
    return found


#: One of each make: colours by level have a test of their own.
MAKES = (
    "asking",
    "asking-right-to-left",
    "still",
    "taken",
    "late",
    "confirm",
    "not-saved",
    "expired",
    "test",
    "shifts",
    "why",
    "shifts",
)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_everybody_can_use_the_pages_behind_a_link(shown: Any, dark: bool) -> None:
    for name in (*MAKES, "unknown"):
        assert problems(shown(ANSWERING[name](), **PHONE, dark=dark)) == [], name


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_everybody_can_read_the_mails(shown: Any, dark: bool) -> None:
    for name in ("mail", "mail-update", "mail-several"):
        browser = shown(MAILS[name](), **PHONE, dark=dark)
        browser.execute_script(GROUND)
        assert problems(browser, without=OF_A_PAGE) == [], name


def test_a_picture_without_its_words_would_be_seen(shown: Any) -> None:
    html = ANSWERING["asking"]().replace("<main>", '<main><img src="data:,"><p style="color:#777">pale</p>')
    found = problems(shown(html, **PHONE))
    assert [one.partition(":")[0] for one in found] == ["color-contrast", "image-alt"]


TARGETS = """
return [...document.querySelectorAll('a, button, summary, select, textarea, input')]
  .filter(e => e.getClientRects().length)
  .map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect().height,
             e.closest('dd, p:not(.links), li, pre, td') !== null]);
"""


def test_what_is_pressed_is_large_enough_for_a_thumb(shown: Any) -> None:
    """44 px; links within a sentence or a table are excepted."""
    for name, scene in {**ANSWERING, "mail": MAILS["mail"], "mail-several": MAILS["mail-several"]}.items():
        browser = shown(scene(), **PHONE)
        browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
        buttons = [
            (what, high)
            for what, high, in_text in browser.execute_script(TARGETS)
            if not in_text or "inline-block" in what
        ]
        assert buttons or name in ("unknown", "expired", "merged", "over", "tested", "shifts-of-schedule"), (
            name
        )
        assert [(what, high) for what, high in buttons if high < 44] == [], name


LINES = """
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const lines = [];
for (let node; (node = walker.nextNode());) {
  for (const word of node.textContent.matchAll(/\\S+/g)) {
    const range = document.createRange();
    range.setStart(node, word.index);
    range.setEnd(node, word.index + word[0].length);
    const box = range.getBoundingClientRect();
    const line = lines.find(l => Math.abs(l.y - (box.top + box.height / 2)) < 8);
    if (line) line.words.push(word[0]); else lines.push({y: box.top + box.height / 2, words: [word[0]]});
  }
}
return lines.sort((a, b) => a.y - b.y).map(l => l.words.join(' '));
"""


@pytest.mark.parametrize("name", MAILS)
def test_the_first_two_lines_of_a_mail_say_what_how_bad_since_when_and_what_to_press(
    shown: Any, name: str
) -> None:
    first, second, *_ = shown(MAILS[name](), **PHONE).execute_script(LINES.replace("\\\\\\\\", "\\\\"))
    title = {"mail-long": "HighErrorRate:", "mail-right-to-left": "الدفع"}.get(name, "Payments failing")
    assert title in first
    assert any(level in first for level in ("CRITICAL", "HIGH", "LOW"))
    assert ("DRILL" in first) == (name == "mail-drill")
    assert "04:10" in second if name == "mail-over" else "ince 03:02" in second
    press = {
        "mail-quiet": "Open", "mail-update": "Another signal", "mail-over": "Nothing to do",
        "mail-several": "Press each button",
    }  # fmt: skip
    assert press.get(name, "Press I have it") in second
