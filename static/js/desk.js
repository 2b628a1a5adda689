// The front desk: c checks the patient of the focused row in.
(function () {
  "use strict";

  document.addEventListener("keydown", (event) => {
    if (event.key !== "c" || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.matches("input, select, textarea") || document.querySelector("dialog[open]")) return;
    try { if (localStorage.getItem("shortcuts") === "off") return; } catch { /* private mode */ }
    const row = event.target.closest?.("tr");
    const button = row?.querySelector("[data-check-in]");
    if (!button) return;
    event.preventDefault();
    button.click();
  });
})();
