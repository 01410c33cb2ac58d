// Builds what browsers load into src/innkeeper/web/static: one style sheet, one script, the console's own, fonts,
// the licences of what is not ours. Names carry a hash of the content; `manifest.json` tells which is which. What can be compressed is there compressed as well.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import esbuild from "esbuild";
import * as sass from "sass";

const here = dirname(fileURLToPath(import.meta.url));
const there = join(here, "..", "src", "innkeeper", "web", "static");
const out = `${there}.${process.pid}`; // until all of it is there: a server may be reading
const modules = join(here, "node_modules");
const manifest = {};

function put(name, content) {
  const bytes = Buffer.from(content);
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  const dot = name.lastIndexOf(".");
  manifest[name] = `${name.slice(0, dot)}.${hash}${name.slice(dot)}`;
  writeFileSync(join(out, manifest[name]), bytes);
  if (!name.endsWith(".woff2")) writeFileSync(join(out, `${manifest[name]}.gz`), gzipSync(bytes, { level: 9 }));
  return manifest[name];
}

function font(name, file) {
  return put(name, readFileSync(join(modules, "@fontsource-variable/ubuntu-sans/files", file)));
}

function style(entry) {
  const made = sass.compile(join(here, "scss", entry), {
    loadPaths: [modules],
    style: "compressed",
    quietDeps: true,
    silenceDeprecations: ["import", "global-builtin", "color-functions", "if-function"],
  });
  return made.css;
}

async function script(entry) {
  const made = await esbuild.build({
    entryPoints: [join(here, "js", entry)],
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: "es2022",
    legalComments: "none",
    outfile: entry,
  });
  return made.outputFiles.find((one) => one.path.endsWith(".js")).contents;
}

function notices() {
  const { dependencies } = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
  const parts = Object.keys(dependencies).map((name) => {
    const directory = join(modules, name);
    const { version, license } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
    const file = readdirSync(directory).find((one) => /^(licen[cs]e|copying)/i.test(one));
    if (!file) throw new Error(`${name} has no licence file`);
    return `${name} ${version} (${license})\n\n${readFileSync(join(directory, file), "utf8")}`;
  });
  // The LGPL of vanilla-framework adds to the GPL, and is nothing without it.
  parts.push(`The GNU General Public License 3.0, which the LGPL refers to\n\n${readFileSync(join(here, "licences/GPL-3.0.txt"), "utf8")}`);
  return parts.join(`\n${"-".repeat(80)}\n\n`);
}

process.on("exit", () => rmSync(out, { recursive: true, force: true }));
mkdirSync(out, { recursive: true });
const latin = font("ubuntu-sans.woff2", "ubuntu-sans-latin-wght-normal.woff2");
put("app.css", style("app.scss").replaceAll("FONT_LATIN", latin));
put("console.css", readFileSync(join(modules, "@xterm/xterm/css/xterm.css")));
for (const entry of ["app.js", "console.js", "theme.js"]) put(basename(entry), await script(entry));
put("icon.svg", readFileSync(join(here, "icon.svg")));
writeFileSync(join(out, "NOTICES.txt"), notices());
writeFileSync(join(out, "manifest.json"), JSON.stringify(manifest, null, 2));
rmSync(there, { recursive: true, force: true });
renameSync(out, there);
