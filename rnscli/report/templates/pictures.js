// Pictures whose points say their values, and that can be looked at more closely. Without scripts
// they are complete, and a point says its values as a title.
for (const figure of document.querySelectorAll("figure.pointed")) {
  const svg = figure.querySelector("svg");
  const marks = [...svg.querySelectorAll(".mark")];
  const whole = svg.viewBox.baseVal;
  const full = [whole.x, whole.y, whole.width, whole.height];
  let view = [...full];
  let at = -1;

  const bar = document.createElement("div");
  bar.className = "pointed-tools";
  const said = document.createElement("output");
  said.setAttribute("aria-live", "polite");
  const usual = marks.length ? "Point at the picture, or press → in it, to read values." : "";
  said.textContent = usual;
  const button = (text, name, press) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.setAttribute("aria-label", name);
    made.addEventListener("click", press);
    bar.append(made);
  };
  button("+", "Enlarge", () => zoom(1 / 1.5));
  button("−", "Reduce", () => zoom(1.5));
  button("Whole", "Show the whole picture", () => show(full));
  bar.append(said);
  figure.prepend(bar);

  const ring = document.createElementNS("http://www.w3.org/2000/svg", "circle");
  ring.setAttribute("class", "pointed-at");
  ring.setAttribute("r", "7");
  ring.setAttribute("visibility", "hidden");
  svg.append(ring);
  svg.setAttribute("tabindex", "0");
  for (const mark of marks) {
    mark.dataset.text = mark.textContent;
    mark.replaceChildren(); // else a browser would show it as well
  }

  const show = (next) => {
    const width = Math.min(full[2], Math.max(full[2] / 20, next[2]));
    const height = (width * full[3]) / full[2];
    const inside = (start, size, low, all) => Math.min(Math.max(start, low), low + all - size);
    view = [
      inside(next[0], width, full[0], full[2]),
      inside(next[1], height, full[1], full[3]),
      width,
      height,
    ];
    svg.setAttribute("viewBox", view.join(" "));
    svg.classList.toggle("enlarged", width < full[2]);
  };
  // Around a point of the picture, the middle of what is shown if none is given.
  const zoom = (factor, x = view[0] + view[2] / 2, y = view[1] + view[3] / 2) =>
    show([x - (x - view[0]) * factor, y - (y - view[1]) * factor, view[2] * factor, 0]);
  const place = (event) => {
    const box = svg.getBoundingClientRect();
    return [
      view[0] + ((event.clientX - box.left) / box.width) * view[2],
      view[1] + ((event.clientY - box.top) / box.height) * view[3],
    ];
  };
  const centre = (mark) => [Number(mark.getAttribute("cx")), Number(mark.getAttribute("cy"))];
  const point = (index) => {
    at = index;
    if (index < 0) {
      ring.setAttribute("visibility", "hidden");
      said.textContent = usual;
      return;
    }
    const [x, y] = centre(marks[index]);
    ring.setAttribute("cx", x);
    ring.setAttribute("cy", y);
    ring.setAttribute("visibility", "visible");
    said.textContent = marks[index].dataset.text.replaceAll("\n", " · ");
  };

  let dragged = null;
  svg.addEventListener("pointermove", (event) => {
    const [x, y] = place(event);
    if (dragged) {
      show([view[0] + dragged[0] - x, view[1] + dragged[1] - y, view[2], 0]);
      return;
    }
    let nearest = -1;
    let least = (30 * view[2]) / full[2];
    marks.forEach((mark, index) => {
      const [cx, cy] = centre(mark);
      const far = Math.hypot(cx - x, cy - y);
      if (far < least) [nearest, least] = [index, far];
    });
    if (nearest !== at) point(nearest);
  });
  svg.addEventListener("pointerdown", (event) => {
    if (view[2] < full[2]) {
      dragged = place(event);
      svg.setPointerCapture(event.pointerId);
    }
  });
  for (const end of ["pointerup", "pointercancel"])
    svg.addEventListener(end, () => (dragged = null));
  svg.addEventListener("dblclick", (event) => zoom(1 / 2, ...place(event)));
  svg.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey) return; // the page is to be scrolled
      event.preventDefault();
      zoom(event.deltaY < 0 ? 1 / 1.2 : 1.2, ...place(event));
    },
    { passive: false },
  );
  svg.addEventListener("keydown", (event) => {
    const keys = {
      ArrowRight: () => point(Math.min(at + 1, marks.length - 1)),
      ArrowLeft: () => point(Math.max(at - 1, 0)),
      "+": () => zoom(1 / 1.5),
      "-": () => zoom(1.5),
      0: () => show(full),
      Escape: () => point(-1),
    };
    if (keys[event.key] && (marks.length || !event.key.startsWith("Arrow"))) {
      event.preventDefault();
      keys[event.key]();
    }
  });
}
