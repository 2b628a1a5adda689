// The pattern page only: buttons that raise a toast as the server would.
document.addEventListener("click", (event) => {
  const tone = event.target.closest("[data-demo-toast]")?.dataset.demoToast;
  if (!tone) return;
  const text = tone === "success" ? "Token 14 issued." : "Not saved: the clinic server did not answer. Try again.";
  document.dispatchEvent(new CustomEvent("toast", { detail: { text, tone } }));
});
