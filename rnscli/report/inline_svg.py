"""Pictures inside a web page: they take its font and colours, light or dark."""

import re
from collections.abc import Callable
from xml.etree import ElementTree

from rnscli.report.plots import COLOURS, Look

# Colours that stand for those of the page; nothing else has them.
PLACEHOLDERS = Look(ink="#010203", paper="#fdfcfb")
# The variables of the page's style that take the place of colours.
_VARIABLES = {
    PLACEHOLDERS.ink: "currentColor",
    PLACEHOLDERS.paper: "var(--paper)",
    **{colour.lower(): f"var(--series-{n})" for n, colour in enumerate(COLOURS, start=1)},
}
_SVG = "{http://www.w3.org/2000/svg}"
_XLINK_HREF = "{http://www.w3.org/1999/xlink}href"


def inline_svg(name: str, draw: Callable[[Look], bytes], label: str) -> str:
    """A picture as an element of a page.

    Parameters
    ----------
    name
        Prefix of all ids in it, so that pictures of a page do not share any.
    draw
        Draws it as SVG in colours of ink and paper.
    label
        What it shows, for those who cannot see it.
    """
    root = ElementTree.fromstring(draw(PLACEHOLDERS))
    for child in root.findall(f"{_SVG}metadata"):
        root.remove(child)
    for definitions in root.iter(f"{_SVG}defs"):
        for style_sheet in definitions.findall(f"{_SVG}style"):  # it would be one of the page
            definitions.remove(style_sheet)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        _rename_ids(element, name)
        if style := element.get("style"):
            element.set("style", _themed(style))
    # The page says how large it is.
    root.attrib = {"viewBox": root.attrib["viewBox"], "role": "img", "aria-label": label}
    return ElementTree.tostring(root, encoding="unicode")


def _rename_ids(element: ElementTree.Element, name: str) -> None:
    if identity := element.get("id"):
        element.set("id", f"{name}-{identity}")
    if target := element.attrib.pop(_XLINK_HREF, None):
        element.set("href", target.replace("#", f"#{name}-"))
    if clip := element.get("clip-path"):
        element.set("clip-path", clip.replace("#", f"#{name}-"))


def _themed(style: str) -> str:
    """A style with the page's font and colours."""
    style = re.sub(r"font-family:[^;]*;?\s*", "", style)
    return re.sub(r"#[0-9a-f]{6}", lambda found: _VARIABLES.get(found[0], found[0]), style)
