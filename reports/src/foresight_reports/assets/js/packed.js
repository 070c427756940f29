// What does not stand in the page lies in it packed, each part for itself, and is unfolded when it is first wanted.
const packed = (() => {
  const known = new Map();
  // Parts stand in the page, or in folder mode in the script beside it.
  const part = (name) => window.packedParts?.[name] ?? document.querySelector(`[data-packed="${name}"]`)?.textContent;
  // Base 85: five letters stand for four bytes; a last group that is short is filled up with the highest letter.
  const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%:()*+-;.=,?@^_`{|}~";
  const places = new Uint8Array(128);
  [...LETTERS].forEach((letter, place) => (places[letter.charCodeAt(0)] = place));
  function bytesOf(written) {
    const bytes = new Uint8Array(Math.ceil(written.length / 5) * 4);
    for (let at = 0, to = 0; at < written.length; at += 5, to += 4) {
      let group = 0;
      for (let i = at; i < at + 5; i++) group = group * 85 + (i < written.length ? places[written.charCodeAt(i)] : 84);
      for (let i = 3; i >= 0; i--, group = Math.floor(group / 256)) bytes[to + i] = group % 256;
    }
    return bytes.subarray(0, Math.floor((written.length * 4) / 5));
  }
  async function inflate(written) {
    const stream = new Blob([bytesOf(written)]).stream().pipeThrough(new DecompressionStream("deflate"));
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
