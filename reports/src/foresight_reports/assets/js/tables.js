// Sorting, filtering, column presets and downloads of the server-rendered tables.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const firstNumber = (cell) => {
    const raw = cell?.dataset.v;
    return raw === undefined || raw === "" ? null : Number(raw.split(" ")[0]);
  };
  const nameOf = (cell) => (cell.querySelector("bdi") ?? cell).textContent.trim();

  function sortBy(button) {
    const header = button.closest("th");
    const table = button.closest("table");
    const kind = button.dataset.sort;
    const current = header.getAttribute("aria-sort");
    const first = kind === "higher" || kind === "none" ? "descending" : "ascending";
    const next = current ? (current === "ascending" ? "descending" : "ascending") : first;
    all("thead th", table).forEach((each) => each.removeAttribute("aria-sort"));
    header.setAttribute("aria-sort", next);
    const sign = next === "ascending" ? 1 : -1;
    const index = header.cellIndex;
    const body = table.querySelector("tbody.rows");
    const keyed = [...body.rows].map((row) => {
      const cell = row.cells[index];
      return [kind === "text" ? nameOf(cell) : firstNumber(cell), row];
    });
    keyed.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return sign * (typeof a === "string" ? a.localeCompare(b) : a - b);
    });
    body.append(...keyed.map(([, row]) => row));
  }

  const form = document.querySelector(".filters");
  const search = document.getElementById("search");
  const columns = document.getElementById("columns");
  const axes = form ? all("[data-axis]", form) : [];
  // Rows share what their candidate's details say about its axes, so that it is written once.
  const known = new Map(all("[data-a]").map((node) => [`#${node.id}`, {
    parts: node.dataset.a.split("|"),
    words: nameOf(node.querySelector(".name") ?? node).toLowerCase(),
  }]));
  const items = [...all("[data-a]"), ...all(".ranking .rows tr")].map((node) => {
    const anchor = node.id ? `#${node.id}` : node.querySelector("th a").getAttribute("href");
    return {node, ...(known.get(anchor) ?? {parts: [], words: ""})};
  });

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = axes.filter((axis) => axis.value).map((axis) => [Number(axis.dataset.axis), axis.value]);
    const active = words.length > 0 || wanted.length > 0;
    let shown = 0;
    let total = 0;
    for (const {node, parts, words: name} of items) {
      const keep = words.every((word) => name.includes(word)) && wanted.every(([i, value]) => parts[i] === value);
      node.hidden = !keep;
      if (node.tagName === "DETAILS" && !node.querySelector(".chip.role")) {
        total += 1;
        shown += keep;
      }
    }
    all("table.ranking").forEach((table) => table.classList.toggle("filtered", active));
    document.getElementById("count").textContent = active ? `${shown} of ${total} candidates` : `${total} candidates`;
  }

  function cellsOf(table) {
    const heads = [...table.tHead.rows[0].cells].map((cell) => {
      const copy = cell.cloneNode(true);
      all(".mark", copy).forEach((mark) => mark.remove());
      return copy.textContent.trim();
    });
    const rows = all("tbody tr", table).filter((row) => !row.hidden);
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
    const own = node.closest("details.numbers, article, figure")?.querySelector("table");
    if (own) return own;
    for (let next = node.closest(".board-head")?.nextElementSibling; next; next = next.nextElementSibling) {
      const table = next.querySelector("table");
      if (table) return table;
    }
    return null;
  }

  function save(button) {
    const box = button.closest(".downloads");
    const table = tableFor(box);
    if (!table) return;
    const kind = button.dataset.save;
    const type = kind === "csv" ? "text/csv" : "application/json";
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([asText(cellsOf(table), kind)], {type}));
    link.download = `${box.dataset.name.replace(/[^\w.-]+/g, "_")}.${kind}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button");
    if (!button) return;
    if (button.dataset.sort !== undefined) sortBy(button);
    else if (button.dataset.save) save(button);
    else if (button.classList.contains("more")) {
      button.closest(".board").querySelector("table").removeAttribute("data-short");
      button.remove();
    }
  });
  all("button.more").forEach((button) => (button.hidden = false));
  if (form) {
    form.hidden = false;
    let waiting;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(filter, 60);
    });
    form.addEventListener("reset", () => setTimeout(() => (filter(), preset())));
    const preset = () => all("table.ranking").forEach((table) => (table.dataset.columns = columns.value));
    columns.addEventListener("change", preset);
    filter();
  }
})();
