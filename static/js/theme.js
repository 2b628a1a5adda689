// Sets light or dark before the first paint. The choice ('light', 'dark' or 'auto') is kept under
// the same key as the admin's, so both agree.
(function () {
  "use strict";
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  function stored() {
    try { return localStorage.getItem("theme") || "auto"; } catch { return "auto"; }
  }

  function isDark() {
    const choice = stored();
    return choice === "dark" || (choice === "auto" && system.matches);
  }

  function apply() {
    const dark = isDark();
    root.setAttribute("data-bs-theme", dark ? "dark" : "light");
    root.setAttribute("data-theme", dark ? "dark" : "light");
    document.querySelectorAll("[data-theme-toggle]").forEach((button) => {
      button.hidden = false;
      button.setAttribute("aria-pressed", String(dark));
    });
    window.dispatchEvent(new CustomEvent("themechange", { detail: { dark } }));
  }

  root.classList.add("js");
  apply();
  system.addEventListener("change", apply);
  window.addEventListener("storage", (event) => { if (event.key === "theme") apply(); });
  document.addEventListener("DOMContentLoaded", apply);
  document.addEventListener("click", (event) => {
    if (event.target.closest(".theme-toggle")) setTimeout(apply); // the admin's own button
    if (!event.target.closest("[data-theme-toggle]")) return;
    const dark = !isDark();
    try { localStorage.setItem("theme", dark === system.matches ? "auto" : dark ? "dark" : "light"); } catch { /* private mode: this page only */ }
    apply();
  });
})();
