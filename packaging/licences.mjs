/**
 * Part of the build: the licences of the packages that are bundled into dist have to travel with it.
 * Reads what esbuild says it took (dist/metafile.json) and writes dist/LICENSES.txt.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const METAFILE = "dist/metafile.json";
const { inputs } = JSON.parse(readFileSync(METAFILE, "utf8"));
rmSync(METAFILE);

const packages = new Set(
  Object.keys(inputs).flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path) ?? []),
);

function licenceOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((each) => /^(?:licen[cs]e|copying)/i.test(each));
  if (file === undefined) throw new Error(`${name} is bundled and has no licence text`);
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
}

const texts = [...packages].sort().map(licenceOf);
writeFileSync(
  "dist/LICENSES.txt",
  `Packages that are bundled into these files, and their licences.\n\n${texts.join(`\n${"-".repeat(78)}\n\n`)}`,
);
