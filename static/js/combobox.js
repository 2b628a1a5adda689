// Search as you type: a text input (role=combobox) and a listbox that htmx fills with options.
// Arrows choose, Enter takes, Escape closes. An option has data-href (go there), or data-value
// (goes to the hidden [data-combobox-value]); both have data-label. With [data-combobox-words] the input
// holds words between commas: the options come once, and those that begin a word like the last one are shown.
(function () {
  "use strict";

  const boxOf = (element) => element.closest?.("[data-combobox]");
  const inputOf = (box) => box.querySelector("[role=combobox]");
  const listOf = (box) => box.querySelector("[role=listbox]");
  const allOptionsOf = (box) => [...listOf(box).querySelectorAll("[role=option]")];
  const optionsOf = (box) => allOptionsOf(box).filter((option) => !option.hidden);
  const holdsWords = (box) => box.matches("[data-combobox-words]");
  const lastWordOf = (box) => inputOf(box).value.split(",").at(-1).trim().toLowerCase();
  const chosenOf = (box) => listOf(box).querySelector('[aria-selected="true"]');

  function open(box, on) {
    listOf(box).hidden = !on;
    inputOf(box).setAttribute("aria-expanded", String(on));
    if (!on) choose(box, null);
  }

  function choose(box, option) {
    allOptionsOf(box).forEach((each) => each.setAttribute("aria-selected", String(each === option)));
    if (option) {
      inputOf(box).setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else {
      inputOf(box).removeAttribute("aria-activedescendant");
    }
  }

  function narrow(box) {
    const word = lastWordOf(box);
    const taken = inputOf(box).value.toLowerCase().split(",").map((each) => each.trim());
    allOptionsOf(box).forEach((option) => {
      const label = option.dataset.label.toLowerCase();
      option.hidden = taken.includes(label) || !` ${label}`.includes(` ${word}`);
    });
    open(box, word !== "" && optionsOf(box).length > 0);
  }

  function takeWord(box, option) {
    const before = inputOf(box).value.split(",").slice(0, -1).map((each) => each.trim()).filter(Boolean);
    inputOf(box).value = `${[...before, option.dataset.label].join(", ")}, `;
    inputOf(box).dispatchEvent(new Event("input", { bubbles: true }));
    inputOf(box).focus();
  }

  function take(box, option) {
    if (holdsWords(box)) return takeWord(box, option);
    if (option.dataset.href) return location.assign(option.dataset.href);
    const value = box.querySelector("[data-combobox-value]");
    inputOf(box).value = option.dataset.label;
    if (value) {
      value.value = option.dataset.value || "";
      value.dispatchEvent(new Event("change", { bubbles: true }));
    }
    open(box, false);
    inputOf(box).focus();
  }

  document.addEventListener("htmx:afterSwap", (event) => {
    const list = event.detail.target;
    const box = list.matches?.("[role=listbox]") && boxOf(list);
    if (!box) return;
    const options = optionsOf(box);
    if (holdsWords(box)) {
      options.forEach((option, at) => { option.id = `${list.id}-${at}`; });
      if (document.activeElement === inputOf(box)) narrow(box);
      return;
    }
    options.forEach((option, at) => { if (!option.id) option.id = `${list.id}-${at}`; });
    const asked = inputOf(box).value.trim() !== "" && document.activeElement === inputOf(box);
    open(box, asked && (options.length > 0 || list.textContent.trim() !== ""));
    if (asked) {
      const words = options.length === 1 ? "1 result" : `${options.length} results`;
      document.dispatchEvent(new CustomEvent("announce", { detail: { text: options.length ? words : "No result" } }));
    }
  });

  document.addEventListener("input", (event) => {
    const box = boxOf(event.target);
    if (!box || event.target !== inputOf(box)) return;
    if (holdsWords(box)) return narrow(box);
    const value = box.querySelector("[data-combobox-value]");
    if (value) value.value = ""; // the words no longer are what was chosen
    if (!event.target.value.trim()) open(box, false);
  });

  document.addEventListener("keydown", (event) => {
    const box = boxOf(event.target);
    if (!box || event.target !== inputOf(box)) return;
    const options = optionsOf(box);
    const shown = !listOf(box).hidden;
    const at = options.indexOf(chosenOf(box));
    if (event.key === "Escape" && shown) {
      event.preventDefault();
      open(box, false);
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && options.length && event.target.value.trim()) {
      event.preventDefault();
      if (!shown) open(box, true);
      const step = event.key === "ArrowDown" ? at + 1 : at < 0 ? options.length - 1 : at - 1;
      choose(box, options[(step + options.length) % options.length]);
    } else if (event.key === "Enter" && shown && at >= 0) {
      event.preventDefault();
      take(box, options[at]);
    }
  });

  document.addEventListener("mousedown", (event) => {
    if (event.target.closest?.("[data-combobox] [role=option]")) event.preventDefault(); // the input keeps the focus
  });
  document.addEventListener("click", (event) => {
    const option = event.target.closest?.("[data-combobox] [role=option]");
    if (option) take(boxOf(option), option);
  });
  document.addEventListener("focusout", (event) => {
    const box = boxOf(event.target);
    if (box && !box.contains(event.relatedTarget)) open(box, false);
  });
})();
