// Headers of tables become buttons that sort by their column; without scripts tables are complete.
// A body of a table is one entry: its values, and the command below them.
const compare = (a, b) => {
  const [x, y] = [Number(a), Number(b)];
  return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, "en") : x - y;
};

// Where a header is pressed, `reorder` gets its place, and whether the largest comes first.
const makeSortable = (table, reorder) => {
  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    header.replaceChildren(button);
    button.addEventListener("click", () => {
      const descending = header.getAttribute("aria-sort") === "ascending";
      for (const other of headers) other.removeAttribute("aria-sort");
      header.setAttribute("aria-sort", descending ? "descending" : "ascending");
      reorder(index, descending);
    });
  });
};

for (const table of document.querySelectorAll("table.sortable")) {
  makeSortable(table, (index, descending) => {
    const key = (entry) => entry.rows[0].cells[index].dataset.sort;
    const entries = [...table.tBodies].sort((a, b) => compare(key(a), key(b)));
    table.append(...(descending ? entries.reverse() : entries));
  });
}
