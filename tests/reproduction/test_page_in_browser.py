"""The page of results in a real browser: wide and narrow, light and dark, by mouse and keyboard."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import (
    FAINT_TEXTS,
    SCHEMES,
    VIEWS,
    WIDTHS,
    asked_of_networks,
    open_page,
    started_browser,
)

pytestmark = pytest.mark.thorough

ORDER = """
const [table, column] = arguments;
return [...table.tBodies].map((body) => body.rows[0].cells[column].dataset.sort);
"""
# That, and what headers say of it: every question to a browser takes its time.
STATE = f"""
const order = () => {{{ORDER}}};
const headers = [...arguments[0].querySelectorAll("thead th")];
return [order(), headers.map((header) => header.getAttribute("aria-sort"))];
"""
TEXTS = """
const [table, column] = arguments;
return [...table.tBodies].map((body) => body.rows[0].cells[column].textContent);
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with started_browser(tmp_path_factory.mktemp("home")) as started:
        yield started


@pytest.fixture
def opened_in(browser: Any) -> Any:
    """Opens the page of a folder at a width and in a colour scheme."""
    return lambda folder, *view: open_page(browser, folder / "index.html", *view)


@pytest.fixture
def opened(opened_in: Any, reproduction: Path) -> Any:
    """Opens the page of all results that need no network."""
    return lambda width=1280, scheme="light": opened_in(reproduction, width, scheme)


each_view = pytest.mark.parametrize(("width", "scheme"), VIEWS)


@each_view
def test_it_opens_without_complaint_and_without_a_network(
    width: int, scheme: str, opened: Any
) -> None:
    page = opened(width, scheme)
    assert page.title
    assert page.get_log("browser") == []
    assert page.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert asked_of_networks(page) == [page.current_url]


@each_view
def test_it_fits_the_window(width: int, scheme: str, opened: Any) -> None:
    page = opened(width, scheme)
    inner = page.execute_script("return window.innerWidth")
    assert inner == width
    assert page.execute_script("return document.documentElement.scrollWidth") <= inner


@each_view
def test_all_text_can_be_read(width: int, scheme: str, opened: Any) -> None:
    looked, faint = opened(width, scheme).execute_script(FAINT_TEXTS)
    assert looked > 300
    assert faint == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_scheme_is_followed(width: int, opened: Any) -> None:
    colour = "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]"
    seen = {
        scheme: [
            opened(width, scheme).execute_script(colour, *asked)
            for asked in (("body", "backgroundColor"), ("body", "color"), ("svg text", "fill"))
        ]
        for scheme in SCHEMES
    }
    for light, dark in zip(seen["light"], seen["dark"], strict=True):
        assert light != dark
    for scheme in SCHEMES:
        assert seen[scheme][1] == seen[scheme][2]  # text is alike in and outside of figures


@pytest.mark.parametrize("width", WIDTHS)
def test_figures_are_seen(width: int, opened: Any) -> None:
    page = opened(width)
    figures = page.find_elements("css selector", "figure svg")
    assert len(figures) == 3
    for figure in figures:
        assert figure.is_displayed()
        size = figure.size
        assert min(width, 640) * 0.9 < size["width"] <= width
        assert size["height"] > 0.6 * size["width"]
    smallest = page.execute_script(
        "return Math.min(...[...document.querySelectorAll('svg text')]"
        ".map((text) => text.getBoundingClientRect().height))"
    )
    assert smallest >= 9  # pixels


@each_view
def test_the_page_of_networks(
    width: int, scheme: str, opened_in: Any, network_reproduction: Path
) -> None:
    page = opened_in(network_reproduction, width, scheme)
    assert page.get_log("browser") == []
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    looked, faint = page.execute_script(FAINT_TEXTS)
    assert looked > 150 and faint == []
    figures = page.find_elements("css selector", "figure svg")
    assert len(figures) == 5
    heights = page.execute_script(
        "return [...document.querySelectorAll('svg text')]"
        ".map((text) => text.getBoundingClientRect().height)"
    )
    assert min(heights) >= 9  # pixels
    # Every colour of a line is one of the page, which has others in the dark.
    colours = page.execute_script(
        "return [...new Set([...document.querySelectorAll('svg [style*=\"stroke: #\"]')]"
        ".map((line) => line.style.stroke))]"
    )
    assert colours == []


def headers(table: Any) -> list[Any]:
    found: list[Any] = table.find_elements("css selector", "thead th")
    return found


def click(header: Any) -> None:
    """With the mouse, where the page has come to rest."""
    button = header.find_element("tag name", "button")
    scroll = "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})"
    header.parent.execute_script(scroll, button)
    button.click()


@pytest.mark.parametrize("width", WIDTHS)
def test_tables_are_sorted_by_a_click(width: int, opened: Any) -> None:
    page = opened(width)
    # How a column is sorted does not depend on the width; that it can be clicked does.
    columns = None if width == max(WIDTHS) else 2
    for table in page.find_elements("css selector", "table.sortable"):
        for column, header in enumerate(headers(table)[:columns]):
            before, sorts = page.execute_script(STATE, table, column)
            assert sorts[column] is None
            others = [None] * (len(sorts) - 1)
            click(header)
            after, sorts = page.execute_script(STATE, table, column)
            assert sorts.pop(column) == "ascending" and sorts == others
            assert sorted(after) == sorted(before)
            assert after == sorted(before, key=as_key)
            click(header)
            again, sorts = page.execute_script(STATE, table, column)
            assert sorts.pop(column) == "descending" and sorts == others
            assert again == after[::-1]


def as_key(text: str) -> tuple[float, str]:
    """As numbers where they are."""
    try:
        return float(text), ""
    except ValueError:
        return 0.0, text.casefold()  # as in a dictionary


def test_numbers_with_units_are_sorted_by_their_values(opened: Any) -> None:
    page = opened()
    table = page.find_element("css selector", "#reram-block table")
    column = [header.text.split()[0] for header in headers(table)].index("computed")
    click(headers(table)[column])
    found = page.execute_script(TEXTS, table, column)
    assert found[0] == "8.829 fJ" and found.index("4352 um2") < found.index("0.01741 mm2")
    table = page.find_element("css selector", "#adc-energy table")
    column = [header.text.split()[0] for header in headers(table)].index("published")
    for _ in range(2):
        click(headers(table)[column])
    found = page.execute_script(TEXTS, table, column)
    assert (found[0], found[-1]) == ("6.8 million", "168")


def test_tables_are_sorted_by_keyboard(opened: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    page = opened()
    region = page.find_element("css selector", "#p-err .scroll")
    page.execute_script("arguments[0].focus()", region)
    table = region.find_element("tag name", "table")
    for column, key in enumerate((Keys.ENTER, Keys.SPACE, Keys.ENTER)):
        page.switch_to.active_element.send_keys(Keys.TAB)
        button = page.switch_to.active_element
        assert button.tag_name == "button"
        before = page.execute_script(ORDER, table, column)
        button.send_keys(key)
        header = headers(table)[column]
        assert header.get_attribute("aria-sort") == "ascending"
        button.send_keys(key)
        assert header.get_attribute("aria-sort") == "descending"
        after = page.execute_script(ORDER, table, column)
        assert after == sorted(before, key=as_key)[::-1] or len(set(before)) == 1
        assert page.switch_to.active_element == button  # a reader stays where they are


def test_commands_stay_with_their_rows(opened: Any) -> None:
    page = opened()
    pairs = (
        "return [...document.querySelectorAll('#moduli tbody')]"
        ".map((body) => [body.rows[0].cells[0].textContent, body.rows[1].textContent.trim()])"
    )
    before = page.execute_script(pairs)
    assert before[0][1].startswith("rnscli moduli --bits 4 --vector-size 128 --rule ")
    table = page.find_element("css selector", "#moduli table")
    for _ in range(2):
        click(headers(table)[0])
    after = page.execute_script(pairs)
    assert after != before
    assert sorted(after) == sorted(before)


def test_downloads_decode_to_the_files(opened: Any, reproduction: Path) -> None:
    page = opened()
    links = page.find_elements("css selector", "a[download]")
    assert len(links) == 5
    for link in links:
        name, url = link.get_attribute("download"), link.get_attribute("href")
        fetched = page.execute_async_script(
            "const [url, done] = arguments;"
            "fetch(url).then((r) => r.arrayBuffer()).then((b) => "
            "done(btoa(Array.from(new Uint8Array(b), (c) => String.fromCharCode(c)).join(''))))",
            url,
        )
        folder = reproduction if name.startswith("reproduction") else reproduction / "data"
        assert base64.b64decode(fetched) == (folder / name).read_bytes()
