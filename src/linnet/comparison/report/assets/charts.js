// Draws the charts of a report by uPlot. Every text is set as text, never as markup; no request is made.
"use strict";
(() => {
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const COLOURS = 8;
  const DASHES = [[], [7, 4], [2, 3]]; // of lines beyond the number of colours
  const colour = (line) => style(line.colour === null ? "--line" : `--c${line.colour % COLOURS}`);
  const dash = (line) => DASHES[Math.floor((line.colour || 0) / COLOURS) % DASHES.length];
  const number = (value) => (value === 0 || (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e6) ?
    String(+value.toPrecision(4)) : value.toExponential(2).replace(/\.?0+e/, "e"));

  function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  function swatch(line) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    for (const [key, value] of Object.entries({ width: 22, height: 8, "aria-hidden": "true" })) svg.setAttribute(key, value);
    const stroke = document.createElementNS("http://www.w3.org/2000/svg", "line");
    const look = { x1: 0, x2: 22, y1: 4, y2: 4, stroke: colour(line), "stroke-width": 3, "stroke-dasharray": dash(line).join(" ") };
    for (const [key, value] of Object.entries(look)) stroke.setAttribute(key, value);
    svg.append(stroke);
    return svg;
  }

  // uPlot's scale of an axis: logarithmic; of values that begin with 0, as a penalty left out, linear below the smallest.
  function scale(log, values) {
    if (!log) return { distr: 1 };
    const positive = values.filter((value) => value > 0);
    const least = Math.min(...positive);
    if (values.some((value) => value === 0)) return { distr: 4, asinh: least };
    const most = Math.max(...positive);
    const margin = least === most ? 2 : (most / least) ** 0.04;
    return { distr: 3, log: 10, range: (u, low, high) => zoomed(u, low, high) ? [low, high] : [least / margin, most * margin] };
  }
  const zoomed = (u, low, high) => u.linnetZoomed && low > 0 && high > low;

  // Round numbers of a logarithmic axis: powers of ten, and 2 and 5 between them where there are few.
  function logTicks(low, high) {
    const found = [];
    const decades = Math.log10(high / low);
    const factors = decades > 4 ? [1] : decades > 1.3 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9];
    const every = Math.max(1, Math.ceil(decades / 8));
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
      if (power % every) continue;
      for (const factor of factors) {
        const tick = factor * 10 ** power;
        if (tick >= low * 0.9999 && tick <= high * 1.0001) found.push(tick);
      }
    }
    return found;
  }

  function axis(part, log, label, ticks) {
    const own = { label, stroke: style("--ink"), grid: { stroke: style("--rule"), width: 1 }, ticks: { stroke: style("--rule"), width: 1 },
      font: "12px system-ui, sans-serif", labelFont: "13px system-ui, sans-serif", labelSize: 22 };
    own.values = (u, splits) => { // a label that would touch the one before it is left out
      let last = -Infinity;
      return splits.map((value) => {
        if (value === null) return "";
        const text = number(value);
        const [at, room] = part === "x" ? [u.valToPos(value, "x"), 7 * text.length + 8] : [-u.valToPos(value, "y"), 14];
        if (Math.abs(at - last) < room) return "";
        last = at;
        return text;
      });
    };
    own.filter = (u, splits) => splits;
    if (ticks.length && ticks.length <= 8) own.splits = () => ticks;
    else if (log) own.splits = (u, index, low, high) => (low > 0 ? logTicks(low, high) : ticks.length ? ticks : [low, high]);
    if (part === "y") own.size = 62;
    return own;
  }

  function draw(place, chart) {
    const state = { logX: chart.x.log, logY: chart.y.log, hidden: new Set() };
    const entries = new Map();
    for (const line of chart.lines) if (!entries.has(line.legend)) entries.set(line.legend, line);
    const canvas = element("div", { class: "canvas", tabindex: "0", role: "img" });
    canvas.setAttribute("aria-label", `${chart.title}: ${chart.y.label} over ${chart.x.label}, ${chart.lines.length} lines. ` +
      "Arrow keys read single points, Escape shows the whole chart.");
    const tip = element("div", { class: "tip", "aria-live": "polite" });
    const keys = element("ul", { class: "keys" });
    place.append(keys, canvas);
    const all = (part) => chart.lines.flatMap((line) => line[part]);
    const missing = chart.missing.map((one) => one.x);
    let plot = null;

    function build() {
      if (plot) plot.destroy();
      const yValues = chart.y.shown.length ? chart.y.shown : all("y");
      const tables = chart.lines.map((line) => [line.x, line.y.map((value) => (state.logY && value <= 0 ? null : value))]);
      if (missing.length) tables.push([[...new Set(missing)].sort((a, b) => a - b), [...new Set(missing)].map(() => null)]);
      const joined = uPlot.join(tables);
      const data = joined.slice(0, chart.lines.length + 1);
      if (state.logX) { // uPlot has no logarithm of what is not positive, but for an axis that begins with 0
        const negative = data[0].filter((value) => value < 0).length;
        for (let index = 0; index < data.length; index++) data[index] = data[index].slice(negative);
      }
      const series = chart.lines.map((line) => ({
        label: line.name, stroke: colour(line), width: line.faint || line.colour === null ? 1 : 2, alpha: line.faint ? 0.4 : 1,
        dash: dash(line), spanGaps: true, show: !state.hidden.has(line.legend),
        paths: line.joined ? undefined : () => null,
        points: { show: !line.joined || (!line.faint && line.colour !== null && line.x.length <= 60), size: line.error.length || !line.joined ? 7 : 5, fill: colour(line) },
      }));
      const xValues = all("x").concat(missing);
      const options = {
        width: canvas.clientWidth, height: Math.max(240, Math.min(380, canvas.clientWidth * 0.6)),
        legend: { show: false }, scales: { x: { time: false, ...scale(state.logX, xValues) }, y: scale(state.logY, yValues) },
        axes: [axis("x", state.logX, chart.x.label, chart.x.ticks), axis("y", state.logY, chart.y.label, [])],
        series: [{}, ...series], focus: { alpha: 0.35 }, cursor: { focus: { prox: 24 }, drag: { x: true, y: true, uni: 30 }, points: { size: 8 },
          bind: { dblclick: (u, target, handler) => (event) => { u.linnetZoomed = false; handler(event); } } },
        padding: [12, 12, 0, 0],
        hooks: { draw: [bars, crosses], setCursor: [(u) => point(u)], setSeries: [(u, index) => { state.line = index; }],
          setSelect: [(u) => { u.linnetZoomed = u.select.width > 0 || u.select.height > 0; }] },
      };
      if (!state.logX) options.scales.x.range = (u, low, high) => (u.linnetZoomed ? [low, high] : padded(low, high));
      if (!state.logY) {
        const ends = yEnds();
        options.scales.y.range = (u, low, high) => (u.linnetZoomed ? [low, high] : ends);
      }
      plot = new uPlot(options, data, canvas);
      plot.over.append(tip);
      place.linnetPlot = plot;
    }

    function padded(low, high) {
      if (chart.lines.every((line) => line.x.length > 60)) return [low, high];
      const margin = (high - low || Math.abs(low) || 1) * 0.04;
      return [low - margin, high + margin];
    }

    function yEnds() {
      const values = chart.y.shown.length ? chart.y.shown : chart.lines.flatMap((line) => line.y.flatMap((value, index) =>
        line.error.length ? [value - line.error[index], value + line.error[index]] : [value]));
      const low = values.reduce((a, b) => Math.min(a, b), Infinity);
      const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
      const margin = (high - low || Math.abs(low) || 1) * 0.05;
      return [low - margin, high + margin];
    }

    function bars(u) {
      const context = u.ctx;
      context.save();
      context.beginPath();
      context.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
      context.clip();
      for (const line of chart.lines) {
        if (!line.error.length || state.hidden.has(line.legend)) continue;
        context.strokeStyle = colour(line);
        context.lineWidth = 1.5 * devicePixelRatio;
        line.x.forEach((x, index) => {
          const [low, high] = [line.y[index] - line.error[index], line.y[index] + line.error[index]];
          const bottom = state.logY && low <= 0 ? u.bbox.top + u.bbox.height : u.valToPos(low, "y", true);
          const across = u.valToPos(x, "x", true);
          context.beginPath();
          context.moveTo(across, bottom);
          context.lineTo(across, u.valToPos(high, "y", true));
          context.stroke();
        });
      }
      context.restore();
    }

    function crosses(u) {
      const context = u.ctx;
      context.save();
      context.strokeStyle = style("--bad");
      context.lineWidth = 2 * devicePixelRatio;
      const size = 4 * devicePixelRatio;
      for (const x of missing) {
        const [across, up] = [u.valToPos(x, "x", true), u.bbox.top + 8 * devicePixelRatio];
        if (!(across >= u.bbox.left && across <= u.bbox.left + u.bbox.width)) continue;
        context.beginPath();
        context.moveTo(across - size, up - size); context.lineTo(across + size, up + size);
        context.moveTo(across - size, up + size); context.lineTo(across + size, up - size);
        context.stroke();
      }
      context.restore();
    }

    function point(u) {
      const index = u.cursor.idx;
      const line = state.line;
      tip.textContent = "";
      if (index === null || index === undefined || u.cursor.left < 0) return;
      const near = line && u.series[line].show ? line : null;
      if (near === null) { tip.textContent = `${chart.x.label} ${number(u.data[0][index])}`; }
      else {
        const place = u.cursor.idxs[near] ?? index;
        const value = u.data[near][place];
        if (value === null || value === undefined) return;
        const own = chart.lines[near - 1];
        const at = own.x.indexOf(u.data[0][place]);
        const error = own.error.length && own.error[at] ? ` ± ${number(own.error[at])}` : "";
        tip.textContent = `${own.name}: ${number(value)}${error} at ${chart.x.label} ${number(u.data[0][place])}`;
      }
      const right = u.cursor.left > u.over.clientWidth / 2;
      tip.style.left = right ? "auto" : `${u.cursor.left + 14}px`;
      tip.style.right = right ? `${u.over.clientWidth - u.cursor.left + 14}px` : "auto";
      tip.style.top = `${Math.max(0, Math.min(u.cursor.top, u.over.clientHeight - 50))}px`;
    }

    function button(text, attributes, press, line) {
      const made = element("button", { type: "button", ...attributes }, ...(line ? [swatch(line)] : []), text);
      made.addEventListener("click", () => { press(made); });
      keys.append(element("li", {}, made));
    }

    function controls() {
      keys.textContent = "";
      if (entries.size > 1) {
        const ordered = [...entries].sort((a, b) => (a[1].colour === null) - (b[1].colour === null));
        for (const [name, line] of ordered) {
          button(name, { "aria-pressed": String(!state.hidden.has(name)) }, (made) => {
            if (!state.hidden.delete(name)) state.hidden.add(name);
            made.setAttribute("aria-pressed", String(!state.hidden.has(name)));
            chart.lines.forEach((one, index) => { if (one.legend === name) plot.setSeries(index + 1, { show: !state.hidden.has(name) }); });
          }, line);
        }
      }
      const positive = (values) => values.some((value) => value > 0) && values.every((value) => value >= 0);
      const choose = (key, label, values) => {
        if (!positive(values) || new Set(values).size < 2) return;
        button(`${label}: ${state[key] ? "logarithmic" : "linear"}`, {}, () => { state[key] = !state[key]; controls(); build(); });
      };
      choose("logY", "y axis", all("y"));
      if (chart.x.log) choose("logX", "x axis", all("x"));
    }

    canvas.addEventListener("keydown", (event) => {
      const visible = plot.series.map((one, index) => index).filter((index) => index && plot.series[index].show);
      if (!visible.length) return;
      if (event.key === "Escape") { plot.linnetZoomed = false; plot.setData(plot.data); }
      else if (["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(event.key)) {
        let rank = Math.max(0, visible.indexOf(state.read ?? visible[0]));
        if (event.key === "ArrowUp") rank = (rank + visible.length - 1) % visible.length;
        if (event.key === "ArrowDown") rank = (rank + 1) % visible.length;
        const line = state.read = visible[rank];
        const has = plot.data[line].map((value, index) => index).filter((index) => plot.data[line][index] != null);
        const move = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
        const before = has.findIndex((index) => index >= (state.index ?? has[0]));
        state.index = has[Math.max(0, Math.min(has.length - 1, (before < 0 ? has.length - 1 : before) + move))];
        state.line = line;
        plot.setCursor({ left: plot.valToPos(plot.data[0][state.index], "x"), top: plot.valToPos(plot.data[line][state.index], "y") });
        state.line = line;
        point(plot);
      } else return;
      event.preventDefault();
    });
    new ResizeObserver(() => { // also where a folded part is opened
      const width = canvas.clientWidth;
      if (!plot && width) build();
      else if (plot && width && Math.abs(width - plot.width) > 1) plot.setSize({ width, height: Math.max(240, Math.min(380, width * 0.6)) });
    }).observe(place);
    const redraw = () => { controls(); if (canvas.clientWidth) build(); };
    dark.addEventListener("change", redraw);
    redraw();
  }

  for (const place of document.querySelectorAll("[data-chart]")) draw(place, charts[Number(place.dataset.chart)]);
})();
