// Two candidates side by side: what the harness tested, put into a table. A difference is turned, never computed.
(() => {
  const form = document.querySelector("form.pick");
  if (!form) return;
  const [one, other, turn, result] = ["pair-a", "pair-b", "pair-turn", "pair-result"].map((id) => document.getElementById(id));
  const fold = form.closest("details");
  const body = result.querySelector("tbody");
  let known;

  const cell = (row, tag, text, kind = "") => {
    const made = document.createElement(tag);
    made.append(text);
    if (kind) made.className = kind;
    if (tag === "th") made.scope = "row";
    row.append(made);
    return made;
  };
  const small = (text) => Object.assign(document.createElement("small"), {textContent: text});
  const link = (text, anchor) => Object.assign(document.createElement("a"), {textContent: text, href: `#${anchor}`});
  const number = (value) => kit.short(value).replace("-", "\u2212");
  const signed = (value) => (value > 0 ? "+" : "") + number(value);
  const turned = {better: "worse", worse: "better"};

  // The test of a pair, seen from ``a``: what was tested the other way round is turned.
  function testOf(table, a, b) {
    const same = table.met.find(([x, y]) => x === a && y === b);
    const back = same ? null : table.met.find(([x, y]) => x === b && y === a);
    if (!same && !back) return null;
    const [, , difference, low, high, p, verdict, won, tied, lost, family] = same ?? back;
    if (same) return {difference, low, high, p, verdict, won, tied, lost, family};
    const minus = (value) => (value === null ? null : -value);
    return {difference: minus(difference), low: minus(high), high: minus(low), p, verdict: turned[verdict] ?? verdict, won: lost, tied, lost: won, family};
  }

  function verdictOf(test, left, right) {
    if (test) return [test.verdict === "not told apart" ? "may be chance" : `one is ${test.verdict}`, {better: "good", worse: "bad"}[test.verdict] ?? "mute"];
    // Letters are the harness's answer for every pair of candidates of a table.
    if (left[4] && right[4]) return [[...left[4]].some((letter) => right[4].includes(letter)) ? "may be chance" : "differ, by test", "mute"];
    return ["not tested", "mute"];
  }

  function show() {
    const [a, b] = [Number(one.value), Number(other.value)];
    result.hidden = one.value === "" || other.value === "" || a === b;
    if (result.hidden) return;
    const names = [a, b].map((place) => known.names[place]);
    const heading = document.getElementById("pair-title");
    heading.replaceChildren(...names.flatMap(([whole, short, anchor], i) => {
      const made = link("", anchor);
      made.append(Object.assign(document.createElement("bdi"), {textContent: short, title: whole}));
      return i ? [" against ", made] : [made];
    }));
    const tally = {better: 0, worse: 0, chance: 0, untested: 0};
    const rows = [];
    for (const table of known.tables) {
      const [left, right] = [a, b].map((place) => table.scores.find(([at]) => at === place));
      if (!left || !right) continue;
      const test = testOf(table, a, b);
      const [words, tone] = verdictOf(test, left, right);
      if (test) tally[test.verdict in turned ? test.verdict : "chance"] += 1;
      else tally[words === "may be chance" ? "chance" : "untested"] += 1;
      const row = document.createElement("tr");
      cell(row, "th", link(table.title, table.anchor));
      cell(row, "td", table.metric + (table.unit ? ` (${table.unit})` : "") + (table.better ? `, ${table.better}` : ""));
      for (const [, value, interval, anchor] of [left, right]) {
        cell(row, "td", link(value, anchor), "num").append(small(interval));
      }
      const gap = cell(row, "td", test ? signed(test.difference) : "\u2014", "num");
      if (test && test.low !== null && test.high !== null) gap.append(small(`${signed(test.low)} to ${signed(test.high)}`));
      const p = cell(row, "td", test && test.p !== null ? number(test.p) : "\u2014", "num");
      if (test) p.title = `corrected for ${test.family}`;
      const counted = test && test.won !== null;
      cell(row, "td", counted ? `${test.won}, ${test.tied}, ${test.lost}` : "\u2014", "num");
      cell(row, "td", Object.assign(document.createElement("span"), {className: `chip ${tone}`, textContent: words}));
      rows.push(row);
    }
    body.replaceChildren(...rows);
    const said = [
      [tally.better, "the first is better"], [tally.worse, "the first is worse"], [tally.chance, "the difference may be chance"], [tally.untested, "no test of this pair"],
    ].filter(([count]) => count).map(([count, words]) => `${words} in ${count}`);
    document.getElementById("pair-finding").textContent = rows.length
      ? `Of ${rows.length} ${rows.length === 1 ? "number" : "numbers"} that both have: ${said.join(", ")}.`
      : "No table holds both, so nothing sets them against each other.";
    const quoted = (name) => `'${name.replaceAll("'", "'\\''")}'`;
    document.getElementById("pair-command").textContent = `foresight-bench versus ${known.run} ${names.map(([whole]) => quoted(whole)).join(" ")}`;
  }

  async function ready() {
    if (known) return;
    known = JSON.parse(await packed.text("pairs"));
    for (const [place, select] of [one, other].entries()) {
      select.append(...known.names.map(([whole, short, , kind], i) => {
        const option = new Option(`${short}${["random", "nano", "floor", "ceiling", "twin"].includes(kind) ? ` (${kind})` : ""}`, String(i));
        option.title = whole;
        return option;
      }));
      select.selectedIndex = Math.min(place, known.names.length - 1);
      select.addEventListener("change", show);
    }
    turn.addEventListener("click", () => {
      [one.value, other.value] = [other.value, one.value];
      show();
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    form.hidden = false;
    show();
  }
  fold.addEventListener("toggle", () => fold.open && ready());
  if (fold.open) ready();
})();
