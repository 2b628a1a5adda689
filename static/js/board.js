// The public board: fetches itself when the clinic says that something changed, every 2 s while nobody can
// tell, says when the connection is lost, and chimes when somebody new is called.
(function () {
  "use strict";

  const POLL_MS = 2000;
  const SILENT_MS = 35000; // two heartbeats and a little
  const RETRY_MS = 15000; // after the server refused a stream, e.g. because it serves too many

  const live = document.getElementById("board-live");
  const lost = document.getElementById("connection");
  const button = document.getElementById("sound");
  let audio = null;
  let shown = "";
  let last = document.getElementById("board")?.dataset.last || "";
  let stream = null;
  let heardAt = 0;

  const refresh = () => htmx.trigger(live, "refresh");
  const isStreaming = () => stream !== null && stream.readyState === EventSource.OPEN && Date.now() - heardAt < SILENT_MS;

  function listen() {
    if (!live.dataset.events) return;
    if (stream) stream.close();
    stream = new EventSource(live.dataset.events);
    stream.onopen = () => { heardAt = Date.now(); };
    stream.addEventListener("heartbeat", () => { heardAt = Date.now(); });
    stream.addEventListener("changed", () => { heardAt = Date.now(); refresh(); });
  }

  // A stream that hangs half open says nothing: after the silence it is opened anew. The browser itself
  // comes back to one that broke off.
  let triedAt = Date.now();
  listen();
  setInterval(() => {
    if (isStreaming()) return;
    refresh();
    const isOver = stream !== null && (stream.readyState === EventSource.CLOSED || (heardAt && Date.now() - heardAt > SILENT_MS));
    if (isOver && Date.now() - triedAt > RETRY_MS) {
      triedAt = Date.now();
      listen();
    }
  }, POLL_MS);

  const isBoard = (event) => event.detail.elt === live || event.detail.target?.id === "board";
  const failed = (event) => { if (isBoard(event)) lost.hidden = false; };
  ["htmx:sendError", "htmx:responseError", "htmx:timeout"].forEach((name) => document.addEventListener(name, failed));

  // The same board again is not put in anew: a screen reader would read it again.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!isBoard(event) || event.detail.xhr.status !== 200) return;
    lost.hidden = true;
    if (event.detail.serverResponse === shown) event.detail.shouldSwap = false;
    shown = event.detail.serverResponse;
  });

  document.addEventListener("htmx:afterSwap", () => {
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
