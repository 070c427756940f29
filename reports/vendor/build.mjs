// Builds assets/vendor/plot/ from exact versions. Run it outside the repository, so that no node_modules lands in it:
//   cp -r reports/vendor /tmp/plot && cd /tmp/plot && npm install --ignore-scripts --no-package-lock
//   node build.mjs /path/to/reports/src/foresight_reports/assets/vendor/plot
import {createHash} from "node:crypto";
import {mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {build} from "esbuild";

const out = process.argv[2];
if (!out) throw new Error("usage: node build.mjs OUTPUT_FOLDER");

const packageOf = (input) => input.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1];
const read = (name, file) => readFileSync(join("node_modules", name, file), "utf8");
const licenceOf = (name) =>
  read(name, readdirSync(join("node_modules", name)).find((file) => /^licen[cs]e/i.test(file)));

const bundle = await build({
  entryPoints: ["entry.mjs"], bundle: true, minify: true, format: "iife", globalName: "Plot",
  target: "es2020", legalComments: "none", metafile: true, write: false, charset: "ascii",
});
const names = [...new Set(Object.keys(bundle.metafile.inputs).map(packageOf).filter(Boolean))].sort();
const versions = names.map((name) => {
  const {version, license} = JSON.parse(read(name, "package.json"));
  return {name, version, license};
});

// Licences that differ only in who holds the copyright are written once, after the list of the holders: the whole
// notice is the head of the bundle, so that every report carries it.
const texts = new Map();
for (const {name, version} of versions) {
  const lines = licenceOf(name).trim().split(/\r?\n/);
  const holders = lines.filter((line) => /^copyright/i.test(line.trim())).map((line) => line.trim());
  const body = lines.filter((line) => !/^copyright/i.test(line.trim())).join("\n").trim();
  const key = body.replace(/\s+/g, " ");
  const entry = texts.get(key) ?? {body, holders: []};
  entry.holders.push(`${name} ${version}: ${holders.join("; ")}`);
  texts.set(key, entry);
}
const notices = [...texts.values()].map(({body, holders}) => `${holders.join("\n")}\n\n${body}`).join("\n\n---\n\n");

mkdirSync(out, {recursive: true});
rmSync(join(out, "licenses"), {recursive: true, force: true});
mkdirSync(join(out, "licenses"));
for (const {name} of versions) {
  writeFileSync(join(out, "licenses", `${name.replace("/", "_").replace("@", "")}.LICENSE`), licenceOf(name));
}
const code = bundle.outputFiles[0].text;
if (/<\/script|<!--/i.test(code + notices)) throw new Error("the bundle cannot be inlined in a script element");
const file = `/*!\n${notices.replaceAll("*/", "* /")}\n*/\n${code}`;
writeFileSync(join(out, "plot.min.js"), file);
writeFileSync(join(out, "LICENSE"), licenceOf("@observablehq/plot"));

// Plot appends this rule to every chart as a style element. The page's content security policy allows it by its hash;
// it is read from Plot's source, so that it cannot drift from the bundle.
const source = read("@observablehq/plot", "src/plot.js");
const rule = source.match(/append\("style"\)\.text\(\s*`([^`]*)`/)[1].replaceAll("${className}", "fs-plot");
writeFileSync(join(out, "inline-style.css"), rule);

const digest = createHash("sha256").update(file).digest("hex");
const list = versions.map(({name, version, license}) => `${name} ${version} ${license}`).join("\n");
writeFileSync(join(out, "VERSION"), `plot.min.js sha256 ${digest}\n${list}\n`);
console.log(`${out}: ${file.length} characters, ${versions.length} packages`);
