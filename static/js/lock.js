// Covers the page when nobody used it for a while, as the server locks the session; what was typed stays below.
// The server's clock decides. It is told of what people do here, never of what the page does by itself.
(function () {
  "use strict";

  const box = document.getElementById("lock");
  if (!box) return;
  const SAY_MS = 30_000, RETRY_MS = 15_000;
  const form = box.querySelector("[data-unlock]"), password = form.elements.password, refusal = document.getElementById("unlock-refusal");
  const windows = "BroadcastChannel" in window ? new BroadcastChannel("session") : null;
  let locksAt = Date.now() + box.dataset.locksAfter * 1000, endsAt = locksAt; // until the server says more
  let saidAt = Date.now(), timer = 0, title = "", focused = null;

  const isLocked = () => box.open;
  const token = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] || form.elements.csrfmiddlewaretoken.value;
  const isSignedOut = (answer) => answer.type === "opaqueredirect" || answer.status === 401;

  function plan() {
    clearTimeout(timer);
    const due = isLocked() ? endsAt : locksAt;
    timer = setTimeout(ask, due > Date.now() ? due - Date.now() + 100 : RETRY_MS);
  }

  async function ask() {
    const answer = await call(box.dataset.session, { method: "GET" });
    if (!answer && Date.now() >= locksAt) lock(); // the server cannot be asked: this page's own clock has to do
    plan();
  }

  async function call(url, options) {
    try {
      const headers = { Accept: "application/json", "X-CSRFToken": token() };
      const answer = await fetch(url, { ...options, headers, redirect: "manual", signal: AbortSignal.timeout(15_000) });
      if (isSignedOut(answer)) leave();
      else if (answer.ok) take(await answer.json());
      return answer;
    } catch { return null; }
  }

  function take(state) {
    locksAt = Date.now() + state.locks_in_s * 1000;
    endsAt = Date.now() + state.ends_in_s * 1000;
    if (state.locks_in_s > 0) open();
    else lock();
    plan();
  }

  function lock() {
    if (isLocked()) return;
    title = document.title;
    focused = document.activeElement;
    document.title = "Locked"; // the page's own may name a patient
    document.documentElement.dataset.locked = "";
    refusal.textContent = password.value = "";
    box.showModal();
    password.focus();
  }

  function open() {
    if (!isLocked()) return;
    delete document.documentElement.dataset.locked;
    box.close();
    document.title = title;
    // The dialog gave the focus back to what was still invisible: it would take no keys.
    document.activeElement.blur();
    focused?.focus({ preventScroll: true });
    document.dispatchEvent(new CustomEvent("sessionunlocked"));
  }

  // Nothing of the page stays on the screen of somebody who was signed out; where drafts are kept they are kept.
  function leave() {
    if (!isLocked() && Date.now() < locksAt) return; // signed out elsewhere: the page says so when it is used
    location.replace(`${box.dataset.login}?${new URLSearchParams({ next: location.pathname + location.search })}`);
  }

  function active(event) {
    if (!event.isTrusted || isLocked()) return;
    if (Date.now() >= locksAt) { ask(); return; } // e.g. after the computer slept
    if (Date.now() - saidAt < SAY_MS) return;
    saidAt = Date.now();
    call(box.dataset.session, { method: "POST" });
  }

  ["pointerdown", "keydown", "wheel", "touchmove"].forEach((kind) => document.addEventListener(kind, active, { capture: true, passive: true }));
  ["focus", "pageshow", "online"].forEach((kind) => window.addEventListener(kind, () => { if (isLocked() || Date.now() >= locksAt) ask(); }));
  windows?.addEventListener("message", ask);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    refusal.textContent = "";
    const answer = await call(form.action, { method: "POST", body: new FormData(form) });
    button.disabled = false;
    password.value = "";
    if (answer?.ok) return windows?.postMessage("unlocked");
    const said = answer && await answer.json().catch(() => null);
    refusal.textContent = said?.detail || "The clinic server did not answer. Try again.";
    password.focus();
  });
  box.addEventListener("cancel", (event) => event.preventDefault());
  box.addEventListener("close", () => { if ("locked" in document.documentElement.dataset) box.showModal(); });

  // While it is locked the page asks for nothing and sends nothing.
  document.addEventListener("htmx:beforeRequest", (event) => { if (isLocked()) event.preventDefault(); });
  document.addEventListener("htmx:responseError", (event) => { if (event.detail.xhr.status === 423) ask(); });
  document.addEventListener("sessionlocked", ask);
  document.addEventListener("submit", (event) => {
    if (box.contains(event.target) || Date.now() < locksAt) return;
    event.preventDefault();
    event.stopPropagation();
    ask();
  }, true);

  plan();
})();
