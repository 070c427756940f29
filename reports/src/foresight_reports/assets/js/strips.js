// Charts of conclusions: rows of values (audit, proxies, attribution), scores over depth, and maps of tokens.
(() => {
  const {DASHES, colour, loud, hollow, short, said, key, swatch, arrow, cut} = kit;
  const dot = ({symbol = "circle", colour: place, hollow}) => ({
    symbol, stroke: colour(place), fill: hollow ? "var(--panel)" : colour(place), strokeWidth: 1.5,
  });
  const tone = {bad: "var(--bad)", good: "var(--good)", mute: "var(--ink-2)"};

  Object.assign(kit.unfold, {
    strips: ({x: axis, rows, kinds, points}) => points.map(([row, kind, x, lo, hi, name, anchor]) => ({
      row, kind: kinds[kind], x, lo, hi, anchor, series: row, name: `${rows[row][0]}: ${name}`, said: said(axis, x, lo, hi),
    })),
    depth: ({y: axis, lines, points}) => points.map(([line, x, y, lo, hi, tap, anchor, best, weights]) => ({
      line, x, y, lo, hi, anchor, weights, best: best === 1, series: line, name: `${lines[line]} at ${tap}`,
      said: `${said(axis, y, lo, hi)}; relative depth ${short(x)}${best === 1 ? "; the tap that was chosen" : ""}`,
    })),
    tokens: ({classes, points, name, anchor}) => points.map(([x, y, group, row, col, frame]) => {
      const facts = [[classes[group], ""], [row, "row "], [col, "column "], [frame, "frame "]];
      return {x, y, group, row, col, frame, name, anchor, series: 0, said: facts.filter(([fact]) => fact !== null && fact !== undefined).map(([fact, word]) => word + fact).join(", ") || "a token"};
    }),
  });

  Object.assign(kit.draw, {
    strips(box, chart, width) {
      const {points, x, rows, kinds, rules, spans, tones, band, domain} = chart;
      const used = kinds.filter(Boolean);
      key(box, [
        ...used.map((kind) => ({name: kind.name, chart: swatch([Plot.dot([[0.5, 0.5]], {...dot(kind), r: 4})])})),
        ...(spans.length ? [{name: chart.span, chart: swatch([Plot.line([[0, 0.5], [1, 0.5]], {stroke: "var(--line-2)", strokeWidth: 7})])}] : []),
        ...(band ? [{name: "spread of seeds alone", chart: swatch([Plot.line([[0, 0.5], [1, 0.5]], {stroke: "var(--line)", strokeWidth: 9})])}] : []),
      ]);
      const places = rows.map((_, i) => i);
      const at = {dy: 7};
      const styled = (name) => (point) => dot(point.kind)[name];
      return Plot.plot({
        className: "fs-plot", width, height: 62 + rows.length * 36, marginLeft: 10, marginRight: 16, marginBottom: 42, marginTop: 18,
        x: {label: arrow(x), labelAnchor: "center", labelArrow: "none", grid: true, nice: !domain, domain: domain ?? undefined, ticks: Math.max(3, width / 110)},
        y: {type: "band", domain: places, axis: null},
        symbol: {domain: used.map((kind) => kind.symbol), range: used.map((kind) => kind.symbol)},
        marks: [
          ...(band ? [Plot.link(places, {x1: () => band[0], x2: () => band[1], y1: (i) => i, y2: (i) => i, ...at, stroke: "var(--line)", strokeWidth: 14})] : []),
          Plot.ruleX(rules, {x: "0", stroke: "var(--ink-2)", strokeDasharray: "3 3"}),
          Plot.text(rules, {x: "0", text: "1", frameAnchor: "top", dy: -8, fill: "var(--ink-2)"}),
          Plot.link(spans, {x1: "1", x2: "2", y1: "0", y2: "0", ...at, stroke: (span) => tone[span[3]] ?? "var(--line-2)", strokeOpacity: 0.28, strokeWidth: 9}),
          Plot.link(points.filter((p) => p.lo !== null && p.hi !== null), {x1: "lo", x2: "hi", y1: "row", y2: "row", ...at, stroke: styled("stroke"), strokeWidth: 1.5}),
          Plot.dot(points, {x: "x", y: "row", ...at, symbol: (point) => point.kind.symbol, stroke: styled("stroke"), fill: styled("fill"), r: 4, strokeWidth: 1.5, sort: null}),
          Plot.text(places, {frameAnchor: "left", y: (i) => i, dy: -9, text: (i) => cut(rows[i][0] + (rows[i][1] ? ` – ${rows[i][1]}` : ""), width / 6.6), textAnchor: "start", fill: (i) => tone[tones[i]] ?? "var(--ink)", fontFamily: "var(--mono)", fontSize: 11, stroke: "var(--panel)", strokeWidth: 3}),
        ],
      });
    },

    depth(box, chart, width) {
      const {points, lines, y} = chart;
      const entries = lines.map((name, i) => ({
        name, chart: swatch([Plot.line([[0, 0.5], [1, 0.5]], {stroke: colour(i), strokeWidth: 2, strokeDasharray: DASHES[i]})]),
      }));
      if (points.some(loud)) entries.push(hollow());
      if (points.some((p) => p.best)) entries.push({name: "chosen tap", chart: swatch([Plot.dot([[0.5, 0.5]], {stroke: "var(--ink)", r: 5, strokeWidth: 2})])});
      key(box, entries);
      return Plot.plot({
        className: "fs-plot", width, height: 290, marginLeft: 48, marginBottom: 42, marginTop: 26, marginRight: 16,
        x: {label: "relative depth", labelAnchor: "center", labelArrow: "none", domain: [0, 1], inset: 8, ticks: 5},
        y: {label: arrow(y), labelArrow: "none", grid: true, nice: true, ticks: 5},
        marks: [
          ...lines.flatMap((_, i) => {
            const line = points.filter((p) => p.line === i);
            return [
              Plot.areaY(line.filter((p) => p.lo !== null && p.hi !== null), {x: "x", y1: "lo", y2: "hi", fill: colour(i), fillOpacity: 0.12}),
              Plot.line(line, {x: "x", y: "y", stroke: colour(i), strokeWidth: 2, strokeDasharray: DASHES[i]}),
            ];
          }),
          Plot.dot(points, {x: "x", y: "y", stroke: (p) => (p.best ? "var(--ink)" : colour(p.line)), fill: (p) => (loud(p) ? "var(--panel)" : colour(p.line)), r: (p) => (p.best ? 5 : 3), strokeWidth: (p) => (p.best ? 2 : 1.5), sort: null}),
        ],
      });
    },

    tokens(box, chart, width) {
      const {points, classes} = chart;
      const select = box.closest("figure").querySelector("[data-colour]");
      const by = {2: "group", 3: "row", 4: "col", 5: "frame"}[select?.value] ?? "group";
      const top = Math.max(1, ...points.map((p) => p[by] ?? 0));
      const shade = (value) => `color-mix(in oklab, var(--s1) ${Math.round((100 * value) / top)}%, var(--s0))`;
      const paint = (p) => (p[by] === null || p[by] === undefined ? "var(--line-2)" : by === "group" ? colour(p.group) : shade(p[by]));
      const one = (stroke) => swatch([Plot.dot([[0.5, 0.5]], {stroke, fill: stroke, r: 4})]);
      key(box, by === "group"
        ? classes.slice(0, 8).map((name, i) => ({name: i === 7 && classes.length > 8 ? `${classes.length - 7} others` : name, chart: one(colour(i))}))
        : [0, Math.round(top / 2), top].map((value) => ({name: `${by === "col" ? "column" : by} ${value}`, chart: one(shade(value))})));
      return Plot.plot({
        className: "fs-plot", width, height: Math.min(width, 380), margin: 10,
        x: {axis: null, inset: 8}, y: {axis: null, inset: 8},
        marks: [Plot.dot(points, {x: "x", y: "y", stroke: paint, fill: paint, fillOpacity: 0.6, r: 2.5, strokeWidth: 1, sort: null})],
      });
    },
  });
})();
