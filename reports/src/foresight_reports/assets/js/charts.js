// Draws the charts with Plot and makes every point reachable by keyboard and announced.
(() => {
  const island = document.getElementById("chart-data");
  const data = island ? JSON.parse(island.textContent) : {};
  const tip = document.getElementById("tip");
  const SYMBOLS = ["circle", "square", "triangle", "diamond", "star", "wye", "plus", "times"];
  const DASHES = ["0", "6 3", "2 3", "8 3 2 3", "0", "6 3", "2 3", "8 3 2 3"];
  const colour = (i) => `var(--s${Math.min(i, 7)})`;
  const loud = (point) => point.weights === "random" || point.weights === "nano";
  const seriesOf = (points) => [...new Set(points.map((point) => point.series))];
  const short = (value) => (Math.abs(value) >= 1000 ? value.toLocaleString("en") : String(Number(value.toPrecision(3))));
  const titled = (axis) => axis.name + (axis.unit ? ` (${axis.unit})` : "");
  const said = (axis, value, lo = null, hi = null) =>
    `${axis.name} ${short(value)}${axis.unit ? ` ${axis.unit}` : ""}${lo === null || hi === null ? "" : ` [${short(lo)}, ${short(hi)}]`}`;

  // Points come as short lists; here they get their names back.
  const named = (place) => {
    const [name, anchor, encoder, weights] = data.candidates[place];
    return {name, anchor, encoder, weights};
  };
  const unfold = {
    tradeoff: ({x: xs, y: ys, points}) => points.map(([place, x, y, lo, hi, front]) => {
      const who = named(place);
      return {...who, x, y, lo, hi, front: front === 1, series: who.encoder, said: `${said(ys, y, lo, hi)}; ${said(xs, x)}`};
    }),
    profile: ({y: ys, taps, lines, points}) => points.map(([place, tap, y, lo, hi, line]) => (
      {...named(place), x: taps[tap], y, lo, hi, series: lines[line], said: `${taps[tap]}: ${said(ys, y, lo, hi)}`}
    )),
    alignment: ({x: xs, points}) => points.map(([place, x, lo, hi, mean, p95]) => (
      {...named(place), x, lo, hi, mean, p95, said: `${said(xs, x, lo, hi)}; 95th percentile of the null ${short(p95)}`}
    )),
  };

  function logTicks(low, high, width) {
    const steps = high / low > 50 ? [1, 3] : [1, 2, 5];
    const ticks = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
      for (const step of steps) ticks.push(step * 10 ** power);
    }
    const inside = ticks.filter((tick) => tick >= low && tick <= high);
    return inside.length >= 2 && inside.length <= width / 60 ? inside : undefined;
  }

  function key(box, entries) {
    const list = document.createElement("ul");
    list.className = "plot-key";
    for (const {name, chart} of entries) {
      const item = document.createElement("li");
      item.append(chart, document.createTextNode(name));
      list.append(item);
    }
    box.append(list);
  }

  function swatch(marks) {
    const chart = Plot.plot({
      className: "fs-plot", width: 26, height: 12, margin: 0, axis: null,
      x: {domain: [0, 1], range: [3, 23]}, y: {domain: [0, 1], range: [10, 2]}, marks,
    });
    chart.setAttribute("aria-hidden", "true");
    clean(chart);
    return chart;
  }

  // Plot labels plain groups, which assistive technology may not read out: labels stay only where a role allows them.
  const clean = (svg) => svg.querySelectorAll("g[aria-label]").forEach((group) => {
    group.dataset.mark = group.getAttribute("aria-label");
    group.removeAttribute("aria-label");
  });

  function showTip(node, point) {
    tip.replaceChildren();
    const name = document.createElement("b");
    name.textContent = point.name;
    tip.append(name, point.said + (loud(point) ? ` (${point.weights} weights)` : ""));
    tip.hidden = false;
    const at = node.getBoundingClientRect();
    const wide = tip.offsetWidth;
    const left = Math.min(Math.max(8, at.left + at.width / 2 - wide / 2), document.documentElement.clientWidth - wide - 8);
    const above = at.top - tip.offsetHeight - 8;
    tip.style.left = `${left + scrollX}px`;
    tip.style.top = `${(above > 60 ? above : at.bottom + 8) + scrollY}px`;
  }

  function reachable(svg, points, figure) {
    clean(svg);
    svg.setAttribute("role", "group");
    svg.setAttribute("aria-labelledby", figure.querySelector("h3").id);
    svg.setAttribute("aria-describedby", figure.querySelector(".finding").id);
    const nodes = [...svg.querySelectorAll('[data-mark="dot"] > *')];
    const order = nodes
      .map((node) => [node, points[node.__data__]])
      .sort(([, a], [, b]) => (a.series === b.series || typeof a.x === "number" ? 0 : a.series < b.series ? -1 : 1));
    order.forEach(([node, point], place) => {
      node.setAttribute("role", "link");
      node.setAttribute("tabindex", place === 0 ? "0" : "-1");
      node.setAttribute("aria-label", `${point.name}: ${point.said}${loud(point) ? `, ${point.weights} weights` : ""}`);
      node.addEventListener("focus", () => showTip(node, point));
      node.addEventListener("mouseenter", () => showTip(node, point));
      node.addEventListener("blur", () => (tip.hidden = true));
      node.addEventListener("mouseleave", () => (tip.hidden = true));
      node.addEventListener("click", () => (location.hash = point.anchor));
      node.addEventListener("keydown", (event) => {
        const moves = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1};
        const last = order.length - 1;
        let next = place;
        if (event.key in moves) next = Math.min(last, Math.max(0, place + moves[event.key]));
        else if (event.key === "Home") next = 0;
        else if (event.key === "End") next = last;
        else if (event.key === "Enter") {
          location.hash = point.anchor;
          return;
        } else if (event.key === "Escape") {
          tip.hidden = true;
          return;
        } else return;
        event.preventDefault();
        node.setAttribute("tabindex", "-1");
        order[next][0].setAttribute("tabindex", "0");
        order[next][0].focus();
      });
    });
  }

  const arrow = (axis) => (axis.direction === "higher" ? "↑ " : axis.direction === "lower" ? "↓ " : "") + titled(axis);

  const draw = {
    tradeoff(box, chart, width) {
      const {points, x, y} = chart;
      const series = seriesOf(points);
      const place = (point) => series.indexOf(point.series);
      const [low, high] = [Math.min(...points.map((p) => p.x)), Math.max(...points.map((p) => p.x))];
      const log = low > 0 && high / low > 4;
      const entries = series.slice(0, 8).map((name, i) => ({
        name: i === 7 && series.length > 8 ? `${series.length - 7} others` : name,
        chart: swatch([Plot.dot([[0.5, 0.5]], {symbol: SYMBOLS[i], stroke: colour(i), fill: colour(i), r: 4})]),
      }));
      if (points.some(loud)) {
        entries.push({name: "hollow: random or nano weights", chart: swatch([Plot.dot([[0.5, 0.5]], {stroke: "var(--ink-2)", r: 4})])});
      }
      entries.push({name: "front", chart: swatch([Plot.line([[0, 0.5], [1, 0.5]], {stroke: "var(--ink)"})])});
      key(box, entries);
      const fill = (point) => (loud(point) ? "var(--panel)" : colour(place(point)));
      return Plot.plot({
        className: "fs-plot", width, height: Math.min(420, 220 + width * 0.2), marginLeft: 52, marginBottom: 42, marginTop: 26, marginRight: 20,
        x: {
          type: log ? "log" : "linear", label: `${titled(x)}, lower is better`, labelAnchor: "center", labelArrow: "none", grid: true,
          ticks: log ? logTicks(low, high, width) : Math.max(3, width / 110), tickFormat: short, nice: !log, inset: 12,
        },
        y: {label: arrow(y), labelArrow: "none", grid: true, nice: true, ticks: 6},
        symbol: {domain: series, range: series.map((_, i) => SYMBOLS[Math.min(i, 7)])},
        marks: [
          Plot.ruleX(points.length > 60 ? points.filter((p) => p.front) : points, {x: "x", y1: (p) => p.lo ?? p.y, y2: (p) => p.hi ?? p.y, stroke: (p) => colour(place(p)), strokeOpacity: 0.4}),
          Plot.dot(points, {x: "x", y: "y", symbol: "series", stroke: (p) => colour(place(p)), fill, opacity: (p) => (p.front || points.length < 60 ? 1 : 0.4), r: (p) => (p.front ? 5.5 : 3.5), sort: null, strokeWidth: 1.5}),
          Plot.line(points.filter((p) => p.front), {x: "x", y: "y", curve: "step-after", stroke: "var(--ink)", strokeWidth: 1.5, strokeOpacity: 0.8}),
        ],
      });
    },

    profile(box, chart, width) {
      const {points, taps, y} = chart;
      const series = seriesOf(points);
      const place = (point) => series.indexOf(point.series);
      if (series.length > 1) {
        key(box, series.slice(0, 8).map((name, i) => ({
          name, chart: swatch([Plot.line([[0, 0.5], [1, 0.5]], {stroke: colour(i), strokeWidth: 2, strokeDasharray: DASHES[i]})]),
        })));
      }
      const top = Math.max(...points.map((p) => p.hi ?? p.y));
      const bottom = Math.min(...points.map((p) => p.lo ?? p.y));
      const near = (value) => value !== null && value <= top + (top - bottom) * 0.6 && value >= bottom - (top - bottom) * 1.2;
      const bounds = [["floor", chart.floor], ["ceiling", chart.ceiling]].filter(([, value]) => near(value));
      const dense = taps.length > width / 62;
      return Plot.plot({
        className: "fs-plot", width, height: 270, marginLeft: 48, marginBottom: dense ? 78 : 40, marginTop: 26, marginRight: 16,
        x: {type: "point", domain: taps, label: null, tickRotate: dense ? -50 : 0, padding: 0.3},
        y: {label: arrow(y), labelArrow: "none", grid: true, nice: true, ticks: 5},
        marks: [
          Plot.ruleY(bounds, {y: "1", stroke: "var(--ink-2)", strokeDasharray: "3 3"}),
          Plot.text(bounds, {y: "1", text: "0", frameAnchor: "right", dy: -7, fill: "var(--ink-2)"}),
          ...series.flatMap((name, i) => {
            const line = points.filter((point) => point.series === name);
            return [
              Plot.areaY(line.filter((p) => p.lo !== null && p.hi !== null), {x: "x", y1: "lo", y2: "hi", fill: colour(i), fillOpacity: 0.14}),
              Plot.line(line, {x: "x", y: "y", stroke: colour(i), strokeWidth: 2, strokeDasharray: DASHES[Math.min(i, 7)]}),
            ];
          }),
          Plot.dot(points, {x: "x", y: "y", stroke: (p) => colour(place(p)), fill: (p) => (loud(p) ? "var(--panel)" : colour(place(p))), r: 3.5, strokeWidth: 1.5, sort: null}),
        ],
      });
    },

    alignment(box, chart, width) {
      const {points, x} = chart;
      key(box, [
        {name: "value and interval", chart: swatch([Plot.line([[0, 0.5], [1, 0.5]], {stroke: "var(--s0)"}), Plot.dot([[0.5, 0.5]], {fill: "var(--s0)", r: 3.5})])},
        {name: "permutation null, mean to 95th percentile", chart: swatch([Plot.line([[0, 0.5], [1, 0.5]], {stroke: "var(--line-2)", strokeWidth: 7})])},
      ]);
      const rows = points.map((_, i) => i);
      const at = (i) => points[i];
      return Plot.plot({
        className: "fs-plot", width, height: 52 + rows.length * 34, marginLeft: 10, marginRight: 16, marginBottom: 40, marginTop: 12,
        x: {label: arrow(x), labelAnchor: "center", labelArrow: "none", grid: true, nice: true, ticks: Math.max(3, width / 110)},
        y: {type: "band", domain: rows, axis: null},
        marks: [
          Plot.link(rows, {x1: (i) => at(i).mean ?? 0, x2: (i) => at(i).p95, y1: (i) => i, y2: (i) => i, dy: 6, stroke: "var(--line-2)", strokeWidth: 8}),
          Plot.link(rows, {x1: (i) => at(i).lo ?? at(i).x, x2: (i) => at(i).hi ?? at(i).x, y1: (i) => i, y2: (i) => i, dy: 6, stroke: "var(--s0)", strokeWidth: 1.5}),
          Plot.dot(rows, {x: (i) => at(i).x, y: (i) => i, dy: 6, stroke: "var(--s0)", fill: (i) => (loud(at(i)) ? "var(--panel)" : "var(--s0)"), r: 4, strokeWidth: 1.5, sort: null}),
          Plot.text(rows, {frameAnchor: "left", y: (i) => i, dy: -8, text: (i) => cut(at(i).name, width / 7), textAnchor: "start", fill: "var(--ink)", fontFamily: "var(--mono)", fontSize: 11, stroke: "var(--panel)", strokeWidth: 3}),
        ],
      });
    },
  };
  const cut = (name, length) => (name.length > length ? `${name.slice(0, length - 1)}…` : name);

  function drawOne(box) {
    const chart = data[box.dataset.key];
    const width = Math.floor(box.clientWidth);
    if (!chart || !width || box.dataset.width === String(width)) return;
    box.dataset.width = String(width);
    box.replaceChildren();
    const points = unfold[box.dataset.plot](chart);
    const svg = draw[box.dataset.plot](box, {...chart, points}, width);
    box.append(svg);
    reachable(svg, points, box.closest("figure"));
  }

  const boxes = [...document.querySelectorAll("[data-plot]")];
  // One chart a turn: the page can be read, sorted and searched while the charts appear.
  const soon = window.requestIdleCallback ?? ((work) => setTimeout(work, 0));
  const waitingBoxes = [...boxes];
  function drawNext() {
    const box = waitingBoxes.shift();
    if (box) {
      drawOne(box);
      soon(drawNext, {timeout: 200});
      return;
    }
    document.documentElement.dataset.ready = "true";
    performance.mark("ready");
  }
  performance.mark("usable");
  soon(drawNext, {timeout: 200});
  addEventListener("beforeprint", () => waitingBoxes.splice(0).forEach(drawOne));
  let waiting;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => boxes.filter((box) => box.dataset.width).forEach(drawOne), 150);
  });
})();
