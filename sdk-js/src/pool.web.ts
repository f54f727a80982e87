import { Pool, type PoolOptions } from "./pool.js";

export class VerifierPool extends Pool {
  constructor(options: PoolOptions = {}) {
    super({ ...options, start: options.start ?? (() => new Worker(new URL("./worker.js", import.meta.url), { type: "module" })) });
  }
}
