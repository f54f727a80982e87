import { Worker } from "node:worker_threads";
import { Pool, type PoolOptions, type WorkerLike } from "./pool.js";

/** A worker of Node's as the web has it. It keeps the process alive while it works, not while it waits. */
function start(): WorkerLike {
  const w = new Worker(new URL("./worker.node.js", import.meta.url));
  const like: WorkerLike = {
    onmessage: null,
    onerror: null,
    postMessage(message) {
      w.ref();
      w.postMessage(message);
    },
    terminate: () => w.terminate(),
  };
  w.on("message", (data) => {
    w.unref();
    like.onmessage?.({ data } as MessageEvent);
  });
  w.on("error", (error) => like.onerror?.({ error } as ErrorEvent));
  return like;
}

export class VerifierPool extends Pool {
  constructor(options: PoolOptions = {}) {
    super({ ...options, start: options.start ?? start });
  }
}
