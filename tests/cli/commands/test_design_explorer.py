"""``rnscli design --output front.html``: its data, and the page in a real browser."""

import json
import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from browsing import FAINT_TEXTS, VIEWS, accessible, asked_of_networks, open_page, started_browser
from page_outline import Outline

SEARCH = (
    "design", "--core", "rns,fixed-lp,fixed-hp", "--bits", "4,5", "--vector-size", "32,64",
    "--pairs", "200", "--p", "1e-3", "--max-error", "1", "--max-power", "1MW",
)  # fmt: skip
CHIP = (
    "design", "--workload", "mnist-cnn", "--arrays", "20,60", "--core", "fixed-lp,bit-sliced",
    "--bits", "4,6", "--pairs", "200",
)  # fmt: skip
OBJECTIVES = {
    "energy": "energy_per_mac_j", "latency": "latency_s", "area": "area_m2",
    "error": "mean_abs_error", "p-err": "p_err", "output-error": "output_error",
}  # fmt: skip


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found
    made: dict[str, Any] = json.loads(found[1])
    return made


def column_of(data: dict[str, Any], key: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in data["columns"] if one["key"] == key)
    return found


def text_of(data: dict[str, Any], key: str, design: int) -> str:
    found = column_of(data, key)
    return str(found["texts"][found["shown"][design]])


def column(data: dict[str, Any], key: str) -> list[Any]:
    found = column_of(data, key)
    return found["values"] or [found["texts"][place] for place in found["shown"]]


def front_of(costs: Sequence[Sequence[float]], designs: Sequence[int]) -> set[int]:
    """By comparing each with each; of equal ones the first."""

    def beats(one: int, other: int) -> bool:
        no_worse = all(a <= b for a, b in zip(costs[one], costs[other], strict=True))
        return no_worse and (costs[one] != costs[other] or one < other)

    return {one for one in designs if not any(beats(other, one) for other in designs)}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture
def front_page(rnscli: Callable[..., Any], pages: Path) -> Path:
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    path = pages / "front.html"
    if not path.exists():
        ran = rnscli(*SEARCH, "--output", path)
        assert (ran.code, ran.out, ran.err) == (0, "", "")
    return path


def test_the_data_of_the_page_are_the_rows(
    front_page: Path, rnscli: Callable[..., Any], rows: Callable[..., list[dict[str, Any]]]
) -> None:
    page = front_page.read_text()
    data = data_of(page)
    chosen, *others = rows(*SEARCH)
    front = [chosen, *(row for row in others if row["role"] == "front")]
    keys = [one["key"] for one in data["columns"]]
    assert {*OBJECTIVES.values()} < {*keys}
    for key in ("core", "bits", "redundant", *OBJECTIVES.values(), "power_w", "output_snr_db"):
        assert column(data, key)[: len(front)] == [row[key] for row in front]
    lines = [data["lines"][place] for place in data["commands"][0]]
    assert lines == chosen["commands"]
    # A front by the numbers as they are printed is that of the search, which comes first.
    assert data["objectives"] == list(OBJECTIVES)
    numbers = [column(data, key) for key in OBJECTIVES.values()]
    costs = [[float(f"{value:.3e}") for value in one] for one in zip(*numbers, strict=True)]
    every = range(len(costs))
    assert front_of(costs, every) == set(range(len(front))) == front_of(data["ranks"], every)
    assert len(costs) > len(front)
    kept = re.search(r"(\d+) of \d+ designs keep the limits of the search", page)
    assert kept and int(kept[1]) == len(costs)
    # The lines of a design that is no choice of the search give its numbers, too.
    place = next(n for n in every if n and column(data, "core")[n] == "rns")
    *_, energy = (data["lines"][line] for line in data["commands"][place])
    (row,) = rows(*shlex.split(energy)[1:])
    assert row["energy_per_mac_j"] == column(data, "energy_per_mac_j")[place]


def test_the_page_is_one_file_that_is_written_alike(
    front_page: Path, rnscli: Callable[..., Any]
) -> None:
    page = front_page.read_text()
    outline = Outline(page)
    tags = Counter(tag for tag, _ in outline.found)
    assert tags["title"] == tags["h1"] == tags["main"] == tags["noscript"] == 1
    ids = Counter(attributes["id"] for _, attributes in outline.found if "id" in attributes)
    assert max(ids.values()) == 1
    for names in re.findall(
        r'aria-(?:labelledby|describedby)="([\w-]+)"', page.split("<script")[0]
    ):
        assert names in ids
    for tag, attributes in outline.found:
        assert "src" not in attributes and tag != "link"
        assert (attributes.get("href") or "data:").startswith("data:")
    command = re.search(r"<pre[^>]*><code>(rnscli design .*?)</code></pre>", page)
    assert command
    assert rnscli(*shlex.split(command[1])[1:]).code == 0
    assert front_page.read_text() == page


@pytest.mark.parametrize("option", ["--families", "--coding-gain", "--layer-bits"])
def test_other_answers_of_a_search_have_no_page(
    option: str, refusal: Callable[..., str], tmp_path: Path
) -> None:
    said = refusal("design", option, "--output", tmp_path / "a.html")
    assert f"there is no page with {option}" in said


def test_many_designs_are_cut_to_those_next_to_the_front(
    rnscli: Callable[..., Any], front_page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rnscli.cli.commands.design.MOST", 30)
    assert rnscli(*SEARCH, "--output", tmp_path / "few.html").code == 0
    few, many = (data_of(path.read_text()) for path in (tmp_path / "few.html", front_page))
    assert len(few["labels"]) == 30 < len(many["labels"])
    assert column(few, "energy_per_mac_j") == column(many, "energy_per_mac_j")[:30]
    page = (tmp_path / "few.html").read_text()
    assert "the page has the 30 of them" in page
    further = len(many["labels"]) - 30
    assert f"<li>{further} that keep the limits are further from the front" in page


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with started_browser(tmp_path_factory.mktemp("home")) as started:
        yield started


STATE = """
return {
  status: document.getElementById("status").textContent,
  front: [...document.querySelectorAll(".plot:first-child .mark.front")].length,
  kept: [...document.querySelectorAll(".plot:first-child .mark.kept")].length,
  listed: [...document.querySelectorAll("#designs tbody")].map((one) => Number(one.dataset.design)),
  again: document.getElementById("again").textContent,
  said: document.getElementById("said").textContent,
};
"""


CLICK_ON_RING = """
const box = arguments[0].querySelector(".ring").getBoundingClientRect();
const at = {clientX: box.x + box.width / 2, clientY: box.y + box.height / 2};
arguments[0].dispatchEvent(new MouseEvent("click", {bubbles: true, ...at}));
"""


@pytest.mark.thorough
def test_a_limit_moves_the_front(front_page: Path, browser: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    page = open_page(browser, front_page)
    data = data_of(front_page.read_text())
    energies, errors = column(data, "energy_per_mac_j"), column(data, "mean_abs_error")
    every = range(len(energies))

    def agrees(kept: Sequence[int]) -> dict[str, Any]:
        page.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0]))")
        state: dict[str, Any] = page.execute_script(STATE)
        front = front_of(data["ranks"], kept)
        counted = f"{len(kept)} of {len(every)} designs kept, {len(front)} on the front"
        assert state["status"] == counted
        assert (state["front"], state["kept"]) == (len(front), len(kept) - len(front))
        assert state["listed"] == sorted(front)[:50]
        return state

    agrees(every)
    # By the field, with a unit.
    field = page.find_element("css selector", "#max-energy")
    field.send_keys(Keys.CONTROL, "a", Keys.NULL, "1 pJ", Keys.ENTER)
    cheap = [design for design in every if energies[design] <= 1e-12]
    assert 0 < len(cheap) < len(every)
    assert agrees(cheap)["again"].endswith(" --max-energy 1e-12")
    field.send_keys(Keys.CONTROL, "a", Keys.NULL, "a lot", Keys.ENTER)
    assert field.get_attribute("aria-invalid") == "true"
    agrees(cheap)
    # And by the slider, one step from the loosest.
    slider = page.find_element("css selector", "[aria-label='Largest mean |error|']")
    slider.send_keys(Keys.ARROW_LEFT)
    second = sorted(set(errors))[-2]
    agrees([design for design in cheap if errors[design] <= second])
    page.find_element("css selector", "[type=reset]").send_keys(Keys.ENTER)
    agrees(every)
    # A plot is walked through from the choice, by keys, and the table and the lines follow.
    plot = page.find_element("css selector", ".plot svg")
    page.execute_script("arguments[0].focus()", plot)
    plot.send_keys(Keys.ARROW_RIGHT)
    by_energy = sorted(
        front_of(data["ranks"], every), key=lambda design: (energies[design], design)
    )
    following = by_energy[by_energy.index(0) + 1]
    assert page.execute_script(STATE)["said"].startswith(f"{data['labels'][following]}, ")
    pressed = page.find_element("css selector", "#designs [aria-pressed=true]")
    of = "return Number(arguments[0].closest('tbody').dataset.design)"
    assert page.execute_script(of, pressed) == following
    lines = [one.text for one in page.find_elements("css selector", "#lines code")]
    assert lines == [data["lines"][place] for place in data["commands"][following]]
    # A row of the table moves the rings, and what is clicked in one is what stands there.
    page.execute_script("document.querySelector('#designs tbody').click()")
    assert page.execute_script(STATE)["said"] == data["labels"][0]
    page.execute_script(CLICK_ON_RING, plot)
    texts = [f"{column_of(data, key)['title']} {text_of(data, key, 0)}" for key in data["plots"][0]]
    assert page.execute_script(STATE)["said"] == ", ".join([data["labels"][0], *texts])
    assert page.get_log("browser") == []


@pytest.mark.thorough
def test_it_is_read_at_any_width_and_in_any_light(
    front_page: Path, pages: Path, browser: Any, rnscli: Callable[..., Any]
) -> None:
    chips = pages / "chips.html"
    assert rnscli(*CHIP, "--output", chips).code == 0
    for path in (front_page, chips):
        for width, scheme in VIEWS:
            page = open_page(browser, path, width, scheme)
            assert page.get_log("browser") == []
            assert asked_of_networks(page) == [page.current_url]
            assert page.execute_script("return document.documentElement.scrollWidth") <= width
            looked, faint = page.execute_script(FAINT_TEXTS)
            assert looked > 200 and faint == []
        # Whoever cannot see it is told what each control is, and what a plot shows.
        told = accessible(page)
        assert not [role for role, name, _ in told if not name]
        plots = [said for role, _, said in told if role == "application"]
        assert plots and all(re.match(r"\d+ \w+, \d+ on the front: .* from ", one) for one in plots)
        assert [name for role, name, _ in told if role == "table"] == ["Chosen design", "Designs"]
        buttons = [name for role, name, _ in told if role == "button"]
        rows = [name for name in buttons if ", " in name]
        assert len(rows) == len(set(rows)) > 1
