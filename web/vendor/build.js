// Bundles what the page takes from npm into ../page/vendor, together with the licences. Run by `make vendor`; the same
// package-lock.json always gives the same bytes, and the result is committed, so that nobody needs npm to run the page.

import { build } from "esbuild";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";

const source = new URL("node_modules/", import.meta.url);
const target = new URL("../page/vendor/", import.meta.url);

// The text of the project's NOTICE file, which is not part of its npm package.
const CHARTS_NOTICE = `TradingView Lightweight Charts™
Copyright (c) 2025 TradingView, Inc. https://www.tradingview.com/
`;

const LICENSES = [
  ["lightweight-charts", "Apache-2.0", "lightweight-charts/LICENSE"],
  ["@nats-io/nats-core", "Apache-2.0", "@nats-io/nats-core/LICENSE"],
  ["@nats-io/nkeys", "Apache-2.0", "@nats-io/nkeys/LICENSE"],
  ["@nats-io/nuid", "Apache-2.0", "@nats-io/nuid/LICENSE"],
  ["tweetnacl", "Unlicense", "tweetnacl/LICENSE"],
  ["fancy-canvas", "MIT", null], // Contained in lightweight-charts; its package has no licence file.
  ["@fontsource-variable/inter", "OFL-1.1", "@fontsource-variable/inter/LICENSE"],
];

async function version(name) {
  return JSON.parse(await readFile(new URL(`${name}/package.json`, source), "utf8")).version;
}

async function notice() {
  const lines = [CHARTS_NOTICE, "This folder holds, as published on npm, unchanged but for bundling:", ""];
  for (const [name, license] of LICENSES) lines.push(`- ${name} ${await version(name)} (${license})`);
  const texts = new Map();
  for (const [name, , path] of LICENSES) {
    if (path === null) continue;
    const text = (await readFile(new URL(path, source), "utf8")).trim().replaceAll("\r\n", "\n");
    texts.set(text, [...(texts.get(text) ?? []), name]);
  }
  for (const [text, names] of texts) lines.push("", "=".repeat(100), `Licence of ${names.join(", ")}`, "", text);
  return `${lines.join("\n")}\n`;
}

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
await build({
  stdin: { contents: 'export { wsconnect } from "@nats-io/nats-core";', resolveDir: new URL(".", import.meta.url).pathname },
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  banner: { js: "/*! @nats-io/nats-core, Apache-2.0, see NOTICE.txt */" },
  outfile: new URL("nats.js", target).pathname,
});
const charts = await readFile(new URL("lightweight-charts/dist/lightweight-charts.standalone.production.mjs", source));
await writeFile(new URL("lightweight-charts.js", target), charts);
await copyFile(
  new URL("@fontsource-variable/inter/files/inter-latin-wght-normal.woff2", source),
  new URL("inter.woff2", target),
);
await writeFile(new URL("NOTICE.txt", target), await notice());
