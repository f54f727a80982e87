import { install, judgeAll, register } from "./module.js";
import type { Done, Work } from "./pool.js";

/** Answers a pool's messages. */
export function serve(port: { postMessage(message: Done): void }): (work: Work) => void {
  return (work) => {
    try {
      if (work.module) install(work.module);
      if (work.types) register(work.types);
      port.postMessage({ id: work.id, answers: judgeAll(work.maxBytes, work.inputs) });
    } catch (e) {
      port.postMessage({ id: work.id, failure: e instanceof Error ? e.message : String(e) });
    }
  };
}
