"""A picture as an element of a web page."""

import re
from collections.abc import Callable

from rnscli.report.plots.figure import COLOURS, Canvas, Look

# In a web page, a picture takes its font and colours, light or dark. These stand for those of the
# page; nothing else has them.
PLACEHOLDERS = Look(ink="#010203", paper="#fdfcfb")
# The variables of the page's style that take the place of colours.
_VARIABLES = {
    PLACEHOLDERS.ink: "currentColor",
    PLACEHOLDERS.paper: "var(--paper)",
    **{colour.lower(): f"var(--series-{n})" for n, colour in enumerate(COLOURS, start=1)},
}
_SVG = "{http://www.w3.org/2000/svg}"
_XLINK_HREF = "{http://www.w3.org/1999/xlink}href"


def inline_svg(name: str, draw: Callable[[Canvas], bytes], label: str) -> str:
    """A picture as an element of a page, which says how large it is.

    ``name`` is the prefix of all ids in it, so that pictures of a page do not share any; ``draw``
    draws it as SVG in colours of ink and paper; ``label`` is for those who cannot see it.
    """
    from xml.etree import ElementTree  # which commands without a page do not need

    root = ElementTree.fromstring(draw(Canvas("svg", look=PLACEHOLDERS, marks=True)))
    for child in root.findall(f"{_SVG}metadata"):
        root.remove(child)
    for definitions in root.iter(f"{_SVG}defs"):
        for style_sheet in definitions.findall(f"{_SVG}style"):  # it would be one of the page
            definitions.remove(style_sheet)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        if identity := element.get("id"):
            element.set("id", f"{name}-{identity}")
        if target := element.attrib.pop(_XLINK_HREF, None):
            element.set("href", target.replace("#", f"#{name}-"))
        if clip := element.get("clip-path"):
            element.set("clip-path", clip.replace("#", f"#{name}-"))
        if style := element.get("style"):
            style = re.sub(r"font-family:[^;]*;?\s*", "", style)
            style = style.replace("url(#", f"url(#{name}-")  # of hatches
            themed = re.sub(r"#[0-9a-f]{6}", lambda hit: _VARIABLES.get(hit[0], hit[0]), style)
            element.set("style", themed)
    root.attrib = {"viewBox": root.attrib["viewBox"], "role": "img", "aria-label": label}
    return ElementTree.tostring(root, encoding="unicode")
