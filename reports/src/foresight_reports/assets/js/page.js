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
  if (packed.folded) {
    document.querySelectorAll("details.candidate").forEach((details) => {
      details.addEventListener("toggle", () => details.open && fill(details));
    });
  }

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
    target.scrollIntoView({block: "nearest"});
    const rect = target.getBoundingClientRect();
    if (rect.top < 60 || rect.top > innerHeight * 0.8) target.scrollIntoView({block: "start"});
    const focus = target.matches("details") ? target.querySelector("summary") : target;
    if (!focus.matches("summary, a, button")) focus.tabIndex = -1;
    focus.focus({preventScroll: true});
  }
  addEventListener("hashchange", reveal);
  reveal();

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
