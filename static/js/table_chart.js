// Draws <canvas data-chart-of="id of a table"> as bars: labels from the rows' headings, heights from [data-value].
// The table stays: it is what is read where there is no script or no picture.
(function () {
  "use strict";

  const canvases = [...document.querySelectorAll("canvas[data-chart-of]")];
  if (!canvases.length || !window.Chart) return;

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(name).trim();
    return { bar: of("--accent"), words: of("--ink-quiet"), line: of("--line") };
  }

  function draw(canvas) {
    const rows = [...document.getElementById(canvas.dataset.chartOf).querySelectorAll("tbody tr")];
    const { bar, words, line } = colours();
    canvas.parentElement.hidden = false;
    return new Chart(canvas, {
      type: "bar",
      data: {
        labels: rows.map((row) => row.querySelector("th").dataset.short || row.querySelector("th").textContent.trim()),
        datasets: [{ data: rows.map((row) => Number(row.querySelector("[data-value]").dataset.value)), backgroundColor: bar, maxBarThickness: 36 }],
      },
      options: {
        animation: false,
        aspectRatio: 4,
        plugins: { legend: { display: false } },
        scales: {
          x: { ticks: { color: words }, grid: { display: false } },
          y: { beginAtZero: true, ticks: { color: words, precision: 0 }, grid: { color: line } },
        },
      },
    });
  }

  let charts = canvases.map(draw);
  new MutationObserver(() => {
    charts.forEach((chart) => chart.destroy());
    charts = canvases.map(draw);
  }).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme", "data-bs-theme"] });
})();
