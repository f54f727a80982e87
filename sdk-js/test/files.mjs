// Where the test vectors are.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = `${root}/testvectors`;

/** Every file with the module's cases, by its path below testvectors/. */
export const vectorFiles = readdirSync(folder, { withFileTypes: true })
  .filter((d) => d.isDirectory() && !["anchor", "generate", "node"].includes(d.name))
  .flatMap((d) => readdirSync(`${folder}/${d.name}`).filter((f) => f.endsWith(".json")).map((f) => `${d.name}/${f}`))
  .sort();

export const readVectors = (file) => JSON.parse(readFileSync(`${folder}/${file}`, "utf8"));
