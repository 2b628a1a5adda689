// Tables. A row with data-row-link opens by click or Enter, and the arrows move between such rows.
// Roles are written out because a table that is stacked on a phone loses its own in some browsers.
(function () {
  "use strict";

  const ROLES = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TFOOT: "rowgroup", TR: "row", TD: "cell" };

  function setUp(root) {
    root.querySelectorAll(".data-table").forEach((table) => {
      [table, ...table.querySelectorAll("thead, tbody, tfoot, tr, td")].forEach((part) => {
        if (!part.hasAttribute("role")) part.setAttribute("role", ROLES[part.tagName]);
      });
      table.querySelectorAll("th").forEach((th) => {
        if (!th.hasAttribute("role")) th.setAttribute("role", th.scope === "row" ? "rowheader" : "columnheader");
      });
    });
    root.querySelectorAll(".table-wrap").forEach(reachable);
    root.querySelectorAll("tr[data-row-link]").forEach((row) => {
      if (!row.querySelector("a[href]")) row.tabIndex = 0;
    });
  }

  // A table that is wider than its place has to be scrollable by keyboard.
  function reachable(wrap) {
    if (wrap.scrollWidth > wrap.clientWidth + 1) {
      wrap.tabIndex = 0;
      wrap.setAttribute("role", "region");
      wrap.setAttribute("aria-label", wrap.querySelector("caption")?.textContent.trim() || "Table");
    } else {
      ["tabindex", "role", "aria-label"].forEach((name) => wrap.removeAttribute(name));
    }
  }

  const target = (row) => row.querySelector("a.row-link, a[href]") || row;
  const rowsOf = (row) => [...row.closest("table").querySelectorAll("tr[data-row-link]")];

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const row = event.target.closest?.("tr[data-row-link]");
    if (!row || event.target.matches("input, select, textarea")) return;
    if (event.key === "Enter" && event.target === row) return location.assign(row.dataset.rowLink);
    const rows = rowsOf(row);
    const at = rows.indexOf(row);
    const to = { ArrowDown: rows[at + 1], ArrowUp: rows[at - 1], Home: rows[0], End: rows[rows.length - 1] }[event.key];
    if (!to) return;
    event.preventDefault();
    target(to).focus();
  });

  document.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-row-link]");
    if (!row || event.target.closest("a, button, input, select, textarea, label, summary, dialog")) return;
    if (String(getSelection())) return; // someone copies a number
    if (event.ctrlKey || event.metaKey) window.open(row.dataset.rowLink, "_blank", "noopener");
    else location.assign(row.dataset.rowLink);
  });

  setUp(document);
  document.addEventListener("htmx:afterSwap", (event) => setUp(event.detail.elt.isConnected ? event.detail.elt.parentElement || document : document));
  let timer = 0;
  window.addEventListener("resize", () => {
    clearTimeout(timer);
    timer = setTimeout(() => document.querySelectorAll(".table-wrap").forEach(reachable), 150);
  });
})();
