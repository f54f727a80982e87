import assert from "node:assert/strict";
import { test } from "./test.mjs";
import * as es from "eventseal";
import { readVectors, vectorFiles } from "./files.mjs";
import { runVectors } from "./vectors.mjs";

await es.init();

assert.ok(vectorFiles.length > 30);
for (const file of vectorFiles) {
  test(file, () => {
    const vectors = readVectors(file);
    assert.ok(vectors.cases.length > 0, "a file without cases");
    assert.deepEqual(runVectors(es, vectors), []);
  });
}
