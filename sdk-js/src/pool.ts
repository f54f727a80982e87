// Verification in workers, so that the thread of the page stays free.
import { eventInput, isInput, limitOf, Slices, verdictOf, type Input, type InvalidEvent, type Verdict } from "./core.js";
import { EventSealError } from "./errors.js";
import { installed, knownTypes, type Found, type Refused } from "./module.js";
import { EventTypes, type EventInput, type Limit } from "./types.js";

/** What the pool needs of a worker: the web's Worker has it. */
export interface WorkerLike {
  postMessage(message: unknown): void;
  terminate(): unknown;
  onmessage: ((e: MessageEvent) => void) | null;
  onerror: ((e: ErrorEvent) => void) | null;
}

/** How many workers, and how to start one. */
export interface PoolOptions {
  /** Default: one less than the machine has cores, 1 to 8. */
  size?: number;
  /** Starts a worker that runs `eventseal/worker`, where the standard way does not fit. */
  start?: () => WorkerLike;
}

/** @internal One piece of work, as it goes to a worker. */
export interface Work {
  id: number;
  module?: WebAssembly.Module;
  types?: readonly { name: string; code: number }[];
  maxBytes: number;
  inputs: Input[];
}

/** @internal A worker's answer. */
export interface Done {
  id: number;
  answers?: (Found | Refused)[];
  failure?: string;
}

interface Job {
  inputs: Input[];
  maxBytes: number;
  tries: number;
  done: (answers: (Found | Refused)[]) => void;
  failed: (e: unknown) => void;
}

interface Member {
  worker: WorkerLike;
  job?: Job | undefined;
  /** What it was told to know. */
  types: string;
  fresh: boolean;
}

// What one message holds: enough that messages do not cost, so little that
// taking an answer in takes the page a few milliseconds.
const jobEvents = 128;
const jobBytes = 1 << 20;

/**
 * Verifies many events in workers. `init()` must have been awaited before; the
 * workers run the same compiled module, with the types that are registered
 * when the work begins. End it with `close()`.
 */
export class Pool {
  readonly #start: () => WorkerLike;
  readonly #size: number;
  readonly #members: Member[] = [];
  readonly #queue: Job[] = [];
  #ids = 0;
  #closed = false;

  constructor(options: PoolOptions & { start: () => WorkerLike }) {
    const cores = (globalThis.navigator as Navigator | undefined)?.hardwareConcurrency ?? 2;
    const size = options.size ?? Math.min(8, Math.max(1, cores - 1));
    if (!Number.isSafeInteger(size) || size < 1) throw new EventSealError("invalid_argument", "", "size is a positive integer");
    this.#size = size;
    this.#start = options.start;
  }

  /**
   * Verifies events: as many verdicts, in their order. Objects are read here,
   * as they come; the thread is never held for more than some milliseconds.
   */
  async verifyMany(events: Iterable<EventInput> | AsyncIterable<EventInput>, options: Limit & { signal?: AbortSignal } = {}): Promise<Verdict[]> {
    const most = limitOf(options);
    const out: Verdict[] = [];
    const jobs: Promise<void>[] = [];
    let inputs: Input[] = [];
    let places: number[] = [];
    let bytes = 0;
    let n = 0;
    const slices = new Slices();
    const waiting: Job[] = [];
    const flush = () => {
      if (inputs.length === 0) return;
      const [sent, at] = [inputs, places];
      [inputs, places, bytes] = [[], [], 0];
      const job = new Promise<(Found | Refused)[]>((done, failed) => {
        const j = { inputs: sent, maxBytes: most, tries: 0, done, failed };
        waiting.push(j);
        this.#queue.push(j);
        this.#next();
      }).then(async (answers) => {
        for (const [i, v] of answers.entries()) {
          out[at[i]!] = verdictOf(v, sent[i]!, most);
          await slices.rest();
        }
      });
      job.catch(() => {});
      jobs.push(job);
    };
    const abort = () => {
      for (const j of waiting) j.failed(options.signal?.reason);
    };
    options.signal?.throwIfAborted();
    options.signal?.addEventListener("abort", abort, { once: true });
    try {
      for await (const event of events) {
        options.signal?.throwIfAborted();
        const input: Input | InvalidEvent = eventInput(event, most);
        if (isInput(input)) {
          inputs.push(input);
          places.push(n);
          bytes += input.length;
        } else out[n] = input;
        n++;
        if (inputs.length === jobEvents || bytes >= jobBytes) flush();
        await slices.rest();
      }
      flush();
      await Promise.all(jobs);
      return out;
    } finally {
      options.signal?.removeEventListener("abort", abort);
      for (const j of waiting) {
        const at = this.#queue.indexOf(j);
        if (at >= 0) this.#queue.splice(at, 1);
      }
    }
  }

  /** Ends the workers; what is under way fails. */
  close(): void {
    this.#closed = true;
    const error = new EventSealError("shutting_down", "", "the pool was closed");
    for (const j of this.#queue.splice(0)) j.failed(error);
    for (const m of this.#members.splice(0)) {
      m.worker.terminate();
      m.job?.failed(error);
    }
  }

  /** Gives waiting work to free workers. */
  #next(): void {
    for (;;) {
      if (this.#queue.length === 0) return;
      if (this.#closed) return this.close();
      let m = this.#members.find((x) => !x.job);
      if (!m) {
        if (this.#members.length === this.#size) return;
        try {
          m = this.#member();
        } catch (cause) {
          const error = new EventSealError("internal", "", "a worker cannot be started", { cause });
          for (const j of this.#queue.splice(0)) j.failed(error);
          return;
        }
      }
      const job = this.#queue.shift()!;
      m.job = job;
      job.tries++;
      const work: Work = { id: ++this.#ids, maxBytes: job.maxBytes, inputs: job.inputs };
      const types = knownTypes().filter((t) => !Object.hasOwn(EventTypes, t.name));
      const told = JSON.stringify(types);
      if (m.fresh) work.module = installed()!;
      if (m.fresh || told !== m.types) work.types = types;
      m.fresh = false;
      m.types = told;
      m.worker.postMessage(work);
    }
  }

  #member(): Member {
    const m: Member = { worker: this.#start(), types: "", fresh: true };
    m.worker.onmessage = (e: MessageEvent<Done>) => {
      const { job } = m;
      m.job = undefined;
      if (e.data.answers) job?.done(e.data.answers);
      else job?.failed(new EventSealError("internal", "", `a worker failed: ${e.data.failure}`));
      this.#next();
    };
    // It could not be loaded, or stopped: its work is given to another one, once.
    m.worker.onerror = () => {
      m.worker.terminate();
      const at = this.#members.indexOf(m);
      if (at >= 0) this.#members.splice(at, 1);
      const { job } = m;
      if (job && job.tries < 2) this.#queue.unshift(job);
      else job?.failed(new EventSealError("internal", "", "a worker stopped"));
      this.#next();
    };
    this.#members.push(m);
    return m;
  }
}
