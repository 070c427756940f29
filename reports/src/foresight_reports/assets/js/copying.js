// Tables as Markdown and LaTeX, as they are written on the page: rounded, with intervals, by whole names.
(() => {
  const MARKDOWN = /[\\`*_{}[\]<>|~$&#]/g;
  const LATEX = {
    "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", $: "\\$", "&": "\\&", "#": "\\#", "%": "\\%", _: "\\_",
    "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}",
    "\u2212": "$-$", "\u2013": "--", "\u2014": "---", "\u2026": "\\ldots{}", "\u2248": "$\\approx$", "\u2191": "$\\uparrow$",
    "\u2193": "$\\downarrow$", "\u00d7": "$\\times$", "\u00a0": "~", '"': "\\textquotedbl{}", "`": "\\textasciigrave{}",
  };
  const markdown = (text) => text.replace(MARKDOWN, "\\$&");
  const latex = (text) => [...text].map((letter) => LATEX[letter] ?? letter).join("");

  function textOf(cell) {
    const copy = cell.cloneNode(true);
    copy.querySelectorAll("svg, .mark, details, pre, .downloads").forEach((each) => each.remove());
    copy.querySelectorAll("bdi[title]").forEach((each) => (each.textContent = each.title));
    copy.querySelectorAll(".chip").forEach((each) => (each.textContent = ` (${each.textContent})`));
    copy.querySelectorAll("small").forEach((each) => (each.textContent = each.textContent && ` [${each.textContent}]`));
    copy.querySelectorAll("i").forEach((each) => (each.textContent = ` ${each.textContent}`));
    // A cell that is one chip, such as a verdict, needs no brackets.
    const text = copy.textContent.replace(/\s+/g, " ").trim();
    return cell.textContent.trim() && cell.childElementCount === 1 && cell.firstElementChild.matches(".chip") ? text.slice(1, -1) : text;
  }

  async function written(table, kind) {
    const heads = [...table.tHead.rows[0].cells];
    const shown = heads.map((_, i) => i).filter((i) => getComputedStyle(heads[i]).display !== "none");
    const right = shown.map((i) => heads[i].matches(".num, [data-family], .place") || getComputedStyle(heads[i]).textAlign === "right");
    const rows = (await tables.rowsOf(table)).map((row) => shown.map((i) => (row.cells[i] ? textOf(row.cells[i]) : "")));
    const first = shown.map((i) => textOf(heads[i]));
    if (kind === "markdown") {
      const line = (cells) => `| ${cells.join(" | ")} |`;
      return [line(first.map(markdown)), line(right.map((is) => (is ? "---:" : "---"))), ...rows.map((row) => line(row.map(markdown)))].join("\n") + "\n";
    }
    const line = (cells) => `${cells.map(latex).join(" & ")} \\\\`;
    return [
      "% \\usepackage{booktabs}", `\\begin{tabular}{${right.map((is) => (is ? "r" : "l")).join("")}}`, "\\toprule", line(first), "\\midrule",
      ...rows.map(line), "\\bottomrule", "\\end{tabular}",
    ].join("\n") + "\n";
  }

  // Pages that lie on a disk may have no clipboard of the newer kind.
  async function put(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const box = document.createElement("textarea");
      box.value = text;
      document.body.append(box);
      box.select();
      document.execCommand("copy");
      box.remove();
    }
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("button[data-write]");
    const table = button && tables.tableFor(button.closest(".downloads"));
    if (!table) return;
    const said = button.textContent;
    await put(await written(table, button.dataset.write));
    if (said === "Copied") return;
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = said), 1500);
  });
})();
