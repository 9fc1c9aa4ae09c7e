
// The designs of a search: limits that are moved, the front of what is left, plots that show the
// same design, and a table of which only so many rows are there at a time.
const data = JSON.parse(document.getElementById("data").textContent);
const count = data.labels.length;
const every = [...Array(count).keys()];
const columns = Object.fromEntries(data.columns.map((column) => [column.key, column]));
for (const column of data.columns) {
  column.numbers = column.values?.map((value) => (value === null ? NaN : Number(value)));
}
const measures = data.columns.filter((column) => column.measure);
const ROWS = matchMedia("(max-width: 40rem)").matches ? 10 : 50; // a row is a card on a phone
const byId = (id) => document.getElementById(id);
const textOf = (column, design) => column.texts[column.shown[design]];

const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};
const drawn = (name, attributes = {}, ...children) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

// Quantities, as people write and read them

const PREFIXES = ["q", "r", "y", "z", "a", "f", "p", "n", "u", "m", "", "k", "M", "G", "T", "P"];
const PLAIN = PREFIXES.indexOf("");

const written = (value, unit) => {
  if (unit === "m2") {
    return value >= 1e-9 ? `${+(value * 1e6).toPrecision(3)} mm2` : `${+(value * 1e12).toPrecision(3)} um2`;
  }
  const exponent = value ? Math.floor(Math.log10(Math.abs(value)) + 1e-9) : 0;
  if (!unit || unit === "dB") {
    if (unit || (exponent > -4 && exponent < 6)) return `${+value.toPrecision(3)}${unit && ` ${unit}`}`;
    const power = String(exponent).replace(/./g, (c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]);
    const digits = +(value / 10 ** exponent).toPrecision(3);
    return digits === 1 ? `10${power}` : `${digits}·10${power}`;
  }
  const step = Math.max(-PLAIN, Math.min(PREFIXES.length - 1 - PLAIN, Math.floor(exponent / 3)));
  return `${+(value / 1000 ** step).toPrecision(3)} ${PREFIXES[step + PLAIN]}${unit}`;
};

const parsed = (text, unit) => {
  const found = /^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*(\S*)\s*$/i.exec(text);
  if (!found) return NaN;
  const suffix = found[2].replace("m²", "m2").replace("m^2", "m2").replace(/[µμ]/, "u");
  const prefix = unit && suffix.endsWith(unit) ? suffix.slice(0, -unit.length) : suffix;
  const step = PREFIXES.indexOf(prefix);
  if (step < 0 || (!unit && prefix)) return NaN;
  return Number(found[1]) * 10 ** (3 * (step - PLAIN) * (unit === "m2" ? 2 : 1));
};

// What is kept, and its front

let kept = every;
let front = new Set();
let chosen = 0;
const words = byId("words");
const searched = every.map((design) => {
  const texts = data.columns.map((column) => textOf(column, design));
  return `${data.cores[design]} ${data.labels[design]} ${texts.join(" ")}`.toLowerCase();
});
const limits = data.limits.map((limit) => ({ ...limit, column: columns[limit.key], bound: null }));

const keeps = (design) =>
  limits.every(({ bound, upper, column }) => {
    if (bound === null) return true;
    const value = column.numbers[design];
    return upper ? value <= bound * (1 + 1e-12) : value >= bound * (1 - 1e-12);
  });

// Designs are in the order of a search: of equal ones the first is on the front.
const frontOf = (designs, objectives) => {
  const of = (design) => objectives.map((objective) => data.ranks[design][objective]);
  const places = designs.map((design) => [of(design), design]);
  places.sort(([a, first], [b, second]) => {
    const differs = a.findIndex((rank, index) => rank !== b[index]);
    return differs < 0 ? first - second : a[differs] - b[differs];
  });
  const found = [];
  for (const [ranks, design] of places) {
    const beaten = found.some(([best]) => best.every((rank, index) => rank <= ranks[index]));
    if (!beaten) found.push([ranks, design]);
  }
  return new Set(found.map(([, design]) => design));
};

// Marks of cores: circle, square, diamond, triangles, plus, star, cross

const MARKS = [
  "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z", "M-3.6 -3.6H3.6V3.6H-3.6Z", "M0 -5L5 0L0 5L-5 0Z",
  "M0 -5L4.8 4H-4.8Z", "M0 5L4.8 -4H-4.8Z",
  "M-1.7 -5H1.7V-1.7H5V1.7H1.7V5H-1.7V1.7H-5V-1.7H-1.7Z",
  "M0 -5.5L1.5 -1.8L5.4 -1.7L2.3 .7L3.4 4.5L0 2.3L-3.4 4.5L-2.3 .7L-5.4 -1.7L-1.5 -1.8Z",
  "M-4.6 -2.6L-2.6 -4.6L0 -2L2.6 -4.6L4.6 -2.6L2 0L4.6 2.6L2.6 4.6L0 2L-2.6 4.6L-4.6 2.6L-2 0Z",
];

// Controls

const checkbox = (label, ...before) => {
  const input = element("input", { type: "checkbox" });
  input.checked = true;
  input.addEventListener("change", update);
  return [input, element("label", { class: "check" }, input, ...before, label)];
};
const coreBoxes = Object.entries(data.series).map(([core, series]) => {
  const mark = drawn("path", { d: MARKS[series], class: `mark front s${series}` });
  const icon = drawn("svg", { viewBox: "-7 -7 14 14", "aria-hidden": "true" }, mark);
  const [input, label] = checkbox(core, icon);
  byId("cores").append(label);
  return [core, input];
});
const objectiveBoxes = data.objectives.map((name) => {
  const [input, label] = checkbox(name);
  byId("objectives").append(label);
  return input;
});

for (const limit of limits) {
  const { column, upper, unit, flag } = limit;
  const finite = column.numbers.filter(Number.isFinite);
  const stops = [...new Set(finite)].sort((a, b) => a - b);
  const shown = (value) => textOf(column, column.numbers.indexOf(value));
  const id = flag.slice(2);
  const field = element("input", {
    type: "text", id, autocomplete: "off", spellcheck: "false",
    "aria-describedby": `${id}-wrong`,
  });
  const slider = element("input", {
    type: "range", min: 0, max: stops.length - 1, step: 1,
    "aria-label": `${upper ? "Largest" : "Least"} ${column.title}`,
  });
  const wrong = element("span", { class: "wrong", id: `${id}-wrong`, role: "alert" });
  const loosest = upper ? stops.length - 1 : 0;
  limit.show = (typed = false) => {
    const stop = limit.bound === null ? loosest
      : upper ? stops.findLastIndex((one) => one <= limit.bound * (1 + 1e-12))
      : stops.findIndex((one) => one >= limit.bound * (1 - 1e-12));
    slider.value = stop < 0 ? (upper ? 0 : stops.length - 1) : stop;
    const exact = limit.bound === null ? stops[loosest] : limit.bound;
    const text = stops.includes(exact) ? shown(exact) : written(exact, unit);
    if (!typed) field.value = text;
    slider.setAttribute("aria-valuetext", text);
    field.setAttribute("aria-invalid", "false");
    wrong.textContent = "";
  };
  limit.reset = () => {
    limit.bound = null;
    limit.show();
  };
  slider.addEventListener("input", () => {
    limit.bound = Number(slider.value) === loosest ? null : stops[slider.value];
    limit.show();
    update();
  });
  field.addEventListener("change", () => {
    const value = field.value.trim() ? parsed(field.value, unit) : stops[loosest];
    if (!Number.isFinite(value)) {
      field.setAttribute("aria-invalid", "true");
      wrong.textContent = `Give a number${unit && ` with the unit ${unit}`}, such as ${shown(stops[loosest])}`;
      return;
    }
    const loose = upper ? value >= stops[loosest] : value <= stops[loosest];
    limit.bound = loose || field.value === shown(stops[loosest]) ? null : value;
    // What is rounded for people to read is meant to be the number itself.
    const meant = stops.find((one) => shown(one) === field.value.trim());
    if (limit.bound !== null && meant !== undefined) limit.bound = meant;
    limit.show();
    update();
  });
  byId("sliders").append(
    element(
      "div", { class: "limit" },
      element("label", { for: id }, `${column.title} at ${upper ? "most" : "least"}`),
      slider, field, wrong,
    ),
  );
  limit.reset();
}
words.addEventListener("input", update);
document.querySelector("#limits form").addEventListener("submit", (event) => event.preventDefault());
document.querySelector("#limits form").addEventListener("reset", (event) => {
  event.preventDefault(); // a range would go to its middle
  for (const limit of limits) limit.reset();
  for (const box of [...coreBoxes.map(([, one]) => one), ...objectiveBoxes]) box.checked = true;
  words.value = "";
  update();
});

// Plots

const WIDTH = 460;
const HEIGHT = 310;
const LEFT = 66;
const RIGHT = WIDTH - 22;
const TOP = 26;
const BOTTOM = HEIGHT - 42;

const scaleOf = (column, from, to) => {
  const values = column.numbers.filter(Number.isFinite);
  const positive = values.filter((value) => value > 0);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const least = Math.min(...positive);
  const logarithmic = low >= 0 && high > 12 * least && column.unit !== "dB";
  // Nought has a place of its own, beside the logarithms.
  const nought = logarithmic && low === 0;
  const begin = nought ? from + (to - from) * 0.1 : from;
  const of = logarithmic ? Math.log10 : (value) => value;
  let [a, b] = logarithmic ? [of(least), of(high)] : [low, high];
  const margin = (b - a || Math.abs(a) || 1) * 0.05;
  [a, b] = [a - margin, b + margin];
  const place = (value) =>
    logarithmic && value <= 0 ? from + (to - from) * 0.03 : begin + ((of(value) - a) / (b - a)) * (to - begin);
  const ticks = [];
  if (logarithmic) {
    const every = Math.ceil((b - a) / 4.5);
    const digits = b - a < 3.3 ? [1, 3] : [1];
    for (let power = Math.floor(a); power <= b; power += every) {
      for (const digit of digits) ticks.push(Number(`${digit}e${power}`));
    }
  } else {
    const rough = (b - a) / 4;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].find((one) => one * power >= rough) * power;
    for (let n = Math.ceil(a / step); n * step <= b; n += 1) ticks.push(n * step);
  }
  const inside = ticks.filter((tick) => of(tick) >= a && of(tick) <= b);
  return { place, ticks: nought ? [0, ...inside] : inside };
};

const step = (members, by, forwards) => {
  const order = [...members].sort((a, b) => by(a) - by(b) || a - b);
  const at = order.indexOf(chosen);
  if (at >= 0) return order[Math.max(0, Math.min(order.length - 1, at + (forwards ? 1 : -1)))];
  const later = order.findIndex((design) => by(design) > by(chosen));
  return order[later < 0 ? order.length - 1 : later];
};

const plots = data.plots.map(([across, up], number) => {
  const svg = drawn("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "application", "aria-roledescription": "plot", tabindex: 0,
    "aria-describedby": `plot-${number}-told keys`,
  });
  const told = element("p", { class: "unseen", id: `plot-${number}-told` });
  const layers = ["back", "broken", "kept", "front", "over"].map((name) => drawn("g", { class: name }));
  const [back, broken, keptLayer, frontLayer, over] = layers;
  svg.append(...layers);
  const selects = [up, across].map((key, index) => {
    const select = element("select", { "aria-label": `Plot ${number + 1}, ${index ? "across" : "up"}` });
    for (const column of measures) {
      select.append(element("option", { value: column.key }, column.title));
    }
    select.value = key;
    select.addEventListener("change", () => plot.rebuild());
    return select;
  });
  const caption = element("p", { class: "hint caption", "aria-hidden": "true" });
  const plot = { svg };
  let x, y, ways, marks;
  plot.rebuild = () => {
    [y, x] = selects.map((select) => columns[select.value]);
    svg.setAttribute("aria-label", `${y.title} against ${x.title}`);
    ways = [scaleOf(x, LEFT, RIGHT), scaleOf(y, BOTTOM, TOP)];
    back.replaceChildren(
      ...ways[0].ticks.flatMap((tick) => {
        const at = ways[0].place(tick);
        return [
          drawn("line", { class: "grid", x1: at, x2: at, y1: TOP, y2: BOTTOM }),
          drawn("text", { x: Math.min(at, WIDTH - 30), y: BOTTOM + 17, "text-anchor": "middle" }, written(tick, x.unit)),
        ];
      }),
      ...ways[1].ticks.flatMap((tick) => {
        const at = ways[1].place(tick);
        return [
          drawn("line", { class: "grid", x1: LEFT, x2: RIGHT, y1: at, y2: at }),
          drawn("text", { x: LEFT - 6, y: at + 4, "text-anchor": "end" }, written(tick, y.unit)),
        ];
      }),
      drawn("path", { class: "frame", d: `M${LEFT} ${TOP}V${BOTTOM}H${RIGHT}` }),
      drawn("text", { x: RIGHT, y: HEIGHT - 6, "text-anchor": "end" }, `${x.title} →`),
      drawn("text", { x: 4, y: 14 }, `↑ ${y.title}`),
    );
    for (const layer of [broken, keptLayer, frontLayer]) layer.replaceChildren();
    marks = every.map((design) => {
      const [px, py] = [ways[0].place(x.numbers[design]), ways[1].place(y.numbers[design])];
      if (!Number.isFinite(px) || !Number.isFinite(py)) return null;
      const series = data.series[data.cores[design]];
      const mark = drawn("path", { d: MARKS[series], transform: `translate(${px.toFixed(1)} ${py.toFixed(1)})` });
      return { mark, px, py, series, state: "" };
    });
    plot.draw();
  };
  plot.draw = () => {
    const isKept = new Set(kept);
    for (const design of every) {
      const one = marks[design];
      if (!one) continue;
      const state = front.has(design) ? "front" : isKept.has(design) ? "kept" : "broken";
      if (state === one.state) continue;
      one.state = state;
      one.mark.setAttribute("class", `mark ${state} s${one.series}`);
      ({ broken, kept: keptLayer, front: frontLayer })[state].append(one.mark);
    }
    const lines = [];
    for (const { bound, key } of limits) {
      if (bound === null) continue;
      if (key === x.key) {
        const at = ways[0].place(bound);
        lines.push(drawn("line", { class: "bound", x1: at, x2: at, y1: TOP, y2: BOTTOM }));
      }
      if (key === y.key) {
        const at = ways[1].place(bound);
        lines.push(drawn("line", { class: "bound", x1: LEFT, x2: RIGHT, y1: at, y2: at }));
      }
    }
    const path = best();
    if (path) lines.push(drawn("path", { class: "best", d: path }));
    const here = marks[chosen];
    if (here) lines.push(drawn("circle", { class: "ring", cx: here.px, cy: here.py, r: 8 }));
    over.replaceChildren(...lines);
    say(chosen);
    told.textContent = inWords();
  };
  // What it shows, for those who do not see it.
  const inWords = () => {
    const there = kept.filter((design) => marks[design]);
    if (!there.length) return "No design is kept.";
    const ranges = [x, y].map((column) => {
      const order = [...there].sort((a, b) => column.numbers[a] - column.numbers[b]);
      return `${column.title} from ${textOf(column, order[0])} to ${textOf(column, order.at(-1))}`;
    });
    const best = there.filter((design) => front.has(design)).length;
    return `${there.length} designs, ${best} on the front: ${ranges.join(", ")}. Chosen: ${caption.textContent}.`;
  };
  // The steps of what is best in the two numbers alone.
  const best = () => {
    if (x.key === y.key || !x.better || !y.better) return "";
    const [sx, sy] = [x, y].map((column) => (column.better === "less" ? 1 : -1));
    const points = kept.filter((design) => marks[design]);
    points.sort((a, b) => sx * (x.numbers[a] - x.numbers[b]) || sy * (y.numbers[a] - y.numbers[b]));
    let least = Infinity;
    let path = "";
    for (const design of points) {
      const value = sy * y.numbers[design];
      if (value >= least) continue;
      const { px, py } = marks[design];
      path += path ? `H${px.toFixed(1)}V${py.toFixed(1)}` : `M${px.toFixed(1)} ${py.toFixed(1)}`;
      least = value;
    }
    return path;
  };
  const say = (design) => {
    caption.textContent = `${data.labels[design]}: ${textOf(x, design)}, ${textOf(y, design)}`;
  };
  const nearest = (event) => {
    const box = svg.getBoundingClientRect();
    const scale = WIDTH / box.width;
    const [mx, my] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    let [found, least] = [-1, (22 * scale) ** 2];
    for (const design of kept) {
      const one = marks[design];
      if (!one) continue;
      // Of marks on each other the one on the front is meant.
      const off = (one.px - mx) ** 2 + (one.py - my) ** 2 + (front.has(design) ? 0 : 4);
      if (off < least) [found, least] = [design, off];
    }
    return found;
  };
  svg.addEventListener("click", (event) => {
    const design = nearest(event);
    if (design >= 0) choose(design, [x, y]);
  });
  svg.addEventListener("pointermove", (event) => {
    const design = nearest(event);
    say(design < 0 ? chosen : design);
  });
  svg.addEventListener("pointerleave", () => say(chosen));
  svg.addEventListener("keydown", (event) => {
    const along = { ArrowLeft: x, ArrowRight: x, ArrowUp: y, ArrowDown: y }[event.key];
    const members = listed().filter((design) => marks[design]);
    if (!along || !members.length || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const forwards = event.key === "ArrowRight" || event.key === "ArrowUp";
    choose(step(members, (design) => along.numbers[design], forwards), [x, y]);
  });
  const axes = element("div", { class: "axes" }, selects[0], "against", selects[1]);
  document.querySelector(".plots").append(element("div", { class: "plot" }, axes, svg, caption, told));
  return plot;
});

// The chosen design

// A line that ends between words only.
const spelled = (line) =>
  line.split(" ").flatMap((word, index) => [index ? " " : "", element("span", { class: word.length < 32 ? "word" : "" }, word)]);

const copied = (pre, text) => {
  const what = text().split(" ").slice(0, 2).join(" ");
  const button = element("button", { type: "button", "aria-label": `Copy ${what}` }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
    } catch {
      getSelection().selectAllChildren(pre);
      document.execCommand("copy");
    }
    button.textContent = "Copied";
    byId("said").textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  return button;
};

const ratioOf = (column, design) => {
  if (!column.measure) return "";
  const [mine, other] = [column.numbers[design], column.numbers[0]];
  if (mine === other || !(mine > 0) || !(other > 0)) return "";
  if (column.unit === "dB") return `${mine > other ? "+" : "−"}${Math.abs(mine - other).toFixed(1)} dB`;
  const ratio = mine / other;
  if (!Number.isFinite(ratio)) return "";
  return ratio >= 0.5 && ratio <= 2
    ? `${ratio > 1 ? "+" : "−"}${Math.abs((ratio - 1) * 100).toPrecision(2)} %`
    : `x ${+ratio.toPrecision(3)}`;
};

const describe = () => {
  byId("chosen-label").textContent = data.labels[chosen]
    + (chosen === 0 ? ": the choice of the search" : "")
    + (front.has(chosen) ? ", on the front" : kept.includes(chosen) ? ", not on the front" : ", breaks a limit");
  const bodies = data.columns.filter((column) => [0, chosen].some((one) => textOf(column, one) !== "-")).map((column) => {
    const ratio = ratioOf(column, chosen);
    const mine = element("td", { class: "number", role: "cell", "data-label": "this design" }, textOf(column, chosen));
    if (ratio) mine.append(element("span", { class: "ratio" }, ratio));
    const other = { class: "number", role: "cell", "data-label": "the search's" };
    const head = { scope: "row", role: "rowheader", class: "case", title: column.meaning };
    return element(
      "tbody", { role: "rowgroup" },
      element("tr", { role: "row" }, element("th", head, column.title), mine, element("td", other, textOf(column, 0))),
    );
  });
  const table = byId("numbers");
  for (const body of [...table.tBodies]) body.remove();
  table.append(...bodies);
  byId("lines").replaceChildren(
    ...data.commands[chosen].map((line) => {
      const [, command] = data.lines[line].split(" ");
      const scrolled = { tabindex: 0, role: "group", "aria-label": `Command line of ${command}` };
      const pre = element("pre", scrolled, element("code", {}, ...spelled(data.lines[line])));
      return element("div", { class: "copied" }, pre, copied(pre, () => data.lines[line]));
    }),
  );
};

function choose(design, axes = []) {
  chosen = design;
  const numbers = axes.map((column) => `${column.title} ${textOf(column, design)}`);
  byId("said").textContent = [data.labels[design], ...numbers].join(", ");
  for (const plot of plots) plot.draw();
  describe();
  for (const body of table.tBodies) mark(body);
}

// The table

const table = byId("designs");
const frontOnly = byId("front-only");
const ofTable = [columns.core ?? null, ...data.table.map((key) => columns[key])];
let order = null;
let most = ROWS;
const listed = () => (frontOnly.checked ? kept.filter((design) => front.has(design)) : kept);

const mark = (body) => {
  const isThis = Number(body.dataset.design) === chosen;
  body.classList.toggle("this", isThis);
  body.querySelector("button").setAttribute("aria-pressed", isThis);
};

const fill = () => {
  const members = [...listed()];
  if (order) {
    const column = ofTable[order.index];
    const key = (design) => (column?.numbers ? column.numbers[design] : column ? textOf(column, design) : data.cores[design]);
    members.sort((a, b) => {
      const [p, q] = [key(a), key(b)];
      if (typeof p === "string") return (order.descending ? -1 : 1) * compare(p, q);
      // What has no number comes last in any case.
      if (Number.isNaN(p) || Number.isNaN(q)) return Number.isNaN(p) - Number.isNaN(q);
      return p === q ? a - b : (order.descending ? -1 : 1) * (p < q ? -1 : 1);
    });
  }
  const shown = members.slice(0, most);
  for (const body of [...table.tBodies]) body.remove();
  table.append(
    ...shown.map((design) => {
      // Those of one core are told apart by all that differs.
      const button = element("button", { type: "button", "aria-label": data.labels[design] }, data.cores[design]);
      const row = element("tr", { role: "row" }, element("th", { scope: "row", role: "rowheader", class: "case" }, button));
      for (const column of ofTable.slice(1)) {
        const text = textOf(column, design);
        const rest = data.rest.includes(column.key) ? " rest" : "";
        const nothing = text === "-" || !text ? " nothing" : "";
        const kind = `${column.numbers ? "number" : "text"}${rest}${nothing}`;
        row.append(element("td", { role: "cell", class: kind, "data-label": column.title }, text));
      }
      const body = element("tbody", { role: "rowgroup", "data-design": design }, row);
      body.addEventListener("click", () => choose(design));
      mark(body);
      return body;
    }),
  );
  byId("listed").textContent = `${shown.length} of ${members.length} ${frontOnly.checked ? "designs on the front" : "designs"}`;
  byId("more").hidden = shown.length === members.length;
};
makeSortable(table, (index, descending) => {
  order = { index, descending };
  fill();
});
frontOnly.addEventListener("change", () => {
  most = ROWS;
  fill();
});
byId("more").addEventListener("click", () => {
  const next = most;
  most += ROWS;
  fill();
  table.tBodies[next].querySelector("button").focus();
});

// All of it, at most once for a picture of the screen

const again = byId("again");
const whole = (value, upper) => {
  const text = value.toPrecision(4);
  const kept = upper ? Number(text) >= value : Number(text) <= value;
  return String(kept ? Number(text) : value);
};
let asked = false;

function update() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    refresh();
  });
}

const refresh = () => {
  const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
  const cores = new Set(coreBoxes.filter(([, box]) => box.checked).map(([core]) => core));
  kept = every.filter(
    (design) =>
      cores.has(data.cores[design]) && keeps(design) && wanted.every((word) => searched[design].includes(word)),
  );
  front = frontOf(kept, every.filter((index) => objectiveBoxes[index]?.checked));
  byId("status").textContent = kept.length
    ? `${kept.length} of ${count} designs kept, ${front.size} on the front`
    : `None of ${count} designs is kept: widen a limit`;
  const moved = limits.filter(({ bound }) => bound !== null);
  const line = [data.command, ...moved.map(({ flag, bound, upper }) => `${flag} ${whole(bound, upper)}`)];
  again.replaceChildren(...spelled(line.join(" ")));
  for (const plot of plots) plot.draw();
  describe();
  most = ROWS;
  fill();
};

const holder = again.parentElement;
kept = every;
for (const plot of plots) plot.rebuild();
refresh();
holder.after(copied(holder, () => again.textContent));
