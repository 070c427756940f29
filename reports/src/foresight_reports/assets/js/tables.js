// Sorting, filtering, column presets and downloads of the server-rendered tables.
const tables = (() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const firstNumber = (cell) => {
    const raw = cell?.dataset.v;
    return raw === undefined || raw === "" ? null : Number(raw.split(" ")[0]);
  };
  // Whole names: a short one has its whole one as a hint.
  const nameOf = (cell) => {
    const names = all("bdi", cell).filter((each) => !each.closest(".chip"));
    return (names.length ? names.map((each) => each.title || each.textContent).join("") : cell.textContent).trim();
  };

  // All rows of one table. Only the ones that are shown stand in the page; rows of long tables come packed and are
  // put in their place before anything looks at all of them.
  const views = new Map();
  function viewOf(table) {
    if (!views.has(table)) {
      const body = table.querySelector("tbody.rows");
      // A table with packed rows goes on showing as many as stood in the page, until all are asked for.
      const short = Number(table.dataset.short ?? (table.dataset.total ? body.rows.length : 0));
      views.set(table, {table, body, rows: [...body.rows], limit: short || Infinity, keep: null});
    }
    return views.get(table);
  }
  // Each is unpacked once, and only when it is wanted: rows to be shown, values to sort by and to download.
  const loadRows = (view) => (view.loadedRows ??= unpackRows(view));
  const load = (view) => (view.loaded ??= unpackValues(view));
  async function unpackRows({table, rows}) {
    if (table.dataset.total === undefined) return;
    const inert = document.createElement("template");
    inert.innerHTML = `<table><tbody>${await packed.text(table.id)}</tbody></table>`;
    rows.push(...inert.content.querySelectorAll("tr"));
    delete table.dataset.total;
  }
  async function unpackValues(view) {
    await loadRows(view);
    if (!view.table.classList.contains("ranking")) return;
    // Unrounded values with their intervals, in the order of the rows: behind place and name in each row.
    const lines = (await packed.text(view.table.id.replace(/table$/, "values"))).split("\n");
    lines.forEach((line, i) => line.split(";").forEach((raw, j) => {
      if (raw) view.rows[i].cells[j + 2].dataset.v = raw;
    }));
  }
  function show(view) {
    const kept = view.keep ? view.rows.filter(view.keep) : view.rows;
    view.body.replaceChildren(...(kept.length > view.limit ? kept.slice(0, view.limit) : kept));
    const more = all("button.more").find((button) => button.dataset.table === view.table.id);
    if (!more) return;
    more.hidden = kept.length <= view.limit && view.table.dataset.total === undefined;
    more.textContent = `Show all ${(view.table.dataset.total ? Number(view.table.dataset.total) : kept.length).toLocaleString("en")} rows`;
  }
  async function showAll(table) {
    const view = viewOf(table);
    view.limit = Infinity;
    await loadRows(view);
    show(view);
  }

  async function sortBy(button) {
    const header = button.closest("th");
    const table = button.closest("table");
    const view = viewOf(table);
    await load(view);
    const kind = button.dataset.sort;
    const current = header.getAttribute("aria-sort");
    const first = kind === "higher" || kind === "none" ? "descending" : "ascending";
    const next = current ? (current === "ascending" ? "descending" : "ascending") : first;
    all("thead th", table).forEach((each) => each.removeAttribute("aria-sort"));
    header.setAttribute("aria-sort", next);
    const sign = next === "ascending" ? 1 : -1;
    const index = header.cellIndex;
    const keyed = view.rows.map((row) => {
      const cell = row.cells[index];
      return [kind === "text" ? nameOf(cell) : firstNumber(cell), row];
    });
    const words = new Intl.Collator();
    keyed.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return sign * (typeof a === "string" ? words.compare(a, b) : a - b);
    });
    view.rows = keyed.map(([, row]) => row);
    show(view);
  }

  const form = document.querySelector(".filters");
  const search = document.getElementById("search");
  const count = document.getElementById("count");
  const columns = document.getElementById("columns");
  const axes = form ? all("[data-axis]", form) : [];
  // Rows share what their candidate's details say about its axes, so that it is written once.
  const details = all("details[data-a]").map((node) => ({
    node,
    parts: node.dataset.a.split("|"),
    words: nameOf(node.querySelector(".name") ?? node).toLowerCase(),
    control: node.querySelector(".chip.role") !== null,
  }));
  const known = new Map(details.map((each) => [`#${each.node.id}`, each]));
  const boards = all("table.ranking");
  // A filter that comes late must not undo one that was set after it.
  let turn = 0;

  // Sections that hold what no candidate is called, the first ones.
  const folds = all("section.fold");
  const holders = (words) => folds.filter((fold) => words.every((word) => fold.textContent.toLowerCase().includes(word))).slice(0, 3);
  // What a search has opened closes with it; what the reader opened stays.
  const unfold = (() => {
    const opened = new Set();
    const more = (fold) => {
      fold.open = true;
      opened.add(fold);
    };
    const set = (sections) => {
      const wanted = sections.filter(Boolean).map((each) => each.querySelector("details"));
      opened.forEach((fold) => {
        if (!wanted.includes(fold)) fold.open = false;
      });
      opened.clear();
      wanted.filter((fold) => !fold.open).forEach(more);
    };
    return Object.assign(set, {more});
  })();
  const keepOf = (row) => known.get(row.querySelector("th a")?.getAttribute("href"))?.kept ?? true;

  async function filter() {
    const mine = ++turn;
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = axes.filter((axis) => axis.value).map((axis) => [Number(axis.dataset.axis), axis.value]);
    const active = words.length > 0 || wanted.length > 0;
    const keeps = ({parts, words: name}) =>
      words.every((word) => name.includes(word)) && wanted.every(([i, value]) => parts[i] === value);
    for (const each of details) {
      each.kept = keeps(each);
      each.node.hidden = !each.kept;
    }
    const own = details.filter(({control}) => !control);
    const shown = own.filter(({kept}) => kept).length;
    const elsewhere = words.length && !shown ? holders(words) : [];
    const total = own.length.toLocaleString("en");
    count.textContent = (active ? `${shown.toLocaleString("en")} of ${total} candidates` : `${total} candidates`)
      + (elsewhere.length ? `; in ${elsewhere.map((fold) => fold.querySelector(".topic").textContent).join(", ")}` : "");
    unfold(active && shown ? ["leaderboard", "candidates"].map((id) => document.getElementById(id)) : elsewhere);
    for (const table of boards) {
      const view = viewOf(table);
      if (active) await loadRows(view);
      if (mine !== turn) return;
      const fold = table.closest(".board > details");
      if (active && fold && !fold.open && view.rows.some(keepOf)) unfold.more(fold);
      view.keep = active ? keepOf : null;
      show(view);
    }
  }

  function cellsOf(table) {
    const heads = [...table.tHead.rows[0].cells].map((cell) => {
      const copy = cell.cloneNode(true);
      all(".mark", copy).forEach((mark) => mark.remove());
      return copy.textContent.trim();
    });
    const view = table.querySelector("tbody.rows") && viewOf(table);
    const around = (kind) => all(`tbody.${kind} tr`, table);
    const rows = view ? [...around("ceiling"), ...view.rows.filter(view.keep ?? (() => true)), ...around("floor")] : all("tbody tr", table);
    const spread = heads.map((_, i) => rows.some((row) => row.cells[i]?.dataset.v?.includes(" ")));
    return rows.map((row) => {
      const line = {};
      heads.forEach((head, i) => {
        const cell = row.cells[i];
        if (!cell) return;
        const raw = cell.dataset.v;
        if (raw === undefined) {
          const written = nameOf(cell);
          line[head] = written === "—" ? null : written;
          return;
        }
        const [value, low, high] = raw.split(" ");
        const number = (text) => (text === undefined || text === "" ? null : Number(text));
        line[head] = number(value);
        if (spread[i]) [line[`${head} ci_low`], line[`${head} ci_high`]] = [number(low), number(high)];
      });
      const chips = (kind) => row.querySelector(`.chip.${kind}`)?.textContent;
      const role = chips("role");
      const weights = chips("random") ?? chips("nano");
      if (table.classList.contains("ranking")) Object.assign(line, {role: role ?? "candidate", weights: weights ?? ""});
      return line;
    });
  }

  const quoted = (value) => {
    if (typeof value === "number") return String(value);
    let text = value === null || value === undefined ? "" : String(value);
    // A spreadsheet would run a text that starts like a formula.
    if (/^[=+\-@\t\r]/.test(text)) text = `'${text}`;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };

  function asText(lines, kind) {
    if (kind === "json") return JSON.stringify(lines, null, 1);
    const heads = [...new Set(lines.flatMap((line) => Object.keys(line)))];
    return [heads, ...lines.map((line) => heads.map((head) => line[head]))]
      .map((row) => row.map(quoted).join(","))
      .join("\r\n");
  }

  function tableFor(node) {
    if (node.previousElementSibling?.matches("table")) return node.previousElementSibling;
    const own = node.closest("details.numbers, details.gate-rules, article, figure")?.querySelector("table");
    if (own) return own;
    const before = node.closest(".under")?.previousElementSibling?.querySelector("table");
    if (before) return before;
    for (let next = node.closest(".board-head")?.nextElementSibling; next; next = next.nextElementSibling) {
      const table = next.querySelector("table");
      if (table) return table;
    }
    return null;
  }

  async function save(button) {
    const box = button.closest(".downloads");
    const table = tableFor(box);
    if (!table) return;
    if (table.querySelector("tbody.rows")) await load(viewOf(table));
    const kind = button.dataset.save;
    const type = kind === "csv" ? "text/csv" : "application/json";
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([asText(cellsOf(table), kind)], {type}));
    link.download = `${box.dataset.name.replace(/[^\w.-]+/g, "_")}.${kind}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);  // a busy browser may be seconds late to read it
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button");
    if (!button) return;
    if (button.dataset.sort !== undefined) sortBy(button);
    else if (button.dataset.save) save(button);
    else if (button.classList.contains("more")) showAll(document.getElementById(button.dataset.table));
  });
  all("[data-short], [data-total]").forEach((table) => show(viewOf(table)));
  if (form) {
    form.hidden = false;
    search.closest("label").hidden = false;
    let waiting;
    const soon = () => {
      clearTimeout(waiting);
      waiting = setTimeout(filter, 60);
    };
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", soon);
    search.addEventListener("input", soon);
    form.addEventListener("reset", () => setTimeout(() => {
      search.value = "";
      filter();
      preset();
    }));
    const sheet = new CSSStyleSheet();
    document.adoptedStyleSheets = [sheet];
    // A choice that spans suites shows its own columns of all tables, and leaves out the tables that have none.
    const preset = () => {
      const family = columns.value.startsWith("of-") ? columns.value.slice(3) : null;
      const rules = [];
      for (const table of boards) {
        table.dataset.columns = family ? "all" : columns.value;
        const heads = [...table.tHead.rows[0].cells];
        const away = heads.map((head, i) => (family && head.dataset.family && head.dataset.family !== family ? i + 1 : 0)).filter(Boolean);
        rules.push(...away.map((i) => `#${table.id} tr > :nth-child(${i}) { display: none; }`));
        table.closest(".board").hidden = family !== null && heads.every((head) => head.dataset.family !== family);
      }
      sheet.replaceSync(rules.join(""));
    };
    columns.addEventListener("change", preset);
    filter();
  }
  // All rows that a copy has: those that the filters keep, with the controls around them.
  const rowsOf = async (table) => {
    if (!table.querySelector("tbody.rows")) return all("tbody tr", table);
    const view = viewOf(table);
    await load(view);
    const around = (kind) => all(`tbody.${kind} tr`, table);
    return [...around("ceiling"), ...view.rows.filter(view.keep ?? (() => true)), ...around("floor")];
  };
  return {tableFor, rowsOf};
})();
