// A chart as it is drawn, with its title and key, as one SVG or PNG file. Nothing leaves the page.
(() => {
  const KEPT = [
    "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linecap", "stroke-linejoin",
    "opacity", "font-family", "font-size", "font-weight", "text-anchor", "paint-order", "dominant-baseline", "visibility",
  ];
  const EDGE = 24;  // labels at the ends of an axis reach beyond the chart
  const SPACE = "http://www.w3.org/2000/svg";
  const made = (tag, facts, text = "") => {
    const node = document.createElementNS(SPACE, tag);
    Object.entries(facts).forEach(([name, value]) => node.setAttribute(name, value));
    node.textContent = text;
    return node;
  };

  // Styles live in the page: a file of its own has to carry what they come to.
  function standing(svg) {
    const copy = svg.cloneNode(true);
    const [from, to] = [svg, copy].map((root) => [root, ...root.querySelectorAll("*")]);
    from.forEach((node, i) => {
      const style = getComputedStyle(node);
      KEPT.forEach((name) => style.getPropertyValue(name) && to[i].setAttribute(name, style.getPropertyValue(name)));
      for (const name of [...to[i].attributes].map((each) => each.name)) {
        if (/^(class|style|tabindex|role|id|data-.*|aria-.*)$/.test(name)) to[i].removeAttribute(name);
      }
    });
    copy.querySelectorAll("style").forEach((each) => each.remove());
    return copy;
  }

  function compose(figure) {
    const plot = figure.querySelector(".plot > svg, .plot > figure > svg");
    const colour = (name) => getComputedStyle(plot).getPropertyValue(name) || "#fff";
    const [width, tall] = [plot.clientWidth || Number(plot.getAttribute("width")), plot.clientHeight || Number(plot.getAttribute("height"))];
    const family = getComputedStyle(document.body).fontFamily;
    const pen = document.createElement("canvas").getContext("2d");
    const parts = [];
    let y = 0;
    // The title, in as many lines as it needs.
    pen.font = `600 14px ${family}`;
    const ink = getComputedStyle(figure).color;
    const ground = getComputedStyle(figure).backgroundColor;
    let line = "";
    const end = () => {
      y += 19;
      parts.push(made("text", {x: 10, y, "font-family": family, "font-size": 14, "font-weight": 600, fill: ink}, line.trim()));
      line = "";
    };
    for (const word of figure.querySelector("h3").textContent.split(/\s+/)) {
      if (line && pen.measureText(line + word).width > width - 20) end();
      line += `${word} `;
    }
    end();
    // The key: swatch and word, one after the other.
    pen.font = `12px ${family}`;
    let x = 10;
    y += 6;
    for (const item of figure.querySelectorAll(".plot-key li")) {
      const words = item.lastChild.textContent;  // not the styles of its swatch
      const wide = 34 + pen.measureText(words).width + 14;
      if (x > 10 && x + wide > width) [x, y] = [10, y + 18];
      const mark = standing(item.querySelector("svg"));
      Object.entries({x, y: y + 2, width: 26, height: 12}).forEach(([name, value]) => mark.setAttribute(name, value));
      parts.push(mark, made("text", {x: x + 30, y: y + 13, "font-family": family, "font-size": 12, fill: ink}, words));
      x += wide;
    }
    if (x > 10) y += 24;
    const chart = standing(plot);
    Object.entries({x: EDGE, y, width, height: tall, overflow: "visible"}).forEach(([name, value]) => chart.setAttribute(name, value));
    const [wide, high] = [width + 2 * EDGE, y + tall + 8];
    const whole = made("svg", {viewBox: `0 0 ${wide} ${high}`, width: wide, height: high});
    whole.append(made("rect", {width: "100%", height: "100%", fill: ground === "rgba(0, 0, 0, 0)" ? colour("--panel") : ground}), ...parts, chart);
    return {text: new XMLSerializer().serializeToString(whole), width: wide, height: high};
  }

  function save(blob, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }

  function painted({text, width, height}) {
    return new Promise((done, failed) => {
      const image = new Image();
      image.onload = () => {
        // Twice the size of the screen's, for print.
        const canvas = Object.assign(document.createElement("canvas"), {width: 2 * width, height: 2 * height});
        canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
        canvas.toBlob(done, "image/png");
      };
      image.onerror = failed;
      image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
    });
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("button[data-picture]");
    const figure = button?.closest("figure");
    if (!figure?.querySelector(".plot svg")) return;
    const name = button.closest(".downloads").dataset.name.replace(/[^\w.-]+/g, "_");
    const composed = compose(figure);
    if (button.dataset.picture === "svg") save(new Blob([composed.text], {type: "image/svg+xml"}), `${name}.svg`);
    else save(await painted(composed), `${name}.png`);
  });
})();
