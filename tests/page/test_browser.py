"""The page in headless Chromium, opened from disk: sorting, filters, keyboard, narrow screens, and no request."""

from __future__ import annotations

import base64
import json
import os
import shutil
import struct
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from page_results import ARABIC, SCRIPT, Built

selenium = pytest.importorskip("selenium", reason="the browser tests need selenium (extra dev)")

from selenium import webdriver  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.remote.webelement import WebElement  # noqa: E402
from selenium.webdriver.support.ui import Select, WebDriverWait  # noqa: E402

Browser = Any  # webdriver.Chrome, whose methods are not typed throughout
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
WIDE, NARROW = 1280, 375


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium with a profile of its own."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("no Chromium to test the page in: install Debian's packages chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        found = webdriver.Chrome(options=options, service=Service(driver))
        try:
            yield found
        finally:
            found.quit()


@pytest.fixture
def page(browser: Browser, built: Built) -> Browser:
    """The page, wide and light, when its script has run."""
    show(browser, built.html, WIDE, "light")
    return browser


def show(browser: Browser, html: Path, width: int, scheme: str) -> None:
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    screen = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width == NARROW}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    browser.get(html.as_uri())
    WebDriverWait(browser, 20).until(lambda b: b.find_elements(By.CSS_SELECTOR, "html[data-ready=true]"))


def column(page: Browser, title: str, table: str = "xnli-table") -> list[str]:
    """What stands in a column, from top to bottom."""
    script = """
        const table = document.getElementById(arguments[0]);
        const place = [...table.tHead.rows[0].cells].findIndex((c) => c.textContent.trim() === arguments[1]);
        return [...table.tBodies[0].rows].map((row) => row.cells[place].textContent.trim());
    """
    return list(page.execute_script(script, table, title))


def header(page: Browser, title: str, table: str = "xnli-table") -> WebElement:
    cells = page.find_elements(By.CSS_SELECTOR, f"#{table} thead th")
    return next(cell for cell in cells if cell.text.strip() == title)


def sort_by(page: Browser, title: str, order: str = "descending", table: str = "xnli-table") -> None:
    """Click on a header where it is not below the first column, which stays in view, and wait for the order."""
    cell = header(page, title, table)
    page.execute_script("arguments[0].scrollIntoView({ inline: 'center', block: 'center' })", cell)
    cell.click()
    until(page, lambda: header(page, title, table).get_attribute("aria-sort") == order)


def until(page: Browser, holds: Callable[[], bool]) -> None:
    """Wait until something holds; the page draws a moment after it was asked to."""
    WebDriverWait(page, 10).until(lambda _: holds())


def numbers(texts: list[str]) -> list[float]:
    return [float(text) for text in texts if text != "-"]


def test_a_click_on_a_header_sorts_and_says_how(page: Browser) -> None:
    before = column(page, "sw")
    sort_by(page, "sw")
    falling = column(page, "sw")
    assert falling != before and sorted(falling) == sorted(before)
    assert numbers(falling) == sorted(numbers(before), reverse=True)
    sort_by(page, "sw", "ascending")
    assert numbers(column(page, "sw")) == sorted(numbers(before))
    sort_by(page, "Avg")
    assert header(page, "sw").get_attribute("aria-sort") is None
    assert numbers(column(page, "Avg")) == sorted(numbers(column(page, "Avg")), reverse=True)


def test_sorting_and_the_columns_of_two_numbers_go_by_the_first(page: Browser) -> None:
    sort_by(page, "es", table="mlqa-table")
    firsts = [float(text.split(" / ")[0]) for text in column(page, "es", "mlqa-table") if text != "-"]
    assert firsts == sorted(firsts, reverse=True) and len(firsts) > 3


def test_the_keyboard_sorts_and_shows_where_it_is(page: Browser) -> None:
    before = column(page, "ur")
    button = header(page, "ur").find_element(By.CSS_SELECTOR, "[role=button]")
    search = page.find_element(By.CSS_SELECTOR, "#xnli input[type=search]")
    search.click()
    for _ in range(80):
        page.switch_to.active_element.send_keys(Keys.TAB)
        if page.switch_to.active_element == button:
            break
    assert page.switch_to.active_element == button, "the header is reached with Tab"
    assert button.value_of_css_property("outline-style") == "solid"
    assert float(button.value_of_css_property("outline-width").removesuffix("px")) >= 2
    button.send_keys(Keys.ENTER)
    until(page, lambda: header(page, "ur").get_attribute("aria-sort") == "descending")
    assert column(page, "ur") != before


def test_a_search_leaves_the_rows_that_fit(page: Browser) -> None:
    search = page.find_element(By.CSS_SELECTOR, "#xnli input[type=search]")
    everything = len(column(page, "Model"))
    for typed, model in (("roberta-base", "xlm-roberta-base"), ("عربي", ARABIC), ("<script>", SCRIPT)):
        search.clear()
        search.send_keys(typed)
        (shown,) = column(page, "Model")
        assert shown.startswith(model)
        assert page.find_element(By.CSS_SELECTOR, "#xnli output").text == f"1 of {everything} rows"
    search.clear()
    search.send_keys(Keys.SPACE, Keys.BACKSPACE)
    assert len(column(page, "Model")) == everything


def test_filters_leave_the_rows_of_a_protocol_selection_and_origin(page: Browser) -> None:
    protocol, selection, origin = (Select(s) for s in page.find_elements(By.CSS_SELECTOR, "#xnli select"))
    everything = len(column(page, "Model"))
    protocol.select_by_visible_text("translate-train")
    assert column(page, "Protocol") == ["translate-train"]  # and none of translate-train-all
    protocol.select_by_visible_text("transfer")
    selection.select_by_visible_text("joint")
    assert set(column(page, "Selection")) == {"joint"} and len(column(page, "Model")) < everything
    origin.select_by_visible_text("ours")
    assert len(column(page, "Model")) == 3
    assert len(column(page, "Model", "ner-table")) > 3, "other tables are not filtered"
    for choice in (protocol, selection, origin):
        choice.select_by_visible_text("all")
    assert len(column(page, "Model")) == everything


def test_there_is_no_error_no_request_and_no_name_that_became_code(page: Browser, built: Built) -> None:
    page.get_log("performance")  # what the browser asked for while it started
    show(page, built.html, WIDE, "light")
    sort_by(page, "Avg")
    assert page.title == "Leaderboards: xlmr_bench"
    assert page.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert any(url.startswith("file:") for url in asked)
    assert all(url.startswith(("file:", "blob:", "data:")) for url in asked), asked


@pytest.mark.parametrize("width", [NARROW, 320, WIDE])
def test_the_page_never_scrolls_sideways_but_its_tables_do(page: Browser, built: Built, width: int) -> None:
    show(page, built.html, width, "light")
    page.execute_script("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.execute_script(overflow) <= 0
    box = page.find_element(By.CSS_SELECTOR, "#xnli .scroll")
    assert page.execute_script("return arguments[0].scrollWidth > arguments[0].clientWidth", box)
    left = "return document.querySelector('#xnli tbody th').getBoundingClientRect().left"
    before = page.execute_script(left)
    page.execute_script("arguments[0].scrollLeft = 300", box)
    assert page.execute_script("return arguments[0].scrollLeft", box) == 300
    assert abs(page.execute_script(left) - before) <= 1, "the first column stays in view"


def test_a_table_can_be_scrolled_with_the_keyboard(page: Browser) -> None:
    box = page.find_element(By.CSS_SELECTOR, "#xnli .scroll")
    assert (box.get_attribute("tabindex"), box.get_attribute("role")) == ("0", "region")
    assert box.get_attribute("aria-labelledby") == "xnli-title"


def test_without_script_the_tables_are_there_and_the_filters_are_not(browser: Browser, built: Built) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(built.html.as_uri())
        assert len(browser.find_elements(By.CSS_SELECTOR, "#xnli-table tbody tr")) > 10
        assert not any(f.is_displayed() for f in browser.find_elements(By.CSS_SELECTOR, ".filters"))
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_screenshots_show_the_scheme(page: Browser, built: Built, tmp_path: Path, width: int, scheme: str) -> None:
    """$XLMR_BENCH_SCREENSHOTS names a folder to keep them in, to be looked at."""
    show(page, built.html, width, scheme)
    ground = page.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")
    assert ground == {"light": "rgba(255, 255, 255, 1)", "dark": "rgba(20, 23, 27, 1)"}[scheme]
    height = page.execute_script("return document.documentElement.scrollHeight")
    whole = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    shot = page.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": whole})
    image = Path(os.environ.get("XLMR_BENCH_SCREENSHOTS", tmp_path)) / f"page-{scheme}-{width}.png"
    image.write_bytes(base64.b64decode(shot["data"]))
    assert struct.unpack(">II", image.read_bytes()[16:24]) == (width, height)
