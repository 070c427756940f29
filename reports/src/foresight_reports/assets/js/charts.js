// Quality against latency, layer profiles of one encoder, and alignment with its null.
(() => {
  const {SYMBOLS, DASHES, colour, loud, seriesOf, short, titled, said, named, logTicks, key, swatch, hollow, arrow, cut} = kit;
  Object.assign(kit.unfold, {
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
  });

  Object.assign(kit.draw, {
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
        entries.push(hollow());
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
      const entries = series.length < 2 ? [] : series.slice(0, 8).map((name, i) => ({
        name, chart: swatch([Plot.line([[0, 0.5], [1, 0.5]], {stroke: colour(i), strokeWidth: 2, strokeDasharray: DASHES[i]})]),
      }));
      if (points.some(loud)) entries.push(hollow());
      if (entries.length) key(box, entries);
      const top = Math.max(...points.map((p) => p.hi ?? p.y));
      const bottom = Math.min(...points.map((p) => p.lo ?? p.y));
      const near = (value) => value !== null && value <= top + (top - bottom) * 0.6 && value >= bottom - (top - bottom) * 1.2;
      const bounds = [["without features", chart.floor], ["ceiling", chart.ceiling]].filter(([, value]) => near(value));
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
        ...(points.some(loud) ? [hollow()] : []),
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
  });
})();
