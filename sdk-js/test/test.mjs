// node:test, with a time that every test has: one that hangs fails by its name.
import { test as timeless } from "node:test";

export { after, before } from "node:test";

const timeout = 120_000; // some seconds' work, on a machine that does much else

export function test(name, options, body = options) {
  return timeless(name, { timeout, ...(body === options ? {} : options) }, body);
}
