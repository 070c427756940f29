// What does not stand in the page lies in it packed, each part for itself, and is unfolded when it is first wanted.
const packed = (() => {
  const known = new Map();
  // Parts stand in the page, or in folder mode in the script beside it.
  const part = (name) => window.packedParts?.[name] ?? document.querySelector(`[data-packed="${name}"]`)?.textContent;
  async function inflate(written) {
    const bytes = Uint8Array.from(atob(written), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).text();
  }
  // The text of a part, escaped when it was rendered, exactly as if it stood in the page.
  function text(name) {
    const written = known.has(name) ? "" : part(name);
    if (!known.has(name)) known.set(name, written ? inflate(written) : Promise.resolve(""));
    return known.get(name);
  }
  let details;
  const candidates = () => (details ??= text("candidates").then(JSON.parse));
  return {
    text,
    folded: part("candidates") !== undefined,
    async candidate(name) {
      return (await candidates())[name] ?? "";
    },
    // The candidate whose details hold a text, such as the row of a record.
    async holder(wanted) {
      return Object.entries(await candidates()).find(([, part]) => part.includes(wanted))?.[0];
    },
  };
})();
