"""The page behind the link, as a person meets it at three in the morning: on a phone, without scripts."""

import json
import re
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness.chromium import DESKTOP, PHONE
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium", "chromedriver")]

VIEWS = [
    pytest.param({**PHONE, "dark": False}, id="phone-light"),
    pytest.param({**PHONE, "dark": True}, id="phone-dark"),
    pytest.param({**DESKTOP, "dark": False}, id="desktop-light"),
    pytest.param({**DESKTOP, "dark": True}, id="desktop-dark"),
]


def text(browser: Any) -> str:
    return " ".join(browser.find_element(By.TAG_NAME, "main").text.split())


def button(browser: Any, words: str) -> Any:
    return browser.find_element(By.XPATH, f"//button[contains(., '{words}')]")


def leads_on(browser: Any, act: Callable[[], object]) -> None:
    """Do what sends the page's form, and wait for the page that it leads to."""
    before = browser.find_element(By.TAG_NAME, "main")

    def gone(_browser: Any) -> bool:
        try:
            before.is_enabled()
        except WebDriverException:  # in more than one way, depending on how far the change of pages is
            return True
        return False

    act()
    WebDriverWait(browser, 20).until(gone)
    WebDriverWait(browser, 20).until(lambda b: b.execute_script("return document.readyState") == "complete")


def press(browser: Any, words: str) -> None:
    found = button(browser, words)
    reach(browser, found)
    leads_on(browser, found.click)


def unfold(browser: Any, words: str) -> None:
    summary = browser.find_element(By.XPATH, f"//summary[contains(., '{words}')]")
    reach(browser, summary)
    summary.click()


def reach(browser: Any, element: Any) -> None:
    """Scroll to it, as a thumb does."""
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)


@pytest.mark.parametrize("view", VIEWS)
def test_one_press_takes_the_incident_and_escalation_stops(
    irpd: Any, browse: Any, view: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    incident = irpd.alert(request.node.callspec.id)
    browser = browse(irpd.link(incident), **view)
    assert "CRITICAL" in text(browser)
    assert "then Chi" in text(browser)
    assert f"#{incident} " in irpd.command("incident", "list", "--state", "open")
    press(browser, "I have it")
    assert "You have it, Asha." in text(browser)
    assert "Escalation has stopped." in text(browser)
    assert f"#{incident} " in irpd.command("incident", "list", "--state", "acknowledged")


def test_the_button_is_on_the_first_screen_and_as_large_as_a_thumb(irpd: Any, browse: Any) -> None:
    link = irpd.link(irpd.alert("thumb"))
    for view in (PHONE, DESKTOP, {"width": 320, "height": 568}):
        browser = browse(link, **view)
        place = button(browser, "I have it").rect
        assert place["height"] >= 56
        assert place["width"] >= 200
        scrolled = browser.execute_script("return window.scrollY")
        assert scrolled == 0
        assert place["y"] + place["height"] <= view["height"], view
    place = button(browse(link, **PHONE), "I have it").rect
    assert place["y"] > PHONE["height"] / 2, "in the lower half, where the thumb is"


@pytest.mark.parametrize(
    "width, height", [(360, 640), (320, 568), (180, 320), (640, 360), (1280, 800), (640, 400)],
    ids=["phone", "small-phone", "phone-at-200-percent", "landscape", "desktop", "desktop-at-200-percent"],
)  # fmt: skip
def test_nothing_runs_out_of_the_screen_sideways(irpd: Any, browse: Any, width: int, height: int) -> None:
    incident = irpd.alert(
        f"wide-{width}-{height}", annotations={"summary": "W" * 200, "affected_users": "2400"}
    )
    browser = browse(irpd.link(incident), width=width, height=height)
    for summary in browser.find_elements(By.TAG_NAME, "summary"):
        browser.execute_script("arguments[0].parentElement.open = true", summary)
    wide = browser.execute_script("return document.documentElement.scrollWidth")
    assert wide <= browser.execute_script("return document.documentElement.clientWidth")


def test_text_twice_as_large_leaves_the_words_readable_beside_the_button(irpd: Any, browse: Any) -> None:
    browser = browse(irpd.link(irpd.alert("zoomed")), width=180, height=320)
    position = (
        button(browser, "I have it")
        .find_element(By.XPATH, "./ancestor::div")
        .value_of_css_property("position")
    )
    assert position == "static", "a bar at the bottom would cover what it is about"


LUMINANCE = """
const channel = v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
const parse = c => (c.match(/[\\d.]+/g) || []).map(Number);
const light = c => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
const behind = e => { for (; e; e = e.parentElement) {
  const c = parse(getComputedStyle(e).backgroundColor);
  if (c.length < 4 || c[3] > 0) return c;
} return [255, 255, 255]; };
const found = [];
for (const e of document.querySelectorAll('main *')) {
  if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
  const a = light(parse(getComputedStyle(e).color)), b = light(behind(e));
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  found.push([e.tagName + ' ' + e.textContent.trim().slice(0, 30), ratio]);
}
return found;
"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("level", ["1", "2", "3", "4"])
def test_every_text_has_the_contrast_that_aa_asks_for(irpd: Any, browse: Any, dark: bool, level: str) -> None:
    incident = irpd.alert(f"contrast-{level}-{dark}")
    if level != "1":
        because = ("--because", "to see its colours", "--as", "ben")
        irpd.command("incident", "level", str(incident), level, *because)
    browser = browse(irpd.link(incident), **PHONE, dark=dark)
    for _ in range(2):  # asking, then taken
        ratios = browser.execute_script(LUMINANCE)
        assert len(ratios) > 8
        assert not [(what, round(ratio, 2)) for what, ratio in ratios if ratio < 4.5]
        if buttons := browser.find_elements(By.CLASS_NAME, "first"):
            leads_on(browser, buttons[0].click)


def test_the_keyboard_reaches_the_button_first(irpd: Any, browse: Any) -> None:
    browser = browse(irpd.link(irpd.alert("keyboard")), **DESKTOP)
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    focused = browser.switch_to.active_element
    assert focused.text == "I have it"
    assert focused.value_of_css_property("outline-style") == "solid"
    leads_on(browser, lambda: focused.send_keys(Keys.ENTER))
    assert "You have it, Asha." in text(browser)


def test_reloading_after_the_press_sends_nothing_again(irpd: Any, browse: Any) -> None:
    incident = irpd.alert("reload")
    browser = browse(irpd.link(incident))
    press(browser, "I have it")
    press(browser, "Undo")
    browser.refresh()
    assert "I have it" in text(browser)
    assert f"#{incident} " in irpd.command("incident", "list", "--state", "open")


def test_a_late_press_says_who_has_it(irpd: Any, browse: Any) -> None:
    incident = irpd.alert("late")
    browser = browse(irpd.link(incident))
    irpd.command("ack", str(incident), "--as", "ben")
    press(browser, "I have it")
    assert "You and Ben have it." in text(browser), "the press on an old page joins"
    browser = browse(irpd.link(other := irpd.alert("later")))
    irpd.command("ack", str(other), "--as", "ben")
    browser.refresh()
    assert re.search(r"Ben took it at \d\d:\d\d\. Nothing to do\.", text(browser))
    assert button(browser, "Join anyway")


def test_i_cant_hands_on_to_the_next_person(irpd: Any, browse: Any) -> None:
    incident = irpd.alert("cannot")
    browser = browse(f"{irpd.link(incident)}/cant")
    press(browser, "page Chi now")
    assert "You handed it on." in text(browser)
    assert "Chi Okafor" in irpd.command("page", "list", "--incident", str(incident))


def test_note_other_name_and_resolve_work_from_the_phone(irpd: Any, browse: Any) -> None:
    incident = irpd.alert("whole")
    browser = browse(irpd.link(incident))
    unfold(browser, "Add a note")
    browser.find_element(By.NAME, "text").send_keys("looking at pay-2")
    press(browser, "Add the note")
    assert "Noted on #" in text(browser)
    unfold(browser, "Not you?")
    browser.find_element(By.NAME, "person").send_keys("Ben")
    press(browser, "This person has it")
    assert "Ben took it" in text(browser)
    unfold(browser, "It is over")
    browser.find_element(By.NAME, "because").send_keys("rolled back")
    press(browser, f"Resolve #{incident}")
    assert "It is over. Resolved at" in text(browser)
    shown = irpd.command("incident", "show", str(incident), "--events")
    assert "looking at pay-2" in shown


def test_the_page_loads_in_one_request_below_20_kb_and_breaks_no_policy(irpd: Any, browse: Any) -> None:
    link = irpd.link(worst(irpd, "weight"))
    with urllib.request.urlopen(link, timeout=20) as answer:
        headers = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
        body = answer.read()
    assert "W" * 100 in body.decode()
    assert "and 55 more" in body.decode()
    assert len(headers.encode()) + len(body) < 20_000, "all that goes over the wire, as it goes"
    browser = browse(link)
    loaded = browser.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert [name for name in loaded if "favicon" not in name] == []
    assert [
        entry for entry in browser.get_log("browser") if "Content Security Policy" in entry["message"]
    ] == []
    assert browser.find_element(By.TAG_NAME, "main").value_of_css_property("display") == "flex", (
        "the style is let in"
    )


def worst(irpd: Any, name: str) -> int:
    """An incident of sixty signals, each with all that a page shows of it as long as it may be."""
    wide = {"summary": "W" * 500 + "💥" * 50, "affected_users": "2400", "runbook_url": address("run")}
    number: int = irpd.alert(name, annotations=wide, generatorURL=address("source"))
    more = json.loads((ROOT / "config" / "first-alert.json").read_text())
    alert = more["alerts"][0]
    alert["labels"] |= {"alertname": name, "environment": name}
    more["alerts"] = [
        alert
        | {
            "fingerprint": f"{n:016x}",
            "labels": alert["labels"] | {"alertname": f"{n} {'<&>' * 100}"},
            "annotations": wide | {"summary": f"{n} {'<&>' * 100}"},
            "generatorURL": address(f"{n}"),
        }
        for n in range(59)
    ]
    assert set(irpd.post(more)) == {number}
    return number


def address(name: str) -> str:
    return f"https://monitoring.example.com/{name}?{'q=' * 300}"


def test_without_scripts_every_answer_is_one_press_of_a_form(irpd: Any, browse: Any) -> None:
    browser = browse(irpd.link(irpd.alert("forms")))
    assert browser.execute_script("return document.scripts.length") == 0
    posts = browser.execute_script(
        "return [...document.querySelectorAll('button')].map(b => b.form && b.form.method)"
    )
    assert len(posts) >= 4
    assert set(posts) == {"post"}
    handlers = browser.execute_script(
        "return [...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())"
        ".filter(n => n.startsWith('on'))"
    )
    assert handlers == []
