// What all charts share: their data, keys, tips, and the way from point to point by keyboard.
const kit = (() => {
  // Filled before the first chart is drawn.
  const data = {};
  const tip = document.getElementById("tip");
  const SYMBOLS = ["circle", "square", "triangle", "diamond", "star", "wye", "cross", "hexagon"];
  const DASHES = ["0", "6 3", "2 3", "8 3 2 3", "0", "6 3", "2 3", "8 3 2 3"];
  const colour = (i) => `var(--s${Math.min(i, 7)})`;
  const loud = (point) => point.weights === "random" || point.weights === "nano";
  const seriesOf = (points) => [...new Set(points.map((point) => point.series))];
  const short = (value) => (Math.abs(value) >= 1000 ? value.toLocaleString("en") : String(Number(value.toPrecision(3))));
  const cut = (name, length) => (name.length > length ? `${name.slice(0, length - 1)}…` : name);
  const titled = (axis) => cut(axis.name, 60) + (axis.unit ? ` (${axis.unit})` : "");
  const said = (axis, value, lo = null, hi = null) =>
    `${axis.name} ${short(value)}${axis.unit ? ` ${axis.unit}` : ""}${lo === null || hi === null ? "" : ` [${short(lo)}, ${short(hi)}]`}`;

  // Points come as short lists; here they get their names back.
  const named = (place) => {
    const [name, anchor, encoder, weights] = data.candidates[place];
    return {name, anchor, encoder, weights};
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
      item.append(chart, document.createTextNode(cut(name, 80)));
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

  const hollow = () => ({
    name: "hollow: random or nano weights", chart: swatch([Plot.dot([[0.5, 0.5]], {stroke: "var(--ink-2)", fill: "var(--panel)", r: 4})]),
  });

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
    const places = new Map();
    order.forEach(([node, point], place) => {
      places.set(node, place);
      node.setAttribute("role", "link");
      node.setAttribute("tabindex", place === 0 ? "0" : "-1");
      node.setAttribute("aria-label", `${point.name}: ${point.said}${loud(point) ? `, ${point.weights} weights` : ""}`);
    });
    // One listener a chart, not one a point: there are thousands of points.
    const on = (name, act) => svg.addEventListener(name, (event) => {
      const place = places.get(event.target);
      if (place !== undefined) act(place, event);
    });
    const tell = (place) => showTip(...order[place]);
    const go = (place) => order[place][1].anchor && (location.hash = order[place][1].anchor);
    on("focusin", tell);
    on("mouseover", tell);
    on("focusout", () => (tip.hidden = true));
    on("mouseout", () => (tip.hidden = true));
    on("click", go);
    on("keydown", (place, event) => {
      const moves = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1};
      const last = order.length - 1;
      let next = place;
      if (event.key in moves) next = Math.min(last, Math.max(0, place + moves[event.key]));
      else if (event.key === "Home") next = 0;
      else if (event.key === "End") next = last;
      else if (event.key === "Enter") {
        go(place);
        return;
      } else if (event.key === "Escape") {
        tip.hidden = true;
        return;
      } else return;
      event.preventDefault();
      order[place][0].setAttribute("tabindex", "-1");
      order[next][0].setAttribute("tabindex", "0");
      order[next][0].focus();
    });
  }

  const arrow = (axis) => (axis.direction === "higher" ? "↑ " : axis.direction === "lower" ? "↓ " : "") + titled(axis);

  // Each kind of chart adds how its points get their names back, and how it is drawn.
  return {data, tip, SYMBOLS, DASHES, colour, loud, seriesOf, short, titled, said, named, logTicks, key, swatch, hollow, reachable, arrow, cut, unfold: {}, draw: {}};
})();
