// Streams of events cut into groups: for the module, and for requests of which
// some are under way at once.
import { eventInput, invalid, isInput, limitOf, pause, sliceEvents, verifyGroup, type Input, type InvalidEvent, type Verdict } from "./core.js";
import { EventSealError } from "./errors.js";
import type { EventInput, Limit } from "./types.js";

/**
 * Verifies events as they come, a few milliseconds at a time, and lets the
 * page do other things in between. In the order of events.
 */
export async function* verifyStream(events: Iterable<EventInput> | AsyncIterable<EventInput>, options?: Limit): AsyncGenerator<Verdict> {
  const most = limitOf(options);
  for await (const batch of batched(events, { events: sliceEvents, bytes: 256 << 10, linger: 5 }, most)) {
    yield* verifyGroup(batch.inputs, most);
    await pause();
  }
}

/** Consecutive events as they were when they came, the first of them number `first` of all. */
export interface Batch {
  first: number;
  inputs: (Input | InvalidEvent)[];
}

/** Bounds of a batch: events, bytes, and milliseconds to wait for more. */
export interface BatchSize {
  events: number;
  bytes: number;
  linger: number;
}

/**
 * Cuts events into batches. One goes out when it is full, or when nothing more
 * has come for a while, so that a slow source is answered soon and a fast one
 * in few requests. What came before the source fails goes out before that.
 */
export async function* batched(events: Iterable<EventInput> | AsyncIterable<EventInput>, size: BatchSize, mostBytes: number): AsyncGenerator<Batch> {
  const source = Symbol.asyncIterator in events ? events[Symbol.asyncIterator]() : events[Symbol.iterator]();
  let batch: Batch = { first: 0, inputs: [] };
  let bytes = 0;
  const cut = () => {
    const full = batch;
    batch = { first: full.first + full.inputs.length, inputs: [] };
    bytes = 0;
    return full;
  };
  let pending: Promise<IteratorResult<EventInput>> | undefined;
  let over = false;
  let failure: { cause: unknown } | undefined;
  try {
    while (!over) {
      pending ??= Promise.resolve(source.next());
      const got = await (batch.inputs.length > 0 ? within(pending, size.linger) : pending).catch((cause: unknown) => {
        failure = { cause };
        return { done: true } as const;
      });
      if (got === undefined) {
        yield cut();
        continue;
      }
      pending = undefined;
      if (got.done) {
        over = true;
        break;
      }
      const input = inputOf(got.value, mostBytes);
      const n = isInput(input) ? input.length : 0;
      if (batch.inputs.length > 0 && bytes + n > size.bytes) yield cut();
      batch.inputs.push(input);
      bytes += n;
      if (batch.inputs.length === size.events) yield cut();
    }
  } finally {
    // Not waited for: a source that is asked for an event answers when it has one.
    if (!over) void Promise.resolve(source.return?.()).catch(() => {});
  }
  if (batch.inputs.length > 0) yield cut();
  if (failure) throw failure.cause;
}

/** What promise becomes, or undefined when that takes longer than ms milliseconds. */
function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise<undefined>((go) => (timer = setTimeout(go, ms, undefined)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function inputOf(event: EventInput, mostBytes: number): Input | InvalidEvent {
  try {
    return eventInput(event, mostBytes);
  } catch (e) {
    if (e instanceof EventSealError && e.code === "invalid_argument") return invalid(e);
    throw e;
  }
}

/**
 * Runs work on each batch, up to ahead of them at once, and yields the
 * outcomes in order as soon as they are there. Leaving the loop, or the
 * signal, ends what is under way.
 */
export async function* inOrder<B, T>(
  batches: AsyncGenerator<B>, ahead: number, signal: AbortSignal | undefined, work: (batch: B, signal: AbortSignal) => Promise<T[]>,
): AsyncGenerator<T> {
  const ends = new AbortController();
  const aborted = () => ends.abort(signal?.reason);
  signal?.throwIfAborted();
  signal?.addEventListener("abort", aborted, { once: true });
  const stopped = new Promise<never>((_, stop) => ends.signal.addEventListener("abort", () => stop(ends.signal.reason), { once: true }));
  stopped.catch(() => {});
  const underWay: Promise<T[]>[] = [];
  type Next = { done: true; failure?: unknown; failed?: boolean } | { done: false; batch: B };
  const ask = (): Promise<Next> =>
    batches.next().then(
      (r) => (r.done ? { done: true } : { done: false, batch: r.value }),
      (failure: unknown) => ({ done: true, failed: true, failure }),
    );
  let next: Promise<Next> | undefined = ask();
  let end: Next | undefined;
  try {
    for (;;) {
      const first = underWay[0];
      if (next && underWay.length < ahead) {
        const got: Next | undefined = await Promise.race([stopped, next, ...(first ? [first.then(() => undefined)] : [])]);
        if (got?.done) {
          end = got;
          next = undefined;
        } else if (got) {
          const w = work(got.batch, ends.signal);
          w.catch(() => {}); // seen when its turn comes
          underWay.push(w);
          next = ask();
        }
        if (got) continue;
      }
      if (!first) break;
      yield* await first;
      underWay.shift();
    }
    if (end?.done && end.failed) throw end.failure;
  } finally {
    signal?.removeEventListener("abort", aborted);
    ends.abort();
    void batches.return(undefined).catch(() => {});
  }
}
