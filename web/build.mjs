// Builds the dashboard: hashed files that never change, each also compressed, and the page that loads them.
//
//   node build.mjs FOLDER             builds once
//   node build.mjs FOLDER --watch     builds again whenever a file changes
//   node build.mjs --tests FOLDER     bundles the unit tests, for `node --test`

import { readdirSync, watch } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const COMMON = {
  absWorkingDir: HERE,
  bundle: true,
  format: "esm",
  jsx: "automatic",
  jsxImportSource: "preact",
  target: ["es2022", "chrome111", "firefox121", "safari17.5"],
  define: { "process.env.NODE_ENV": '"production"' },
  logLevel: "warning",
};

async function buildApp(folder) {
  const result = await build({
    ...COMMON,
    entryPoints: { app: "src/main.tsx" },
    outdir: "/assets",
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    publicPath: "/assets",
    minify: true,
    splitting: true,
    metafile: true,
    write: false,
  });
  const files = new Map(result.outputFiles.map((file) => [relative("/assets", file.path), file.contents]));
  const made = `${folder}.new`;
  await rm(made, { recursive: true, force: true });
  await mkdir(join(made, "assets"), { recursive: true });
  for (const [name, contents] of files) await writeCompressed(join(made, "assets", name), contents);
  const entry = (end) => [...files.keys()].find((name) => name.startsWith("app-") && name.endsWith(end));
  const page = await readFile(join(HERE, "index.html"), "utf8");
  await writeFile(
    join(made, "index.html"),
    page.replace("{script}", entry(".js")).replace("{style}", entry(".css")),
  );
  await rm(folder, { recursive: true, force: true });
  await rename(made, folder);
}

async function writeCompressed(path, contents) {
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } };
  await writeFile(path, contents);
  await writeFile(`${path}.gz`, gzipSync(contents, { level: 9 }));
  await writeFile(`${path}.br`, brotliCompressSync(contents, quality));
}

async function buildTests(folder) {
  const sources = readdirSync(join(HERE, "src"), { recursive: true });
  const entryPoints = sources.filter((name) => name.endsWith(".test.ts")).map((name) => join("src", name));
  await rm(folder, { recursive: true, force: true });
  const outExtension = { ".js": ".mjs" };
  await build({ ...COMMON, entryPoints, outdir: folder, outExtension, platform: "node", target: "node20" });
}

function rebuildOnChanges(folder) {
  let timer;
  watch(join(HERE, "src"), { recursive: true }, () => {
    clearTimeout(timer);
    timer = setTimeout(() => buildApp(folder).catch((error) => console.error(error.message)), 100);
  });
}

const [first, second] = process.argv.slice(2);
if (first === "--tests") {
  await buildTests(second);
} else {
  await buildApp(first);
  if (second === "--watch") rebuildOnChanges(first);
}
