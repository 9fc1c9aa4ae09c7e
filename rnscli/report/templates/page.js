// Headers of tables become buttons that sort by their column; without scripts tables are complete.
// A body of a table is one entry: its values, and the command below them.
for (const table of document.querySelectorAll("table.sortable")) {
  const headers = [...table.tHead.rows[0].cells];

  const compare = (a, b) => {
    const [x, y] = [Number(a), Number(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, "en") : x - y;
  };

  headers.forEach((header, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    header.replaceChildren(button);
    button.addEventListener("click", () => {
      const descending = header.getAttribute("aria-sort") === "ascending";
      for (const other of headers) other.removeAttribute("aria-sort");
      header.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const key = (entry) => entry.rows[0].cells[index].dataset.sort;
      const entries = [...table.tBodies].sort((a, b) => compare(key(a), key(b)));
      table.append(...(descending ? entries.reverse() : entries));
    });
  });
}
