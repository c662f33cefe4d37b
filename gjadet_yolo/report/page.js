// Curves beside the video: one frame number, and everything that shows it.
(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("data").textContent);
  const find = (name) => document.getElementById(name);
  const time = data.time_ms, frames = time.length;
  const video = document.querySelector("#screen video");
  const state = { frame: 0, axis: 0, chosen: [] };

  const unpacked = (text, Kind) => new Kind(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
  const open = (list) => (list || []).map((entry) => (
    { ...entry, value: unpacked(entry.value, Float32Array), sigma: unpacked(entry.sigma, Float32Array) }));
  const curves = open(data.curves), turns = open(data.turns), pointCurves = open(data.point_curves);
  const places = data.point_places ? unpacked(data.point_places, Float32Array) : null;
  const status = data.point_status ? unpacked(data.point_status, Uint8Array) : null;
  const turning = () => state.axis === data.axes.length;
  const shown = () => (turning() ? turns : curves);

  // Value and standard deviation in one frame along the chosen direction. Errors along x and y count as independent.
  function at(quantity, count, which, frame) {
    if (turning()) return [quantity.value[frame * count + which], quantity.sigma[frame * count + which]];
    const place = 2 * (frame * count + which), [dx, dy] = data.axes[state.axis].vector;
    // a component that has no part may be missing
    const part = (weight, value) => (weight === 0 ? 0 : weight * value);
    return [part(dx, quantity.value[place]) + part(dy, quantity.value[place + 1]),
      Math.hypot(part(dx, quantity.sigma[place]), part(dy, quantity.sigma[place + 1]))];
  }

  function column(quantity, count, which) {
    const y = new Array(frames), low = [], high = [], x = [];
    const bandX = [], bandY = [];
    const close = () => { // a band is one closed shape for each stretch without a gap
      if (x.length) {
        bandX.push(...x, ...x.slice().reverse(), null);
        bandY.push(...high, ...low.reverse(), null);
      }
      x.length = low.length = high.length = 0;
    };
    for (let frame = 0; frame < frames; frame++) {
      const [value, sigma] = at(quantity, count, which, frame);
      y[frame] = Number.isFinite(value) ? value : null;
      if (Number.isFinite(value) && Number.isFinite(sigma)) {
        x.push(time[frame]); low.push(value - data.bar * sigma); high.push(value + data.bar * sigma);
      } else close();
    }
    close();
    return { y, bandX, bandY };
  }

  function traces() {
    const list = [], kind = frames > 4000 ? "scattergl" : "scatter";
    shown().forEach((quantity, row) => {
      const yaxis = row ? `y${row + 1}` : "y", form = `%{y:.4~g} ${quantity.unit}`;
      const add = (entry, group, own, count, which, line, dense) => {
        const { y, bandX, bandY } = column(own, count, which);
        const common = { yaxis, legendgroup: group, mode: "lines" };
        list.push({ ...common, x: bandX, y: bandY, type: "scatter", fill: "toself", fillcolor: entry.colour, opacity: dense,
          line: { width: 0 }, hoverinfo: "skip", showlegend: false });
        list.push({ ...common, x: time, y, type: kind, name: entry.name, line: { color: entry.colour, ...line },
          showlegend: row === 0, hovertemplate: form });
      };
      data.bodies.forEach((body, which) => add(body, `body${which}`, quantity, data.bodies.length, which, { width: 2 }, 0.25));
      if (!turning()) state.chosen.forEach((which) => {
        add(data.points[which], `point${which}`, pointCurves[row], data.points.length, which, { width: 1.3, dash: "dot" }, 0.12);
      });
    });
    return list;
  }

  function layout() {
    const rows = shown(), gap = 0.075, height = (1 - gap * (rows.length - 1)) / rows.length;
    const result = {
      margin: { l: 58, r: 12, t: 24, b: 46 }, hovermode: "x unified", dragmode: "zoom",
      font: { family: "system-ui, Segoe UI, DejaVu Sans, Arial, sans-serif", size: 13, color: "#1c2733" },
      legend: { orientation: "h", x: 0, y: 1.035, yanchor: "bottom" }, paper_bgcolor: "#fff", plot_bgcolor: "#fff",
      xaxis: { title: { text: "Time, ms", font: { size: 13 } }, anchor: rows.length > 1 ? `y${rows.length}` : "y", gridcolor: "#e6eaee",
        zerolinecolor: "#8896a5", range: [time[0], time[frames - 1]], unifiedhovertitle: { text: "%{x} ms" } },
      shapes: [cursor()], annotations: [],
    };
    rows.forEach((quantity, row) => {
      const top = 1 - row * (height + gap);
      result[row ? `yaxis${row + 1}` : "yaxis"] = {
        domain: [Math.max(0, top - height), top], gridcolor: "#e6eaee", zerolinecolor: "#8896a5", linecolor: "#8896a5",
        showline: true, automargin: true };
      result.annotations.push({ text: `<b>${quantity.title}, ${quantity.unit}</b>`, xref: "paper", yref: "paper", x: 0,
        y: top, xanchor: "left", yanchor: "bottom", showarrow: false, bgcolor: "#fff" });
    });
    return result;
  }

  const cursor = () => ({ type: "line", xref: "x", yref: "paper", x0: time[state.frame], x1: time[state.frame], y0: 0, y1: 1,
    line: { color: "#111", width: 1.2, dash: "dash" } });

  function draw() {
    const options = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
    Plotly.react("plots", traces(), layout(), options);
    document.querySelectorAll("#choices button").forEach((button, index) => button.classList.toggle("on", index === state.axis));
    show();
  }

  // A value with as many digits as its bar supports, as in the figures above.
  function withBar(value, bar) {
    if (!Number.isFinite(value)) return "–";
    const places = bar > 0 ? Math.min(1 - Math.floor(Math.log10(Number(bar.toPrecision(2)))), 9) : 3;
    const digits = Math.max(places, 0), step = 10 ** Math.max(-places, 0); // whole tens where the bar has three digits
    const rounded = (number) => (Math.round(number / step) * step).toFixed(0);
    const form = (number) => (step > 1 ? rounded(number) : number.toFixed(digits));
    const text = form(value).replace(/^-(0\.?0*)$/, "$1") + (bar > 0 ? ` ± ${form(bar)}` : "");
    return text.replaceAll("-", "−");
  }

  function readout() {
    const table = document.createElement("table"), head = table.createTHead().insertRow();
    const cell = (row, text, tag = "td") => {
      const made = document.createElement(tag);
      made.textContent = text;
      row.append(made);
      return made;
    };
    cell(head, "at the cursor", "th");
    shown().forEach((quantity) => { cell(head, `${quantity.title}, ${quantity.unit}`, "th").className = "number"; });
    const line = (entry, list, count, which) => {
      const row = table.insertRow(), first = cell(row, entry.name), dot = document.createElement("i");
      dot.style.background = entry.colour;
      first.prepend(dot);
      list.forEach((quantity) => {
        const [value, sigma] = at(quantity, count, which, state.frame);
        cell(row, withBar(value, data.bar * sigma)).className = "number";
      });
      return first;
    };
    data.bodies.forEach((body, which) => line(body, shown(), data.bodies.length, which));
    if (!turning()) state.chosen.forEach((which) => {
      const button = document.createElement("button");
      button.textContent = "✕";
      button.title = `Hide ${data.points[which].name}`;
      button.onclick = () => choose(which);
      line(data.points[which], pointCurves, data.points.length, which).append(button);
    });
    const box = document.createElement("div");
    box.className = "table";
    box.append(table);
    find("readout").replaceChildren(box);
  }

  function rings() {
    const svg = find("rings");
    if (!svg || !places) return;
    svg.setAttribute("viewBox", `0 0 ${data.film[0]} ${data.film[1]}`);
    svg.replaceChildren(...state.chosen.filter((which) => Number.isFinite(places[2 * (state.frame * data.points.length + which)])).map((which) => {
      const ring = document.createElementNS("http://www.w3.org/2000/svg", "circle"), place = 2 * (state.frame * data.points.length + which);
      const size = data.film[0] / 60;
      for (const [key, value] of Object.entries({ cx: places[place], cy: places[place + 1], r: size, fill: "none",
        stroke: "#ffe14d", "stroke-width": size / 6 })) ring.setAttribute(key, value);
      return ring;
    }));
  }

  function show() { // everything that depends on the frame
    find("slider").value = state.frame;
    find("clock").textContent = `${time[state.frame].toFixed(1).replace("-", "−")} ms · frame ${state.frame}`;
    Plotly.relayout("plots", { shapes: [cursor()] });
    document.body.dataset.frame = state.frame;
    readout();
    rings();
  }

  function go(frame) { // to a frame, and the video with it
    state.frame = Math.min(Math.max(frame, 0), frames - 1);
    if (video) {
      video.pause();
      video.currentTime = (state.frame + 0.5) / data.play_fps; // the middle of its time, safe from rounding
    }
    show();
  }

  function choose(which) {
    state.chosen = state.chosen.includes(which) ? state.chosen.filter((other) => other !== which) : [...state.chosen, which];
    draw();
  }

  function nearest(event) { // marker under a click, or -1
    if (!places) return -1;
    const box = find("rings").getBoundingClientRect(), scale = data.film[0] / box.width;
    const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
    let best = -1, least = Math.max(14 * scale, data.film[0] / 80);
    data.points.forEach((_, which) => {
      const index = state.frame * data.points.length + which, apart = Math.hypot(places[2 * index] - x, places[2 * index + 1] - y);
      if (status[index] && apart < least) [best, least] = [which, apart];
    });
    return best;
  }

  const toggle = () => { if (video) video.paused ? video.play() : video.pause(); };

  function watch() { // the video moves the cursor
    if (!video) {
      find("play").hidden = true;
      return;
    }
    const follow = (seconds) => {
      const frame = Math.min(Math.floor(seconds * data.play_fps + 0.01), frames - 1);
      if (!video.paused && frame !== state.frame) { state.frame = frame; show(); }
    };
    if (video.requestVideoFrameCallback) {
      const next = (_, facts) => { follow(facts.mediaTime); video.requestVideoFrameCallback(next); };
      video.requestVideoFrameCallback(next);
    } else video.addEventListener("timeupdate", () => follow(video.currentTime));
    for (const name of ["play", "pause", "ended"]) video.addEventListener(name, () => { find("play").textContent = video.paused ? "▶" : "❚❚"; });
    find("rings").addEventListener("click", (event) => {
      const which = nearest(event);
      if (which >= 0) choose(which); else toggle();
    });
  }

  function choices() {
    const names = [...data.axes.map((axis) => axis.name), "rotation"];
    find("choices").append("Along", ...names.map((name, index) => {
      const button = document.createElement("button");
      button.textContent = name;
      button.onclick = () => { state.axis = index; draw(); };
      return button;
    }));
  }

  choices();
  find("slider").max = frames - 1;
  find("slider").oninput = (event) => go(Number(event.target.value));
  find("back").onclick = () => go(state.frame - 1);
  find("next").onclick = () => go(state.frame + 1);
  find("play").onclick = toggle;
  document.addEventListener("keydown", (event) => {
    if (["INPUT", "BUTTON"].includes(event.target.tagName)) return;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) go(state.frame + step);
    else if (event.key === " ") toggle();
    else return;
    event.preventDefault();
  });
  state.frame = Math.max(0, time.findIndex((value) => value >= 0));
  draw();
  watch();
  find("plots").on("plotly_click", (event) => {
    const wanted = event.points[0].x;
    go(time.reduce((best, value, frame) => (Math.abs(value - wanted) < Math.abs(time[best] - wanted) ? frame : best), 0));
  });
  if (video) go(state.frame);
  // paper has its own width, and a chart keeps the one it was drawn with
  window.addEventListener("beforeprint", () => Plotly.relayout("plots", { width: 680, height: 560, shapes: [] }));
  window.addEventListener("afterprint", () => Plotly.relayout("plots", { width: null, height: null, autosize: true, shapes: [cursor()] }));
})();
