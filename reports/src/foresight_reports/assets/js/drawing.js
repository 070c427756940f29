// Draws the charts, one a turn, and again when their width changes.
(() => {
  const {data, draw, unfold, reachable} = kit;

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

  const boxes = [...document.querySelectorAll("[data-plot]")];
  // One chart a turn: the page can be read, sorted and searched while the charts appear.
  const soon = window.requestIdleCallback ?? ((work) => setTimeout(work, 0));
  const waitingBoxes = [...boxes];
  function drawNext() {
    const box = waitingBoxes.shift();
    if (box) {
      try {
        drawOne(box);
      } catch (problem) {
        // One chart that cannot be drawn must not take the others with it: its numbers stand in its table.
        box.textContent = "This chart could not be drawn; its numbers stand in the table.";
        console.error(problem);
      }
      soon(drawNext, {timeout: 200});
      return;
    }
    document.documentElement.dataset.ready = "true";
    performance.mark("ready");
  }
  performance.mark("usable");
  packed.text("charts").then((charts) => {
    Object.assign(data, JSON.parse(charts));
    soon(drawNext, {timeout: 200});
  });
  addEventListener("beforeprint", () => waitingBoxes.splice(0).forEach(drawOne));
  let waiting;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => boxes.filter((box) => box.dataset.width).forEach(drawOne), 150);
  });
})();
