// Moving an appointment on the schedule: m and the arrows, or the mouse. Both send the same form.
// Without this script the appointment's own page moves it.
(function () {
  "use strict";

  const form = document.getElementById("move-form");
  const dialog = document.getElementById("move-dialog");
  if (!form) return;

  let moving = null; // the row of the appointment that is being moved
  let leaving = false; // the form is on its way

  const announce = (text) => document.dispatchEvent(new CustomEvent("announce", { detail: { text } }));
  const nameOf = (row) => row.querySelector("a.row-link").textContent.trim();
  const timeOf = (row) => row.cells[0].textContent.trim();
  const targets = () => [...document.querySelectorAll(".move-slots button")];
  const columnOf = (element) => element.closest("[data-doctor]");

  // --- The free times, one button each, while something moves -------------------------------

  function slotsRow(gap) {
    const row = document.createElement("tr");
    const cell = document.createElement("td");
    const list = document.createElement("div");
    row.className = "move-slots";
    cell.colSpan = 3;
    list.className = "cluster";
    gap.dataset.starts.trim().split(/\s+/).forEach((start) => list.append(slotButton(start, columnOf(gap))));
    cell.append(list);
    row.append(cell);
    return row;
  }

  function slotButton(start, column) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button button-small";
    button.value = start;
    button.textContent = start.slice(11, 16);
    button.setAttribute("aria-label", `Move to ${button.textContent}, ${column.getAttribute("aria-label")}`);
    return button;
  }

  function begin(row) {
    if (moving) end();
    moving = row;
    row.classList.add("is-selected");
    document.querySelectorAll("tr[data-starts]").forEach((gap) => { gap.hidden = true; gap.after(slotsRow(gap)); });
  }

  function end() {
    if (!moving) return;
    moving.classList.remove("is-selected");
    document.querySelectorAll(".move-slots").forEach((row) => row.remove());
    document.querySelectorAll("tr[data-starts]").forEach((gap) => { gap.hidden = false; });
    moving = null;
  }

  function send(button) {
    leaving = true;
    form.action = moving.dataset.move;
    form.elements.doctor.value = columnOf(button).dataset.doctor;
    form.elements.start.value = button.value;
    form.requestSubmit();
  }

  // --- By keyboard -----------------------------------------------------------------------------

  const shortcutsOn = () => { try { return localStorage.getItem("shortcuts") !== "off"; } catch { return true; } };

  function firstTarget(row) {
    const own = [...columnOf(row).querySelectorAll(".move-slots button")];
    return own.find((button) => row.compareDocumentPosition(button) & Node.DOCUMENT_POSITION_FOLLOWING) || own[0] || targets()[0];
  }

  function beginByKey(row) {
    begin(row);
    const first = firstTarget(row);
    if (!first) {
      end();
      document.dispatchEvent(new CustomEvent("toast", { detail: { text: "No free time is shown here. Open the appointment to move it elsewhere.", tone: "warning" } }));
      return;
    }
    first.focus();
    announce(`Moving ${nameOf(row)}, now ${timeOf(row)}. Arrows choose a free time, Enter moves, Escape stops.`);
  }

  function step(button, key) {
    const all = targets();
    const at = all.indexOf(button);
    const columns = [...new Set(all.map(columnOf))];
    const beside = (by) => { const column = columns[columns.indexOf(columnOf(button)) + by]; return column && all.find((each) => columnOf(each) === column); };
    return {
      ArrowRight: all[at + 1], ArrowDown: all[at + 1], ArrowLeft: all[at - 1], ArrowUp: all[at - 1],
      Home: all[0], End: all[all.length - 1], PageDown: beside(1), PageUp: beside(-1),
    }[key];
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || dialog.open) return;
    if (moving && event.key === "Escape") {
      const back = moving.querySelector("a.row-link");
      end();
      back.focus();
      announce("Not moved.");
      return;
    }
    const slot = moving && event.target.closest?.(".move-slots button");
    const to = slot && step(slot, event.key);
    if (to) { event.preventDefault(); to.focus(); return; }
    const row = event.target.closest?.("tr[data-move]");
    if (row && event.key === "m" && shortcutsOn()) { event.preventDefault(); beginByKey(row); }
  });

  document.addEventListener("click", (event) => {
    const button = moving && event.target.closest(".move-slots button");
    if (button) send(button);
  });

  // --- By mouse: what is let go somewhere by chance is asked about ------------------------------

  let dropped = null;

  document.addEventListener("dragstart", (event) => {
    const row = event.target.closest?.("tr[data-move]");
    if (!row) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", row.dataset.move);
    setTimeout(() => begin(row)); // a page that changes at once ends the drag
  });

  document.addEventListener("dragover", (event) => {
    const button = moving && event.target.closest?.(".move-slots button");
    document.querySelectorAll(".move-slots .is-over").forEach((each) => { if (each !== button) each.classList.remove("is-over"); });
    if (!button) return;
    event.preventDefault();
    button.classList.add("is-over");
  });

  document.addEventListener("drop", (event) => {
    const button = moving && event.target.closest?.(".move-slots button");
    if (!button) return;
    event.preventDefault();
    dropped = button;
    dialog.querySelector("[data-words]").textContent =
      `${nameOf(moving)}: from ${timeOf(moving)}, ${columnOf(moving).getAttribute("aria-label")}, to ${button.textContent}, ${columnOf(button).getAttribute("aria-label")}.`;
    dialog.showModal();
    dialog.querySelector("[data-go]").focus();
  });

  document.addEventListener("dragend", () => { if (!dropped) end(); });
  dialog.querySelector("[data-go]").addEventListener("click", () => { send(dropped); dialog.close(); });
  dialog.querySelector("[data-stop]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => { dropped = null; if (!leaving) end(); });
  window.addEventListener("pageshow", (event) => { if (event.persisted) { leaving = false; end(); } });
})();
