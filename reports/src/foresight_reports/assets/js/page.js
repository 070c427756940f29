// Theme choice, deep links into closed details, and copying the command.
(() => {
  const root = document.documentElement;
  const theme = document.getElementById("theme");
  theme.value = root.dataset.theme ?? "auto";
  theme.addEventListener("change", () => {
    if (theme.value === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme.value;
    try {
      localStorage.setItem("foresight-theme", theme.value);
    } catch {
      // Storage may be blocked for files: the choice then lasts as long as the page.
    }
  });

  async function fill(details) {
    const inside = details?.querySelector(".inside");
    if (!packed.folded || !inside || inside.dataset.filled) return;
    inside.dataset.filled = "true";
    inside.innerHTML = await packed.candidate(details.id);
  }
  // Tables of candidates are many: their buttons come when somebody looks.
  const named = (details) => details.querySelectorAll(".inside > table").forEach((table, i) => {
    if (table.nextElementSibling?.matches(".downloads")) return;
    const box = document.querySelector(".board .downloads")?.cloneNode(true);
    if (!box) return;
    box.dataset.name = `${details.id}-${i + 1}`;
    const around = document.createElement("div");
    table.replaceWith(around);
    around.append(table, box);
  });
  document.querySelectorAll("details.candidate").forEach((details) => {
    details.addEventListener("toggle", async () => {
      if (!details.open) return;
      await fill(details);
      named(details);
    });
  });

  async function find(id) {
    const there = document.getElementById(id);
    if (there || !packed.folded) {
      if (there?.matches("details.candidate")) await fill(there);
      return there;
    }
    const owner = await packed.holder(`<tr id="${id}">`);
    if (!owner) return null;
    await fill(document.getElementById(owner));
    return document.getElementById(id);
  }

  async function reveal() {
    const id = decodeURIComponent(location.hash.slice(1));
    const target = id && (await find(id));
    if (!target) return;
    document.querySelectorAll(".here").forEach((node) => node.classList.remove("here"));
    target.classList.add("here");
    for (let node = target; node; node = node.parentElement) {
      if (node.tagName === "DETAILS") node.open = true;
      node.hidden = false;
    }
    // A section or a table that is named opens as well as what is around it.
    const own = target.querySelector(":scope > details");
    if (own && target.matches(".fold, .board")) own.open = true;
    target.scrollIntoView({block: "nearest"});
    const rect = target.getBoundingClientRect();
    if (rect.top < 110 || rect.top > innerHeight * 0.8) target.scrollIntoView({block: "start"});
    const focus = target.querySelector(target.matches("details") ? "summary" : ":scope > details > summary") ?? target;
    if (!focus.matches("summary, a, button")) focus.tabIndex = -1;
    focus.focus({preventScroll: true});
  }
  addEventListener("hashchange", reveal);
  // A link to where the page already is opens it again.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href^='#']");
    if (link && link.getAttribute("href") === location.hash) reveal();
  });
  reveal();

  // Paper cannot be clicked on: everything that stands in the page opens, and closes again.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("main details:not([open]):not(.candidate)")];
    opened.forEach((each) => (each.open = true));
  });
  addEventListener("afterprint", () => {
    opened.forEach((each) => (each.open = false));
    opened = [];
  });

  // Whole names of short ones, by pointer and by keyboard.
  const tip = document.getElementById("tip");
  document.addEventListener("focusin", ({target}) => {
    const name = target.matches?.("a") && target.querySelector("bdi[title]");
    if (!name) return;
    tip.textContent = name.title;
    tip.hidden = false;
    const at = target.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(at.left, document.documentElement.clientWidth - tip.offsetWidth - 8)) + scrollX}px`;
    tip.style.top = `${at.bottom + 6 + scrollY}px`;
    target.addEventListener("blur", () => (tip.hidden = true), {once: true});
  });

  document.querySelectorAll("[data-copy]").forEach((button) => {
    if (!navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      button.textContent = "Copied";
    });
  });
})();

// Clips loop until they are stopped; where less motion is wished for they never start.
(() => {
  const stills = document.getElementById("stills");
  if (!stills || !document.querySelector(".looped")) return;
  stills.parentElement.hidden = false;
  stills.addEventListener("click", () => {
    const stopped = document.documentElement.classList.toggle("stopped");
    stills.setAttribute("aria-pressed", String(stopped));
  });
})();
