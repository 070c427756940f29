// What does not stand in the page lies in it packed, each part for itself, and is unfolded when it is first wanted.
const packed = (() => {
  const known = new Map();
  async function inflate(store) {
    const bytes = Uint8Array.from(atob(store.textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).text();
  }
  // The text of a part, escaped when it was rendered, exactly as if it stood in the page.
  function text(name) {
    const store = document.querySelector(`[data-packed="${name}"]`);
    if (!known.has(name)) known.set(name, store ? inflate(store) : Promise.resolve(""));
    return known.get(name);
  }
  let details;
  const candidates = () => (details ??= text("candidates").then(JSON.parse));
  return {
    text,
    folded: document.querySelector('[data-packed="candidates"]') !== null,
    async candidate(name) {
      return (await candidates())[name] ?? "";
    },
    // The candidate whose details hold a text, such as the row of a record.
    async holder(wanted) {
      return Object.entries(await candidates()).find(([, part]) => part.includes(wanted))?.[0];
    },
  };
})();
