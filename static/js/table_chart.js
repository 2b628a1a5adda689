// Draws <canvas data-chart-of="id of a table"> from that table: labels from the rows' headings, figures from [data-value].
// data-chart="line" draws lines, "across" bars that lie, else bars that stand; data-stacked puts series on each other.
// data-most draws so many rows only. A heading with data-series makes its column a series; without any, the first column with figures is the only one.
// Series differ by colour and by hatching, dash and point. The table stays: it is what is read where there is no
// script or no picture.
(function () {
  "use strict";

  const canvases = [...document.querySelectorAll("canvas[data-chart-of]")];
  if (!canvases.length || !window.Chart) return;

  const DASHES = [[], [6, 4], [2, 3], [10, 4, 2, 4]];
  const POINTS = ["circle", "rect", "triangle", "rectRot"];

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(name).trim();
    return { series: [1, 2, 3, 4, 5, 6].map((number) => of(`--chart-${number}`)), words: of("--ink-quiet"), line: of("--line"), surface: of("--surface") };
  }

  // The first series is plain, the others are hatched, each in its own way.
  function filling(colour, surface, index) {
    if (!index) return colour;
    const tile = document.createElement("canvas");
    tile.width = tile.height = 8;
    const pen = tile.getContext("2d");
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 8, 8);
    pen.strokeStyle = surface;
    pen.lineWidth = 2;
    pen.beginPath();
    if (index % 3 === 1) { pen.moveTo(-2, 10); pen.lineTo(10, -2); pen.moveTo(-2, 2); pen.lineTo(2, -2); pen.moveTo(6, 10); pen.lineTo(10, 6); }
    else if (index % 3 === 2) { pen.moveTo(0, 4); pen.lineTo(8, 4); }
    else { pen.arc(4, 4, 1, 0, 7); }
    pen.stroke();
    return pen.createPattern(tile, "repeat");
  }

  function seriesOf(table, rows) {
    const heads = [...table.tHead.rows[0].cells];
    const named = heads.filter((cell) => "series" in cell.dataset).map((cell) => ({ name: cell.textContent.trim(), at: cell.cellIndex }));
    if (!named.length) return [{ name: "", data: rows.map((row) => Number(row.querySelector("[data-value]").dataset.value)) }];
    const number = (cell) => (cell && cell.dataset.value ? Number(cell.dataset.value) : null);
    return named.map(({ name, at }) => ({ name, data: rows.map((row) => number(row.cells[at])) }));
  }

  function dataset({ name, data }, index, kind, { series, surface }) {
    const colour = series[index % series.length];
    if (kind === "line") return { label: name, data, borderColor: colour, backgroundColor: colour, borderDash: DASHES[index % 4], pointStyle: POINTS[index % 4], borderWidth: 2, pointRadius: data.length > 60 ? 0 : 3, spanGaps: false };
    return { label: name, data, backgroundColor: filling(colour, surface, index), borderColor: colour, borderWidth: index ? 1 : 0, maxBarThickness: 36 };
  }

  // Of a name that has no room beside the bars its beginning is shown: it is what people look for. The tooltip has it whole.
  function shortened(value) {
    const name = this.getLabelForValue(value), most = Math.floor(this.chart.width / 14);
    return name.length > most ? `${name.slice(0, most - 1).trimEnd()}…` : name;
  }

  function draw(canvas) {
    const table = document.getElementById(canvas.dataset.chartOf);
    const rows = [...table.tBodies[0].rows].slice(0, canvas.dataset.most || undefined);
    const { chart: kind, stacked } = canvas.dataset;
    const paint = colours();
    const series = seriesOf(table, rows);
    const across = kind === "across";
    const names = { ticks: { color: paint.words, autoSkip: !across, maxRotation: 50 }, grid: { display: false }, stacked: stacked !== undefined };
    if (across) names.ticks.callback = shortened;
    const figures = { beginAtZero: true, ticks: { color: paint.words, precision: 0 }, grid: { color: paint.line }, stacked: stacked !== undefined };
    canvas.parentElement.hidden = false;
    return new Chart(canvas, {
      type: kind === "line" ? "line" : "bar",
      data: {
        labels: rows.map((row) => row.querySelector("th").dataset.short || row.querySelector("th").textContent.trim()),
        datasets: series.map((each, index) => dataset(each, index, kind, paint)),
      },
      options: {
        animation: false,
        maintainAspectRatio: false,
        indexAxis: across ? "y" : "x",
        plugins: { legend: { display: series.length > 1, align: "start", labels: { color: paint.words, usePointStyle: kind === "line", boxWidth: kind === "line" ? 8 : 24, boxHeight: 8 } } },
        scales: across ? { x: figures, y: names } : { x: names, y: figures },
      },
    });
  }

  let charts = canvases.map(draw);
  window.addEventListener("themechange", () => {
    charts.forEach((chart) => chart.destroy());
    charts = canvases.map(draw);
  });
})();
