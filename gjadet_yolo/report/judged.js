// Charts, sorting and filters of an evaluation. Names from files go into the page as text only.
"use strict";
(() => {
  const find = (name) => document.getElementById(name);
  const data = JSON.parse(find("data").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const palette = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"];
  const dashes = ["solid", "dash"], PER_PAGE = 48;
  const state = { page: 0 };
  // Plotly reads tags such as <b> in every text that it draws
  const plain = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function draw(name, traces, x, y, more = {}) {
    const axis = (title, extra = {}) => ({ title: { text: title }, gridcolor: colour("--line"), zerolinecolor: colour("--line"), automargin: true, ...extra });
    const layout = {
      margin: { l: 60, r: 12, t: 12, b: 50 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "closest",
      font: { family: "system-ui, Segoe UI, DejaVu Sans, Arial, sans-serif", size: 13, color: colour("--ink") },
      legend: { orientation: "h", y: -0.18, yanchor: "top" }, xaxis: axis(x, more.x), yaxis: axis(y, more.y), ...more.layout,
    };
    return Plotly.react(name, traces, layout, { responsive: true, displaylogo: false });
  }

  function curves() {
    const wanted = find("curve-class").value, traces = [];
    data.models.forEach((model, which) => data.classes.forEach((name, index) => {
      if (wanted ? name !== wanted : index >= 12) return;
      if (data.curves[which][name].every((value) => value === null)) return; // no objects
      const label = plain(`${name}, ${model}`);
      // one entry for each class: two models of many classes would fill the chart with their legend
      traces.push({ x: data.recalls, y: data.curves[which][name], name: which ? label : plain(name), showlegend: !which, mode: "lines",
        line: { color: palette[index % palette.length], dash: dashes[which], width: 2 } });
    }));
    const axis = data.models.length > 1 ? `recall (dashed: ${plain(data.models[1])})` : "recall";
    draw("curves", traces, axis, "precision", { x: { range: [0, 1.01] }, y: { range: [0, 1.03] } });
  }

  function calibration() {
    const traces = [{ x: [0, 1], y: [0, 1], mode: "lines", name: "calibrated", line: { color: colour("--soft"), dash: "dot" } }];
    data.models.forEach((model, which) => {
      const bins = data.calibration[which].filter((bin) => bin.detections);
      traces.push({ x: bins.map((bin) => bin.confidence), y: bins.map((bin) => bin.precision), mode: "lines+markers", name: plain(model),
        line: { color: palette[which] }, text: bins.map((bin) => `${bin.detections} detections`), hovertemplate: "%{x:.3f}: %{y:.3f}<br>%{text}" });
    });
    draw("calibration", traces, "mean confidence", "precision at IoU 0.5", { x: { range: [0, 1.01] }, y: { range: [0, 1.03] } });
  }

  function confusion() {
    const labels = [...data.classes, "(nothing)"].map(plain), places = labels.map((_, index) => index);
    const shares = data.confusion.map((row) => { const sum = row.reduce((a, b) => a + b, 0); return row.map((value) => (sum ? value / sum : 0)); });
    const ticks = { tickvals: places, ticktext: labels, type: "linear" };
    const scale = [[0, dark.matches ? "#14181d" : "#ffffff"], [1, palette[0]]];
    draw("confusion", [{ type: "heatmap", z: shares, x: places, y: places, text: data.confusion, texttemplate: labels.length > 15 ? "" : "%{text}",
      colorscale: scale, showscale: false, hovertemplate: "%{text}<extra></extra>" }], `detection from ${data.rules.confidence} up`, "object",
      { x: ticks, y: { ...ticks, autorange: "reversed" } });
  }

  function degraded() {
    if (!data.degraded.length) return;
    const kinds = [...new Set(data.degraded.map((row) => row.kind))];
    const traces = kinds.map((kind, index) => {
      const rows = data.degraded.filter((row) => row.kind === kind);
      return { x: rows.map((row) => row.level), y: rows.map((row) => row.AP), name: kind, mode: "lines+markers", line: { color: palette[index % palette.length] },
        error_y: { type: "data", symmetric: false, array: rows.map((row) => row.high - row.AP), arrayminus: rows.map((row) => row.AP - row.low), thickness: 1 } };
    });
    draw("degraded", traces, "level", "AP", { y: { rangemode: "tozero" } });
  }

  const charts = () => { curves(); calibration(); confusion(); degraded(); };

  function options(name, values) {
    const list = find(name), all = new Option(name === "curve-class" && data.classes.length > 12 ? "first 12" : "all", "");
    list.replaceChildren(all, ...values.map((value) => new Option(value, value)));
  }

  function figure(entry, caption, href) {
    const box = document.createElement("figure"), image = document.createElement("img"), below = document.createElement("figcaption");
    image.src = entry.src;
    image.alt = below.textContent = caption;
    if (href) {
      const link = document.createElement("a");
      link.href = href;
      link.append(image);
      box.append(link, below);
    } else box.append(image, below);
    return box;
  }

  function crops() {
    const [ofClass, ofKind] = [find("of-class").value, find("of-kind").value];
    const some = data.crops.filter((row) => (!ofClass || row.class === ofClass) && (!ofKind || row.kind === ofKind));
    const pages = Math.max(1, Math.ceil(some.length / PER_PAGE));
    state.page = Math.min(Math.max(state.page, 0), pages - 1);
    const number = (value) => (value === null ? "–" : value.toFixed(2));
    find("crops").replaceChildren(...some.slice(state.page * PER_PAGE, (state.page + 1) * PER_PAGE).map((row) =>
      figure(row, `${row.class}, ${row.kind}, score ${number(row.confidence)}, IoU ${number(row.iou)}, ${row.image}`)));
    find("where").textContent = `${some.length} mistakes, page ${state.page + 1} of ${pages}`;
    find("before").disabled = state.page === 0;
    find("after").disabled = state.page === pages - 1;
  }

  function value(cell) { // of a cell for sorting: its number where it begins with one
    const found = parseFloat(cell.textContent.replaceAll("−", "-"));
    return Number.isNaN(found) ? cell.textContent : found;
  }

  function sortBy(table, column, head) {
    const up = head.getAttribute("aria-sort") === "descending", body = table.tBodies[0];
    table.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const missing = (row) => row.cells[column].textContent === "–";
    body.append(...[...body.rows].sort((a, b) => {
      if (missing(a) !== missing(b)) return missing(a) ? 1 : -1; // what is not known stays below
      const [one, two] = [value(a.cells[column]), value(b.cells[column])];
      const order = typeof one === "number" && typeof two === "number" ? one - two : String(one).localeCompare(String(two));
      return up ? order : -order;
    }));
  }

  document.querySelectorAll("table.sortable").forEach((table) => table.querySelectorAll("th").forEach((head, column) => {
    head.tabIndex = 0;
    head.onclick = () => sortBy(table, column, head);
    head.onkeydown = (event) => { if (event.key === "Enter") sortBy(table, column, head); };
  }));
  options("curve-class", data.classes);
  options("of-class", [...new Set(data.crops.map((row) => row.class))]);
  options("of-kind", [...new Set(data.crops.map((row) => row.kind))]);
  find("curve-class").onchange = curves;
  for (const name of ["of-class", "of-kind"]) find(name).onchange = () => { state.page = 0; crops(); };
  find("before").onclick = () => { state.page -= 1; crops(); };
  find("after").onclick = () => { state.page += 1; crops(); };
  find("worst").replaceChildren(...data.worst.map((entry) => figure(entry, entry.caption, entry.file)));
  dark.addEventListener("change", charts);
  crops();
  charts();
  document.body.dataset.ready = "yes";
})();
