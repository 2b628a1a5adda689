// What every page does: answers of htmx, focus, toasts, double submits, dialogs, shortcuts.
// Nothing here is needed to use a page; forms and links work without it.
(function () {
  "use strict";

  const NOT_SAVED = "Not saved: the clinic server did not answer. Try again.";
  const NOT_LOADED = "The clinic server did not answer. Try again.";
  const SAID_NO = {
    401: "You have been signed out. Sign in again, then repeat this.",
    403: "Not saved: you may not do this.",
    404: "Not saved: this no longer exists. Reload the page.",
    409: "Not saved: someone else changed this meanwhile. Reload the page.",
    412: "Not saved: someone else changed this meanwhile. Reload the page.",
    423: "Not saved: this window was locked. Unlock it, then repeat this.",
    429: "Too many attempts. Wait a minute and try again.",
    503: "Not saved: the clinic server is busy or a store is away. Try again in a moment.",
  };
  const TOAST_MS = 6000;

  const store = {
    get(key) { try { return localStorage.getItem(key); } catch { return null; } },
    set(key, value) { try { localStorage.setItem(key, value); } catch { /* private mode */ } },
  };

  // --- Toasts: good news leaves by itself, warnings and errors stay ------------------------

  function toast(text, tone = "info") {
    const template = document.getElementById(`toast-${tone}`) || document.getElementById("toast-info");
    const region = document.getElementById("toasts");
    if (!template || !region) return;
    const same = [...region.children].find((card) => card.querySelector("p").textContent === text);
    if (same) same.remove();
    const card = template.content.firstElementChild.cloneNode(true);
    card.querySelector("p").textContent = text;
    showDismiss(card);
    if (tone === "danger" || tone === "warning") card.setAttribute("role", "alert");
    else leaveLater(card);
    region.append(card);
  }

  function leaveLater(card) {
    let timer = 0;
    const start = () => { timer = setTimeout(() => card.remove(), TOAST_MS); };
    const stop = () => clearTimeout(timer);
    card.addEventListener("mouseenter", stop);
    card.addEventListener("mouseleave", start);
    card.addEventListener("focusin", stop);
    card.addEventListener("focusout", start);
    start();
  }

  function announce(text) {
    const region = document.getElementById("announcer");
    if (!region) return;
    region.textContent = "";
    setTimeout(() => { region.textContent = text; }, 50);
  }

  function showDismiss(root) {
    root.querySelectorAll("[data-dismiss]").forEach((button) => { button.hidden = false; });
  }

  document.addEventListener("toast", (event) => toast(event.detail.text || event.detail.value, event.detail.tone));
  document.addEventListener("announce", (event) => announce(event.detail.text || event.detail.value));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-dismiss]");
    if (button) button.closest(".alert-box, .toast-card").remove();
    if (event.target.closest("[data-print]")) window.print();
  });

  // --- Answers that are not a page ------------------------------------------------------------

  const writes = (detail) => (detail.requestConfig?.verb || "get") !== "get";

  document.addEventListener("htmx:sendError", (event) => failed(event.detail));
  document.addEventListener("htmx:timeout", (event) => failed(event.detail));
  document.addEventListener("htmx:responseError", (event) => {
    const status = event.detail.xhr.status;
    if (writes(event.detail)) toast(SAID_NO[status] || `Not saved: the server had a problem (${status}). Try again.`, "danger");
    else failed(event.detail);
  });

  // A page that refreshes by itself must not look current when it is not.
  function stale(on) {
    const note = document.getElementById("stale");
    if (note) note.hidden = !on;
  }

  window.addEventListener("offline", () => stale(true));
  window.addEventListener("online", () => stale(false));
  document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.xhr.status) stale(event.detail.xhr.status === 503); });

  function failed(detail) {
    stale(true);
    if (writes(detail)) return toast(NOT_SAVED, "danger");
    // A part that refreshes by itself tries again soon; only a person's own click deserves a word.
    if (detail.requestConfig?.triggeringEvent) toast(NOT_LOADED, "danger");
  }

  document.addEventListener("htmx:beforeSwap", (event) => {
    // An expired session answers with the sign-in page: show it as a page, not inside a table row.
    const xhr = event.detail.xhr;
    if (/data-page="sign-in"/.test(xhr.responseText || "")) {
      event.detail.shouldSwap = false;
      if (!document.dispatchEvent(new CustomEvent("signedout", { cancelable: true }))) return; // the page keeps what was typed
      const to = new URL(xhr.responseURL || location.href, location.href);
      to.searchParams.set("next", location.pathname + location.search);
      location.assign(to);
    }
  });

  // A sign-in in another window makes a new token: forms that were drawn before it take that one.
  const csrf = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1];

  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (!csrf()) return;
    detail.headers["X-CSRFToken"] = csrf();
    if ("csrfmiddlewaretoken" in detail.parameters) detail.parameters.csrfmiddlewaretoken = csrf();
  });
  document.addEventListener("submit", ({ target }) => {
    const field = target.querySelector?.('input[name="csrfmiddlewaretoken"]');
    if (field && csrf()) field.value = csrf();
  }, true);

  // --- Focus after a swap ----------------------------------------------------------------------

  const running = new WeakMap(); // request -> [its buttons, what had the focus when it began]
  let focusedId = "";
  let hadFocus = false;

  document.addEventListener("htmx:beforeSwap", (event) => {
    // A button that was disabled for the request may have lost the focus by itself.
    const active = document.activeElement === document.body ? running.get(event.detail.xhr)?.[1] : document.activeElement;
    hadFocus = Boolean(active) && active !== document.body && event.detail.target.contains(active);
    focusedId = hadFocus ? active.id : "";
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    const part = event.detail.elt;
    showDismiss(part.isConnected ? part.parentElement || part : document);
    if (!part.isConnected) return;
    const wanted = part.matches("[data-focus]") ? part : part.querySelector("[data-focus], :not(dialog *)[autofocus]");
    if (wanted) return wanted.focus();
    if (!hadFocus || part.contains(document.activeElement)) return;
    const same = focusedId && document.getElementById(focusedId);
    if (same) return same.focus({ preventScroll: true });
    if (document.activeElement === document.body) {
      if (!part.hasAttribute("tabindex")) part.setAttribute("tabindex", "-1");
      part.focus({ preventScroll: true });
    }
  });

  // --- One submit at a time -----------------------------------------------------------------------

  const submitButtons = (form) => [...form.elements].filter((element) => element.type === "submit");

  function busy(buttons, on) {
    buttons.forEach((button) => {
      button.disabled = on;
      if (on) button.setAttribute("aria-busy", "true");
      else button.removeAttribute("aria-busy");
    });
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.closest("[hx-post], [hx-put], [hx-patch], [hx-delete]") === form) return;
    // After this turn: a disabled button would not send its name and value.
    setTimeout(() => busy(submitButtons(form), true));
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) document.querySelectorAll('[aria-busy="true"]').forEach((button) => busy([button], false));
  });

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!writes(event.detail)) return;
    const element = event.detail.elt;
    const buttons = element.tagName === "FORM" ? submitButtons(element) : element.matches("button") ? [element] : [];
    running.set(event.detail.xhr, [buttons.filter((button) => !button.disabled), document.activeElement]);
    busy(buttons, true);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const [buttons, active] = running.get(event.detail.xhr) || [[]];
    busy(buttons, false);
    if (active?.isConnected && document.activeElement === document.body) active.focus({ preventScroll: true });
  });

  // --- Dialogs and menus ----------------------------------------------------------------------------

  // command and commandfor, where the browser does not know them yet.
  if (!("command" in HTMLButtonElement.prototype)) {
    document.addEventListener("click", (event) => {
      const button = event.target.closest("button[commandfor]");
      const dialog = button && document.getElementById(button.getAttribute("commandfor"));
      if (!dialog) return;
      if (button.getAttribute("command") === "show-modal") dialog.showModal();
      else dialog.close();
    });
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("#user-menu button[commandfor]")) document.getElementById("user-menu").hidePopover();
    document.querySelectorAll("details.menu[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = event.target.closest?.("details.menu[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
  });

  document.querySelectorAll("details[data-remember]").forEach((details) => {
    const key = `open:${details.dataset.remember}`;
    if (store.get(key) === "no" && !details.querySelector("[aria-current]")) details.open = false;
    details.addEventListener("toggle", () => store.set(key, details.open ? "yes" : "no"));
  });

  // --- Keyboard ----------------------------------------------------------------------------------------

  const typing = (element) => element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName) && !/^(checkbox|radio|button|submit)$/.test(element.type);
  const visible = (element) => element.isConnected && element.getClientRects().length > 0;
  let afterG = 0;

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (store.get("shortcuts") === "off" || document.querySelector("dialog[open]")) return;
    const found = find(event.key);
    afterG = event.key === "g" && !found ? Date.now() : 0;
    if (!found) return;
    event.preventDefault();
    found();
  });

  function find(key) {
    if (Date.now() - afterG < 1500) {
      const link = [...document.querySelectorAll("[data-shortcut]")].find((element) => element.dataset.shortcut.replace(/^g\s+/, "") === key);
      return link && (() => link.click());
    }
    if (key === "/") {
      const search = [...document.querySelectorAll("[data-search]")].find(visible);
      return search && (() => { search.focus(); search.select(); });
    }
    if (key === "?") return () => { listShortcuts(); document.getElementById("shortcuts").showModal(); };
    const own = key.length === 1 && [...document.querySelectorAll("[data-key]")].find((element) => element.dataset.key === key && visible(element));
    return own && (() => own.click());
  }

  function listShortcuts() {
    const list = document.querySelector("[data-shortcut-list]");
    if (!list) return;
    list.querySelectorAll("[data-own]").forEach((row) => row.remove());
    document.querySelectorAll("[data-shortcut], [data-key]").forEach((element) => {
      const keys = element.dataset.key ? [element.dataset.key] : ["g", element.dataset.shortcut.replace(/^g\s+/, "")];
      const row = document.createElement("div");
      row.dataset.own = "";
      const term = document.createElement("dt");
      term.textContent = (element.querySelector("span:not(.count)") || element).textContent.trim().replace(/\s+/g, " ");
      const value = document.createElement("dd");
      value.append(...keys.flatMap((key) => { const mark = document.createElement("kbd"); mark.textContent = key; return [mark]; }));
      row.append(term, value);
      list.append(row);
    });
  }

  document.querySelectorAll("[data-shortcuts-switch]").forEach((box) => {
    box.checked = store.get("shortcuts") !== "off";
    box.addEventListener("change", () => store.set("shortcuts", box.checked ? "on" : "off"));
  });
  document.addEventListener("click", (event) => { if (event.target.closest('[commandfor="shortcuts"]')) listShortcuts(); }, true);

  showDismiss(document);
  if (!document.body.matches(".no-first-focus")) document.querySelector("main [data-focus]")?.focus();
})();
