// Draws the charts, those near the screen first, and again when their width changes.
(() => {
  const {data, tip, draw, unfold, reachable} = kit;

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

  for (const select of document.querySelectorAll("[data-colour]")) {
    const box = select.closest("figure").querySelector(".plot");
    select.parentElement.hidden = false;
    select.addEventListener("change", () => {
      delete box.dataset.width;
      drawOne(box);
    });
  }

  const root = document.documentElement;
  const boxes = [...document.querySelectorAll("[data-plot]")];
  const undrawn = new Set(boxes);
  // What lies in a closed section has no width yet: it is drawn when it is opened.
  const closed = (box) => box.parentElement.closest("details:not([open])") !== null;
  function drawFirst(box) {
    if (closed(box) || !undrawn.delete(box)) return;
    try {
      drawOne(box);
    } catch (problem) {
      // One chart that cannot be drawn must not take the others with it: its numbers stand in its table.
      box.textContent = "This chart could not be drawn; its numbers stand in the table.";
      console.error(problem);
    }
  }
  // Charts near the screen come first, one a turn, and then the page is ready. The others follow as they come near or
  // when nothing else is to do, so that a search, a copy or a picture of the whole page finds them drawn.
  const idle = window.requestIdleCallback ?? ((work) => setTimeout(work, 50));
  const near = new IntersectionObserver(
    (seen) => seen.forEach((each) => each.isIntersecting && drawFirst(each.target)),
    {rootMargin: "800px 0px"},
  );
  function drawRest() {
    const box = [...undrawn].find((each) => !closed(each));
    if (box) {
      drawFirst(box);
      idle(drawRest);
      return;
    }
    // Small pages are laid out whole now; of very long ones that would take longer than it is worth.
    if (document.getElementsByTagName("*").length < 40_000) root.classList.add("laid-out");
    root.dataset.drawn = "true";
  }
  function drawNear(waitingBoxes) {
    const box = waitingBoxes.shift();
    if (box) {
      drawFirst(box);
      setTimeout(drawNear, 0, waitingBoxes);
      return;
    }
    root.dataset.ready = "true";
    performance.mark("ready");
    undrawn.forEach((each) => near.observe(each));
    idle(drawRest);
  }
  performance.mark("usable");
  packed.text("charts").then((charts) => {
    Object.assign(data, JSON.parse(charts));
    for (const fold of document.querySelectorAll("main details:has([data-plot])")) {
      fold.addEventListener("toggle", () => fold.open && idle(drawRest));
    }
    addEventListener("beforeprint", () => boxes.forEach(drawFirst));
    drawNear(boxes.filter((box) => box.getBoundingClientRect().top < 2 * innerHeight));
  });
  let waiting;
  addEventListener("resize", () => {
    // The point that it spoke of is about to move.
    tip.hidden = true;
    clearTimeout(waiting);
    waiting = setTimeout(() => boxes.filter((box) => box.dataset.width).forEach(drawOne), 150);
  });
})();
