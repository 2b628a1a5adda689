// Keeps what is typed into a consultation: on the server a moment after it was typed, and in this browser,
// encrypted with a key that only its author's session is given, for as long as the server does not have it.
(function () {
  "use strict";

  const bar = document.querySelector("[data-drafts]");
  if (!bar) return;
  const { drafts: url, person, visit } = bar.dataset;
  const isOpen = bar.dataset.open === "yes";
  const place = `draft:${person}:${visit}`;
  const SEND_MS = 1500, KEEP_MS = 200, RETRY_MS = 4000, KEPT_DAYS = 7;
  const WORDS = {
    clean: "Everything is saved. What you type is kept as you go.",
    typing: "Keeping what you type…",
    kept: (at) => `Saved as a draft at ${at}. It joins the record with its own Save button.`,
    offline: "Not saved, offline: the clinic server does not answer. What you type is kept in this browser and sent as soon as it does.",
    locked: "This window is locked. What you type is kept in this browser until you unlock it.",
    out: "You are signed out. What you type is kept in this browser. Sign in in another window, then go on here.",
    other: "Someone else has signed in on this computer. Nothing is saved in their name: sign in as yourself, then go on here.",
    clash: "This visit is open in another window, where something else was typed.",
    closed: "This visit was closed. What you typed is kept in this browser; to put it on record, use an addendum.",
    local: "What you type is kept in this browser until you add it.",
  };
  const UNKEPT = " This browser cannot keep it safely on this address: leave this window open.";
  const TONES = { clean: "good", typing: "good", kept: "good", local: "good" };

  let version = Number(bar.dataset.version);
  let base = JSON.parse(bar.dataset.values); // what the server has
  let mine = {}; // what stands here, of each form that differs from what is saved
  let clashing = null; // {values, version} of the other window
  let state = "clean", sending = false, sendTimer = 0, keepTimer = 0;

  const same = (one, other) => spelled(one) === spelled(other);
  const spelled = (fields) => fields ? JSON.stringify(Object.entries(fields).sort()) : "";
  const names = (...all) => [...new Set(all.flatMap((each) => Object.keys(each)))];
  const differs = () => names(mine, base).some((name) => !same(mine[name], base[name]));
  const formOf = (name) => document.querySelector(`form[data-draft="${name}"]`);

  // --- Forms -------------------------------------------------------------------------------

  const fieldsOf = (form) => [...form.elements].filter((field) => field.name && field.name !== "csrfmiddlewaretoken" && !/^(submit|button|file|password)$/.test(field.type));

  function read(form) {
    const values = {};
    fieldsOf(form).forEach((field) => {
      if (/^(checkbox|radio)$/.test(field.type)) { if (field.checked) values[field.name] = field.value; } else values[field.name] = field.value;
    });
    return values;
  }

  function isChanged(field) {
    if (/^(checkbox|radio)$/.test(field.type)) return field.checked !== field.defaultChecked;
    if (field.type === "select-one") return field.selectedIndex !== Math.max(0, [...field.options].findIndex((option) => option.defaultSelected));
    return field.value !== field.defaultValue;
  }

  // A form that was refused shows what was typed as if it were saved.
  function isUnsaved(form) {
    const shown = fieldsOf(form).filter((field) => field.type !== "hidden");
    return form.matches("[data-unsaved]") ? shown.some((field) => field.value) : shown.some(isChanged);
  }

  function fill(form, values) {
    fieldsOf(form).forEach((field) => {
      if (/^(checkbox|radio)$/.test(field.type)) field.checked = values[field.name] === field.value;
      else if (field.name in values) field.value = values[field.name];
    });
    const details = form.closest("details");
    if (details) details.open = true;
  }

  function show(name) {
    const form = formOf(name);
    if (!form) return;
    if (mine[name]) fill(form, mine[name]);
    else { form.removeAttribute("data-unsaved"); form.reset(); }
  }

  // Words whose form is no longer on the page are shown to copy, and to let go of.
  function showLeftover() {
    const left = Object.keys(mine).filter((name) => !formOf(name));
    const box = bar.querySelector("[data-leftover]");
    box.hidden = !left.length;
    bar.querySelector("[data-leftover-words]").textContent = left.flatMap((name) => Object.entries(mine[name])
      .filter(([field, value]) => value && !/^(request_id|amends|rank|version)$/.test(field)).map(([, value]) => value)).join("\n");
  }

  // --- This browser ---------------------------------------------------------------------------

  const cipher = crypto.subtle && crypto.subtle.importKey("raw", bytes(bar.dataset.key), "AES-GCM", false, ["encrypt", "decrypt"]);
  function bytes(text) { return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)); }
  const text = (buffer) => btoa([...new Uint8Array(buffer)].map((code) => String.fromCharCode(code)).join(""));

  async function keep() {
    if (!cipher) return;
    if (!differs()) return localStorage.removeItem(place);
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const content = new TextEncoder().encode(JSON.stringify({ mine, base }));
    const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await cipher, content);
    try {
      if (differs()) localStorage.setItem(place, JSON.stringify({ at: Date.now(), iv: text(iv), data: text(data) }));
      else localStorage.removeItem(place);
    } catch { /* no room: the window still has it */ }
  }

  async function kept() {
    const stored = localStorage.getItem(place);
    if (!stored || !cipher) return null;
    try {
      const { iv, data } = JSON.parse(stored);
      const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: bytes(iv) }, await cipher, bytes(data));
      return JSON.parse(new TextDecoder().decode(plain));
    } catch { return null; } // of another key: unreadable for good
  }

  function forgetOld() {
    Object.keys(localStorage).filter((key) => key.startsWith("draft:")).forEach((key) => {
      let at = 0;
      try { ({ at } = JSON.parse(localStorage.getItem(key))); } catch { /* not ours */ }
      if (!(at > Date.now() - KEPT_DAYS * 86_400_000)) localStorage.removeItem(key);
    });
  }

  // --- The server -----------------------------------------------------------------------------

  const token = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] || "";

  function sendSoon(wait = SEND_MS) {
    if (!isOpen || sendTimer || clashing) return;
    sendTimer = setTimeout(() => { sendTimer = 0; send(); }, wait);
  }

  async function send(keepalive = false) {
    if (!isOpen || sending || clashing || state === "closed") return;
    if (!differs() && !/^(offline|locked|out|other)$/.test(state)) return;
    sending = true;
    const values = structuredClone(mine);
    const headers = { "Content-Type": "application/json", "X-CSRFToken": token(), "HX-Request": "true" };
    const body = JSON.stringify({ author: person, version, values });
    let answer = null;
    try { answer = await fetch(url, { method: "POST", headers, body, keepalive, redirect: "manual", signal: AbortSignal.timeout(15_000) }); } catch { /* no answer */ }
    sending = false;
    await take(answer, values);
  }

  async function take(answer, sent) {
    if (!answer || answer.status >= 500 || answer.status === 429) return later("offline");
    if (answer.type === "opaqueredirect" || answer.status === 401) return later("out");
    if (answer.status === 423) { document.dispatchEvent(new CustomEvent("sessionlocked")); return say("locked"); }
    const content = await answer.json().catch(() => ({}));
    if (answer.ok) return saved(content, sent);
    if (content.code === "other_person") return later("other");
    if (content.code === "draft_changed") return meet(content);
    if (content.code === "encounter_closed") return say("closed");
    if (answer.status === 403 && !content.code) return later("out");
    say("refused", `Not saved: ${content.detail || answer.statusText} It is kept in this browser.`);
  }

  function later(why) {
    say(why);
    sendSoon(RETRY_MS);
  }

  function saved(content, sent) {
    ({ version } = content);
    base = sent;
    keep();
    say(differs() ? "typing" : Object.keys(mine).length ? "kept" : "clean");
    if (differs()) sendSoon();
  }

  // What only one window changed since both were equal needs no question.
  function meet(theirs) {
    const both = names(mine, theirs.values, base).filter((name) => !same(mine[name], theirs.values[name]));
    const clash = both.filter((name) => !same(mine[name], base[name]) && !same(theirs.values[name], base[name]));
    both.filter((name) => same(mine[name], base[name])).forEach((name) => put(name, theirs.values[name]));
    if (clash.length) { clashing = { ...theirs, clash }; return say("clash"); }
    ({ version, values: base } = theirs);
    keep();
    say(differs() ? "typing" : Object.keys(mine).length ? "kept" : "clean");
    if (differs()) sendSoon(0);
  }

  function put(name, values) {
    if (values) mine[name] = values; else delete mine[name];
    show(name);
    showLeftover();
  }

  function settle(takeTheirs) {
    const { values, clash } = clashing;
    if (takeTheirs) clash.forEach((name) => put(name, values[name]));
    ({ version, values: base } = clashing);
    clashing = null;
    keep();
    say("typing");
    send();
    if (!differs()) say(Object.keys(mine).length ? "kept" : "clean");
  }

  function say(next, words) {
    state = next;
    const time = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    let said = words || (next === "kept" ? WORDS.kept(time) : WORDS[next]);
    if (!cipher && /^(offline|locked|out|other|closed|local)$/.test(next)) said = said.replace(/ What you type is kept.*/, "") + UNKEPT;
    const line = bar.querySelector("[data-draft-state]");
    if (line.textContent !== said) line.textContent = said;
    bar.dataset.tone = TONES[next] || "warning";
    bar.dataset.state = next;
    bar.querySelector("[data-sign-in]").hidden = next !== "out" && next !== "other";
    bar.querySelectorAll("[data-settle]").forEach((button) => { button.hidden = next !== "clash"; });
  }

  // --- What people do ----------------------------------------------------------------------------

  function typed(form) {
    const name = form.dataset.draft;
    if (isUnsaved(form)) mine[name] = read(form); else delete mine[name];
    clearTimeout(keepTimer);
    keepTimer = setTimeout(keep, KEEP_MS);
    if (!isOpen) return say(Object.keys(mine).length ? "local" : "clean");
    if (!/^(offline|locked|out|other|clash|closed)$/.test(state)) say(differs() ? "typing" : state === "typing" ? "kept" : state);
    sendSoon();
  }

  const ofForm = (event) => event.target.closest?.("form[data-draft]");
  ["input", "change"].forEach((kind) => document.addEventListener(kind, (event) => { const form = ofForm(event); if (form) typed(form); }));

  document.addEventListener("htmx:configRequest", (event) => { event.detail.headers["X-Page-User"] = person; });
  document.addEventListener("signedout", (event) => { event.preventDefault(); later("out"); });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const name = event.detail.requestConfig?.elt?.dataset?.draft;
    if (!name || !event.detail.shouldSwap) return;
    if (event.detail.xhr.status < 300) delete mine[name];
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const name = event.detail.requestConfig?.elt?.dataset?.draft;
    if (name && event.detail.xhr.status === 422) formOf(name)?.setAttribute("data-unsaved", "");
    Object.keys(mine).forEach((each) => { if (each !== name) show(each); });
    showLeftover();
    keep();
    if (differs()) sendSoon(0);
    else say(Object.keys(mine).length ? "kept" : "clean");
  });

  // A signature stands for what is saved: what is only typed is looked at first.
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("#sign-visit form")) return;
    const [first] = Object.keys(mine);
    if (!first && navigator.onLine) return;
    event.preventDefault();
    event.target.closest("dialog").close();
    const words = first ? "Not signed: something you typed is not saved yet. Save or empty it first." : WORDS.offline;
    document.dispatchEvent(new CustomEvent("toast", { detail: { text: words, tone: "warning" } }));
    const form = first && formOf(first);
    if (form) fieldsOf(form).find((field) => field.type !== "hidden")?.focus();
  }, true);

  bar.addEventListener("click", (event) => {
    const settling = event.target.closest("[data-settle]");
    if (settling) return settle(settling.dataset.settle === "theirs");
    if (!event.target.closest("[data-discard]")) return;
    Object.keys(mine).filter((name) => !formOf(name)).forEach((name) => { delete mine[name]; });
    showLeftover();
    keep();
    if (isOpen) send();
    else fetch(url, { method: "DELETE", headers: { "X-CSRFToken": token() } });
  });

  document.addEventListener("sessionunlocked", () => send());
  window.addEventListener("online", () => send());
  window.addEventListener("focus", () => { if (/^(offline|out|other)$/.test(state)) send(); });
  window.addEventListener("offline", () => { if (isOpen && differs()) later("offline"); });
  window.addEventListener("pagehide", () => { keep(); send(true); });
  window.addEventListener("beforeunload", (event) => { if (differs() && !cipher) event.preventDefault(); });

  (async function start() {
    forgetOld();
    const local = await kept();
    const server = { values: base, version };
    if (local && isOpen) {
      ({ mine, base } = local);
      Object.keys(mine).forEach(show);
      meet(server);
    } else {
      mine = { ...structuredClone(base), ...(local?.mine || {}) };
      Object.keys(mine).forEach(show);
      say(Object.keys(mine).length ? isOpen ? "kept" : "local" : "clean");
    }
    showLeftover();
  })();
})();
