"""Chromium as a phone and as a desktop, by day and by night."""

import base64
import shutil
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

Browser = webdriver.Chrome
DEADLINE = 30.0
PHONE = {"width": 360, "height": 640}
DESKTOP = {"width": 1280, "height": 800}


def chromium(profile: Path, *, scripts: bool = False) -> Browser:
    """A browser of its own, with its files in ``profile``. ``scripts``: for what looks at pages by them; the
    pages themselves must work where they are off."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for switch in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "no-first-run"):
        options.add_argument(f"--{switch}")
    options.add_argument(f"--user-data-dir={profile}")
    if not scripts:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_page_load_timeout(DEADLINE)
    return driver


def look(
    browser: Browser,
    address: str,
    *,
    width: int = 360,
    height: int = 640,
    dark: bool = False,
    scale: float = 2,
) -> Browser:
    """Open an address as a phone (360 px wide) or a desktop, light or dark."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 600},
    )
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
    browser.get(address)
    return browser


def show(browser: Browser, html: str, file: Path, **view: bool | float) -> Browser:
    """The same of a page that no server gives out; ``file`` holds it."""
    file.write_text(html, encoding="utf-8")
    return look(browser, file.as_uri(), **view)  # type: ignore[arg-type]


def picture(browser: Browser, *, kind: str = "webp", quality: int = 80) -> bytes:
    """What the screen shows, compressed."""
    about = {"format": kind} | ({"quality": quality} if kind != "png" else {})
    return base64.b64decode(browser.execute_cdp_cmd("Page.captureScreenshot", about)["data"])
