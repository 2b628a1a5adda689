// The public board: says when the connection is lost, and chimes when somebody new is called.
(function () {
  "use strict";

  const lost = document.getElementById("connection");
  const button = document.getElementById("sound");
  let audio = null;
  let last = document.getElementById("board")?.dataset.last || "";

  const isBoard = (event) => event.detail.elt?.id === "board" || event.detail.target?.id === "board";
  const failed = (event) => { if (isBoard(event)) lost.hidden = false; };
  ["htmx:sendError", "htmx:responseError", "htmx:timeout"].forEach((name) => document.addEventListener(name, failed));

  document.addEventListener("htmx:afterSwap", () => {
    lost.hidden = true;
    const now = document.getElementById("board")?.dataset.last || "";
    if (now && now !== last) chime();
    last = now;
  });

  // Browsers allow sound only after somebody asked for it on the page.
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    button.classList.toggle("button-primary", on);
    if (on) { audio = audio || new AudioContext(); audio.resume(); chime(); }
  });

  function chime() {
    if (!audio || button.getAttribute("aria-pressed") !== "true") return;
    [659, 523].forEach((pitch, at) => {
      const tone = audio.createOscillator();
      const volume = audio.createGain();
      const start = audio.currentTime + at * 0.35;
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0.25, start);
      volume.gain.exponentialRampToValueAtTime(0.001, start + 0.9);
      tone.connect(volume).connect(audio.destination);
      tone.start(start);
      tone.stop(start + 0.9);
    });
  }
})();
