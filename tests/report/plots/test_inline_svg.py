from rnscli.report.plots.figure import Canvas
from rnscli.report.plots.inline_svg import inline_svg


def test_inline_pictures_have_the_colours_of_the_page() -> None:
    drawn = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        'width="9pt" height="9pt" viewBox="0 0 9 9"><metadata>x</metadata><defs>'
        '<style>* {{}}</style><path id="p"/></defs><g clip-path="url(#p)">'
        '<use xlink:href="#p" style="fill: {ink}; stroke: {paper}"/>'
        '<text style="font-family: Serif; fill: #0072b2">a &lt; b</text></g></svg>'
    )

    def draw(canvas: Canvas) -> bytes:
        return drawn.format(ink=canvas.look.ink, paper=canvas.look.paper).encode()

    found = inline_svg("name", draw, 'a "label"')
    assert found.startswith('<svg viewBox="0 0 9 9" role="img" aria-label="a &quot;label&quot;">')
    assert "xmlns" not in found and "metadata" not in found and "<style" not in found
    assert '<path id="name-p"' in found and "url(#name-p)" in found and 'href="#name-p"' in found
    assert "fill: currentColor; stroke: var(--paper)" in found
    assert "font-family" not in found and "fill: var(--series-1)" in found and "a &lt; b" in found
