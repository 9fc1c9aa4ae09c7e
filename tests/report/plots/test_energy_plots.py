"""Pictures of energy: what is drawn adds up, and can be read."""

import io
import itertools
import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from xml.etree import ElementTree

import pytest

from rnscli.analysis.energy.bill import sensitivity, uncertain_energy
from rnscli.analysis.energy.parameters import EnergyParameters
from rnscli.analysis.energy.rows import ENERGY_PARTS
from rnscli.analysis.energy.workload import workload_energy
from rnscli.base.columns import option_columns
from rnscli.base.units import Uncertain
from rnscli.cli.commands.energy import AXIS_COLUMNS
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.hardware.expression import Expression
from rnscli.hardware.technology import Part, Technology, Value
from rnscli.hardware.workloads.networks import load_workload
from rnscli.report.plots import energy as energy_plots
from rnscli.report.plots.figure import Canvas
from rnscli.report.table import Row

pytest.importorskip("matplotlib")

RANGES = {
    "adc_k1": Uncertain(100e-15, 70e-15, 130e-15),
    "mac": Uncertain(10e-15, 5e-15, 15e-15),
    "supply_voltage": Uncertain(1.0, 0.9, 1.1),
}
# Without converters of its own, and without ranges.
ARRAY = Technology(
    name="array",
    kind="analog",
    modulo="circuit",
    node=14e-9,
    rows=1024,
    columns=1024,
    values=(("mac", Value(10e-15, "J", "made up", 10e-15, 10e-15)),),
    parts=(
        Part(name="cells", group="array", per="cell", energy=Expression("mac"),
             area=Expression("4e-15")),
        Part(name="pulses", group="array", per="array", time=Expression("50e-9")),
    ),
)  # fmt: skip


def design(core: str, **more: Any) -> EnergyParameters:
    if not core.startswith("digital"):
        more.setdefault("technology", ARRAY)
    return EnergyParameters(
        core=core,
        dot_product=DotProduct(128, 6, 6),
        bits=6,
        moduli=ModuliSet([63, 62, 61, 59, 55, 53], 2),
        **more,
    )


def bill(core: str, ranges: dict[str, Uncertain] | None = None, **more: Any) -> Row:
    return asdict(uncertain_energy(design(core, **more), ranges or {}))


NOISY = {"expected_attempts": 1.25, "search_probability": 0.3}
LINEAR = [
    bill("rns", RANGES, **NOISY), bill("fixed-lp", RANGES), bill("bit-sliced"), bill("digital-int8")
]  # fmt: skip
LOGARITHMIC = [*LINEAR, bill("fixed-hp", RANGES)]
LAYERS: list[Row] = [asdict(row) for row in workload_energy(
    design("rns"), load_workload("mnist-cnn"), RANGES)]  # fmt: skip
NETWORKS = [
    asdict(row)
    for core in ("rns", "fixed-lp")
    for name in ("mnist-cnn", "bert-large")
    for row in workload_energy(design(core), load_workload(name), {})
]
TORNADO: list[Row] = [
    asdict(row) for core in ("rns", "fixed-lp") for row in sensitivity(design(core), RANGES)
]
# Columns that options make of what is swept.
MADE = {column.key: column for column in option_columns(AXIS_COLUMNS).values()}
PLOTS: dict[str, Callable[[str], bytes]] = {
    "linear": lambda suffix: energy_plots.plot_energy(LINEAR, Canvas(suffix)),
    "logarithmic": lambda suffix: energy_plots.plot_energy(LOGARITHMIC, Canvas(suffix)),
    "layers": lambda suffix: energy_plots.plot_workload(LAYERS, Canvas(suffix)),
    "networks": lambda suffix: energy_plots.plot_workload(NETWORKS, Canvas(suffix)),
    "tornado": lambda suffix: energy_plots.plot_tornado(TORNADO, Canvas(suffix)),
}
each_plot = pytest.mark.parametrize("draw", list(PLOTS.values()), ids=list(PLOTS))


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The pictures that are saved meanwhile."""
    from matplotlib.figure import Figure

    pictures: list[Any] = []
    save = Figure.savefig

    def keep(self: Figure, *arguments: Any, **more: Any) -> None:
        pictures.append(self)
        save(self, *arguments, **more)

    monkeypatch.setattr(Figure, "savefig", keep)
    return pictures


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The pictures that would be saved: what is in them is known before it is laid out."""
    from matplotlib.figure import Figure

    pictures: list[Any] = []
    monkeypatch.setattr(Figure, "savefig", lambda self, *_, **__: pictures.append(self))
    return pictures


def words(picture: bytes) -> str:
    return " ".join("".join(element.itertext()) for element in ElementTree.fromstring(picture))


def bars(axes: Any) -> dict[str, dict[int, float]]:
    """Heights of the bars of each part by their places."""
    found: dict[str, dict[int, float]] = {}
    for container in axes.containers:
        for patch in getattr(container, "patches", ()):
            place = round(patch.get_x() + patch.get_width() / 2)
            found.setdefault(container.get_label(), {})[place] = patch.get_height()
    return found


def height_at(axes: Any, place: int) -> float:
    """Height of all parts of a stack together, which must not leave gaps."""
    boxes = [patch for container in axes.containers for patch in getattr(container, "patches", ())]
    here = sorted(
        (patch.get_y(), patch.get_y() + patch.get_height())
        for patch in boxes
        if round(patch.get_x() + patch.get_width() / 2) == place
    )
    assert here[0][0] == 0
    for (_, top), (bottom, _) in itertools.pairwise(here):
        assert bottom == pytest.approx(top, rel=1e-9)
    return float(here[-1][1])


@pytest.mark.parametrize(
    ("name", "suffix"), list(zip(PLOTS, itertools.cycle(["png", "svg", "pdf"]), strict=False))
)
def test_the_same_rows_give_the_same_bytes(name: str, suffix: str) -> None:
    draw = PLOTS[name]
    picture = draw(suffix)
    start = {"png": b"\x89PNG\r\n\x1a\n", "svg": b"<?xml", "pdf": b"%PDF-"}[suffix]
    assert picture.startswith(start)
    assert draw(suffix) == picture


@each_plot
@pytest.mark.filterwarnings("error")
def test_drawing_warns_of_nothing(draw: Callable[[str], bytes]) -> None:
    assert "energy" in words(draw("svg"))


@each_plot
def test_nothing_is_cut_off(draw: Callable[[str], bytes], drawn: list[Any]) -> None:
    draw("png")
    (picture,) = drawn
    width, height = picture.canvas.get_width_height()
    box = picture.get_tightbbox().get_points() * picture.dpi
    assert box.min() >= 0 and box[1][0] <= width and box[1][1] <= height


def overlapping(texts: list[Any], renderer: Any) -> int:
    boxes = [text.get_window_extent(renderer) for text in texts if text.get_text()]
    return sum(one.overlaps(other) for one, other in itertools.pairwise(boxes))


@each_plot
def test_labels_of_rows_do_not_overlap(draw: Callable[[str], bytes], drawn: list[Any]) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    draw("png")
    (picture,) = drawn
    canvas = FigureCanvasAgg(picture)
    canvas.draw()
    last = picture.axes[-1]
    labels = last.get_xticklabels() if last.get_ylabel() else last.get_yticklabels()
    assert len(labels) > 2
    if any(text.get_rotation() % 90 for text in labels):
        return  # extents of slanted text are boxes that overlap anyway
    assert overlapping(labels, canvas.get_renderer()) == 0


def test_fifty_layers_can_be_read(drawn: list[Any]) -> None:
    rows = [asdict(row) for row in workload_energy(design("rns"), load_workload("resnet50"), {})]
    energy_plots.plot_workload(rows, Canvas("png"))
    (picture,) = drawn
    last = picture.axes[-1]
    texts = [text for text in last.get_xticklabels() if text.get_text()]
    places = last.transData.transform([(index, 0) for index in range(len(texts))])[:, 0]
    apart = (places[1] - places[0]) / picture.dpi * 72  # points
    assert len(texts) == 54 or len(texts) == len(rows) - 1
    for text in texts:  # lines of text that lean need their height over the sine of their angle
        need = text.get_fontsize() / math.sin(math.radians(text.get_rotation() or 1))
        assert need <= apart * 1.05


# The bill


def test_the_linear_form_adds_up(made: list[Any]) -> None:
    energy_plots.plot_energy(LINEAR, Canvas("png"))
    (picture,) = made
    (axes,) = picture.axes
    assert axes.get_yscale() == "linear"
    heights = bars(axes)
    assert {"DAC", "ADC", "array", "forward", "reverse", "decoding", "retries"} <= set(heights)
    assert {"scaling", "memory"} <= set(heights) and "light" not in heights  # there is none
    for index, row in enumerate(LINEAR):
        total = math.fsum(part.get(index, 0.0) for part in heights.values())
        assert total == pytest.approx(row["energy_per_dot_product_j"], rel=1e-12)
        assert height_at(axes, index) == pytest.approx(total, rel=1e-9)
    assert heights["retries"][0] == pytest.approx(LINEAR[0]["retry_energy_j"], rel=1e-12)
    assert heights["ADC"][1] == pytest.approx(LINEAR[1]["adc_energy_j"], rel=1e-12)


def test_nothing_touches_the_frame(made: list[Any]) -> None:
    energy_plots.plot_energy(LINEAR, Canvas("png"))
    (axes,) = made[0].axes
    tops = [row["energy_per_dot_product_j"] for row in LINEAR]
    tops += [row["energy_range_j"][1] for row in LINEAR if isinstance(row["energy_range_j"], tuple)]
    low, high = axes.get_ylim()
    assert low == 0 and high > 1.01 * max(map(float, map(str, tops)))


def test_the_logarithmic_form_has_totals_and_shares(made: list[Any]) -> None:
    energy_plots.plot_energy(LOGARITHMIC, Canvas("png"))
    (picture,) = made
    above, below = picture.axes
    assert (above.get_yscale(), below.get_yscale()) == ("log", "linear")
    totals = [patch.get_height() for patch in above.patches]
    assert totals == pytest.approx([row["energy_per_dot_product_j"] for row in LOGARITHMIC])
    heights = bars(below)
    for index, row in enumerate(LOGARITHMIC):
        total = math.fsum(part.get(index, 0.0) for part in heights.values())
        assert total == pytest.approx(100) == height_at(below, index)
        share = 100 * float(str(row["array_energy_j"])) / totals[index]
        if row["core"] != "rns":  # of which a part is in the retries
            assert heights["array"][index] == pytest.approx(share)
    assert above.get_xlim() == below.get_xlim()  # a bar stands above its shares
    assert below.get_ylim()[1] >= 100
    assert 100 in [round(tick) for tick in below.get_yticks()]


def test_parts_have_looks_of_their_own(made: list[Any]) -> None:
    every = LINEAR[0] | dict.fromkeys(ENERGY_PARTS, 1e-13)
    alone = LINEAR[2]
    energy_plots.plot_energy([every, alone], Canvas("png"))
    energy_plots.plot_energy([alone], Canvas("png"))
    looks = []
    for picture in made:
        containers = [c for c in picture.axes[0].containers if hasattr(c, "patches")]
        boxes = {c.get_label(): c.patches[0] for c in containers}
        looks.append({n: (box.get_facecolor(), box.get_hatch()) for n, box in boxes.items()})
    assert len(looks[0]) == len(set(looks[0].values())) == len(ENERGY_PARTS) + 1
    assert looks[1].items() <= looks[0].items()  # a part looks the same in every picture
    hatches = [hatch for _, hatch in looks[0].values() if hatch]
    assert len(hatches) >= 11  # of 14, so that bars can be read without colours


def test_whiskers_of_the_logarithmic_form_are_not_cut(made: list[Any]) -> None:
    row = LOGARITHMIC[-1]
    ends = (0.5 * float(str(row["energy_per_dot_product_j"])),
            40 * float(str(row["energy_per_dot_product_j"])))  # fmt: skip
    energy_plots.plot_energy([LINEAR[1], row | {"energy_range_j": ends}], Canvas("png"))
    low, high = made[0].axes[0].get_ylim()
    assert low < ends[0] and ends[1] < high


def test_retries_are_those_of_a_pass(made: list[Any]) -> None:
    """What is done once is made whole, and the rest as in one attempt."""
    row = bill("rns", expected_attempts=1.1, pass_attempts=4.0)
    energy_plots.plot_energy([row], Canvas("png"))
    heights = bars(made[0].axes[0])
    assert heights["array"][0] == pytest.approx(float(str(row["array_energy_j"])) / 4, abs=0)
    assert heights["scaling"][0] == pytest.approx(
        float(str(row["scaling_energy_j"])), rel=1e-12, abs=0
    )
    total = math.fsum(part[0] for part in heights.values())
    assert total == pytest.approx(row["energy_per_dot_product_j"], rel=1e-12, abs=0)


def test_whiskers_span_the_range(made: list[Any]) -> None:
    known = LINEAR[3] | {"energy_range_j": None}
    energy_plots.plot_energy([*LINEAR[:3], known], Canvas("png"))
    (axes,) = made[0].axes
    ends = [tuple(line.get_segments()[0][:, 1]) for line in axes.collections]
    assert ends == [pytest.approx(row["energy_range_j"]) for row in LINEAR[:3]]


def test_rows_are_told_apart_by_what_was_swept() -> None:
    for key in ("adc_k1_j", "supply_voltage_v", "clock_hz", "node_m", "laser_power_w", "rate_hz",
                "modulo_circuit_j", "max_link_sigma", "dac_unit_capacitance_f",
                "schreier_fom_db"):  # fmt: skip
        rows = [LINEAR[1] | {key: value} for value in (1.5, 2.5)]
        text = words(energy_plots.plot_energy(rows, Canvas("svg"), {key: MADE[key]}))
        assert "1.5" in text and "2.5" in text, key
    for key, values in (("reverse", ("crt", "mixed-radix")), ("columns_per_adc", (17, 19)),
                        ("p", (0.0173, 0.0191)), ("attempts", (17, 19))):  # fmt: skip
        rows = [LINEAR[1] | {key: value} for value in values]
        text = words(energy_plots.plot_energy(rows, Canvas("svg"), {key: MADE[key]}))
        assert all(str(value) in text for value in values), key


def test_energies_of_zero() -> None:
    keys = [key for key in LINEAR[0] if key.endswith("_energy_j") or key.endswith("product_j")]
    free = LINEAR[2] | dict.fromkeys(keys, 0.0)
    for rows in ([free], [free, LINEAR[1]], [free, *LOGARITHMIC]):
        assert energy_plots.plot_energy(rows, Canvas("png")).startswith(b"\x89PNG")


def test_one_bar_is_enough(made: list[Any]) -> None:
    energy_plots.plot_energy(LINEAR[1:2], Canvas("png"))
    assert len(made[0].axes[0].patches) == 2 + 1 + 2  # DAC, ADC, array, scaling, memory


# Networks


def test_one_design_is_drawn_by_layer(made: list[Any]) -> None:
    energy_plots.plot_workload(LAYERS, Canvas("png"))
    labels = [text.get_text() for text in made[0].axes[-1].get_xticklabels()]
    assert labels == ["conv1", "conv2", "fc1", "fc2"]
    totals = [patch.get_height() for patch in made[0].axes[0].patches]
    assert totals == pytest.approx([row["energy_j"] for row in LAYERS[:-1]])


def test_several_designs_are_drawn_by_their_totals(made: list[Any]) -> None:
    energy_plots.plot_workload(NETWORKS, Canvas("png"))
    labels = [text.get_text() for text in made[0].axes[1].get_xticklabels()]
    assert labels == ["mnist-cnn, rns", "bert-large, rns", "mnist-cnn, fixed-lp",
                      "bert-large, fixed-lp"]  # fmt: skip
    totals = [patch.get_height() for patch in made[0].axes[0].patches]
    expected = [row["energy_j"] for row in NETWORKS if row["layer"] == "total"]
    assert totals == pytest.approx(expected)
    # Below them their layers.
    lines = {line.get_label(): line for line in made[0].axes[-1].get_lines()}
    assert list(lines) == labels
    drawn = [energy for line in lines.values() for energy in line.get_ydata()]
    assert drawn == pytest.approx([r["energy_j"] for r in NETWORKS if r["layer"] != "total"])


# The tornado


def test_the_tornado_shows_its_bars(made: list[Any]) -> None:
    energy_plots.plot_tornado(TORNADO, Canvas("png"))
    panels = made[0].axes
    assert len(panels) == 2
    for axes, core in zip(panels, ("rns", "fixed-lp"), strict=True):
        rows = [row for row in TORNADO if row["core"] == core]
        ends = [float(str(row[f"energy_at_{end}_j"])) for row in rows for end in ("low", "high")]
        left, right = axes.get_xlim()
        assert left < min(ends) and max(ends) < right
        assert right - left < 3 * (max(ends) - min(ends))  # the bars fill the panel
        boxes = [patch for patch in axes.patches if patch.get_width()]
        drawn_ends = {round(patch.get_x() + patch.get_width(), 18) for patch in boxes}
        assert {round(end, 18) for end in ends} <= drawn_ends
        names = [text.get_text() for text in axes.get_yticklabels()]
        assert [name.split("\n")[0] for name in reversed(names)] == [
            str(row["constant"]).replace("_", " ") for row in rows
        ]  # the widest on top


def test_a_tornado_of_one_design() -> None:
    one = [row for row in TORNADO if row["core"] == "rns"]
    picture = energy_plots.plot_tornado(one, Canvas("png"))
    from matplotlib.image import imread

    assert imread(io.BytesIO(picture)).std() > 0.01
    assert "adc k1" in words(energy_plots.plot_tornado(one, Canvas("svg")))
