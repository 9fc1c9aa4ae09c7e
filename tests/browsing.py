"""A real browser for tests of web pages: wide and narrow, light and dark."""

import itertools
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

WIDTHS = (1280, 390)
SCHEMES = ("light", "dark")
VIEWS = tuple(itertools.product(WIDTHS, SCHEMES))
FLAGS = (
    "headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run",
    "disable-background-networking", "disable-component-update", "disable-sync",
)  # fmt: skip

# Texts whose contrast to what is behind them is below 4.5 to 1 (WCAG 2.2, level AA).
FAINT_TEXTS = """
const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
const rgba = (colour) => {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
};
const luminance = ([r, g, b]) => {
  const [x, y, z] = [r, g, b].map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
};
const behind = (element) => {
  for (let e = element; e; e = e.parentElement) {
    const colour = rgba(getComputedStyle(e).backgroundColor);
    if (colour[3] === 255) return colour;
  }
  return rgba("Canvas");
};
const faint = [];
let looked = 0;
for (const element of document.querySelectorAll("body *")) {
  const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  if (!own || ["SCRIPT", "STYLE"].includes(element.tagName)) continue;
  if (!element.getClientRects().length) continue;
  const style = getComputedStyle(element);
  const front = luminance(rgba(element instanceof SVGElement ? style.fill : style.color));
  const back = luminance(behind(element));
  const contrast = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
  looked += 1;
  if (contrast < 4.5) faint.push([element.tagName, element.textContent, contrast]);
}
return [looked, faint];
"""


def program(name: str) -> str:
    """Where a program is; without it a test is skipped, but in CI."""
    found = shutil.which(name)
    if found is None:
        missing = f"{name} is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return found


@contextmanager
def started_browser(home: Path) -> Iterator[Any]:
    """Chromium without a screen, whose files are in a folder of its own."""
    chromium, driver = program("chromium"), program("chromedriver")
    webdriver = pytest.importorskip("selenium.webdriver")
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"user-data-dir={home / 'profile'}"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = Service(driver, env={**os.environ, "HOME": str(home)})
    started = webdriver.Chrome(options=options, service=service)
    try:
        yield started
    finally:
        started.quit()


def open_page(browser: Any, path: Path, width: int = 1280, scheme: str = "light") -> Any:
    """Open a page at a width and in a colour scheme."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )
    for kind in ("browser", "performance"):  # of the page before
        browser.get_log(kind)
    browser.get(path.as_uri())
    # What is folded is looked at, too.
    browser.execute_script("document.querySelectorAll('details').forEach((d) => d.open = true)")
    return browser


def accessible(page: Any) -> list[tuple[str, str, str]]:
    """Role, name and description of all that assistive technology is told of, and can be reached.

    Tables are there as well, which no key reaches.
    """
    nodes = page.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    found = []
    for node in nodes:
        role, name, told = (
            str(node.get(key, {}).get("value", "")) for key in ("role", "name", "description")
        )
        states = {one["name"]: one["value"].get("value") for one in node.get("properties", ())}
        if not node["ignored"] and (states.get("focusable") or role == "table"):
            found.append((role, name, told))
    return found


def asked_of_networks(page: Any) -> list[str]:
    """Addresses that a page has asked for."""
    events = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    return [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
