// Streams of events cut into groups: for the module, and for requests of which
// some are under way at once.
import { eventInput, invalid, isInput, limitOf, Slices, verifyInputs, type Input, type InvalidEvent, type Verdict } from "./core.js";
import { EventSealError } from "./errors.js";
import type { EventInput, Limit } from "./types.js";

/**
 * Verifies events as they come, a few milliseconds at a time, and lets the
 * page do other things in between. In the order of events.
 */
export async function* verifyStream(events: Iterable<EventInput> | AsyncIterable<EventInput>, options?: Limit): AsyncGenerator<Verdict> {
  const most = limitOf(options);
  const slices = new Slices();
  for await (const batch of batched(events, { events: 64, bytes: 256 << 10, linger: 5 }, most)) yield* verifyInputs(batch.inputs, most, slices);
}

/** Consecutive events as they were when they came, the first of them number `first` of all. */
export interface Batch {
  first: number;
  inputs: (Input | InvalidEvent)[];
}

/** Bounds of a batch: events, bytes, and milliseconds for which its first event waits for more. */
export interface BatchSize {
  events: number;
  bytes: number;
  linger: number;
}

/**
 * Cuts events into batches. One goes out when it is full, or when its first
 * event has waited for a while, so that a slow source is answered soon and a
 * fast one in few requests. What came before the source fails goes out before
 * that. Once signal aborts it asks the source for nothing more, and ends.
 */
export async function* batched(
  events: Iterable<EventInput> | AsyncIterable<EventInput>, size: BatchSize, mostBytes: number, signal?: AbortSignal,
): AsyncGenerator<Batch> {
  const source = Symbol.asyncIterator in events ? events[Symbol.asyncIterator]() : events[Symbol.iterator]();
  let batch: Batch = { first: 0, inputs: [] };
  let bytes = 0;
  const alarm = new Alarm();
  const stop = () => alarm.ring();
  signal?.addEventListener("abort", stop);
  let late: ReturnType<typeof setTimeout> | undefined;
  let due = false;
  const cut = () => {
    const full = batch;
    batch = { first: full.first + full.inputs.length, inputs: [] };
    bytes = 0;
    clearTimeout(late);
    late = undefined;
    due = false;
    return full;
  };
  let pending: Promise<IteratorResult<EventInput>> | undefined;
  let over = false;
  let failure: { cause: unknown } | undefined;
  try {
    while (!over) {
      pending ??= Promise.resolve(source.next());
      const got = due ? undefined : await alarm.or(pending).catch((cause: unknown) => {
        failure = { cause };
        return { done: true } as const;
      });
      if (signal?.aborted) return;
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
      late ??= setTimeout(() => {
        due = true;
        alarm.ring();
      }, size.linger);
      bytes += n;
      if (batch.inputs.length === size.events) yield cut();
    }
  } finally {
    clearTimeout(late);
    signal?.removeEventListener("abort", stop);
    // Not waited for: a source that is asked for an event answers when it has one.
    if (!over) void Promise.resolve(source.return?.()).catch(() => {});
  }
  if (batch.inputs.length > 0) yield cut();
  if (failure) throw failure.cause;
}

/**
 * Wakes who waits. Promise.race with a promise that lasts would keep every
 * loser, and what it became, for as long.
 */
class Alarm {
  #wake = () => {};

  ring(): void {
    this.#wake();
  }

  /** What the first of promises becomes; undefined when the alarm rings before. */
  or<T>(...promises: Promise<T>[]): Promise<T | undefined> {
    return new Promise((go, stop) => {
      this.#wake = () => go(undefined);
      for (const p of promises) p.then(go, stop);
    });
  }
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
  source: (signal: AbortSignal) => AsyncGenerator<B>, ahead: number, signal: AbortSignal | undefined, work: (batch: B, signal: AbortSignal) => Promise<T[]>,
): AsyncGenerator<T> {
  signal?.throwIfAborted();
  const ends = new AbortController();
  const alarm = new Alarm();
  const aborted = () => {
    ends.abort(signal?.reason);
    alarm.ring();
  };
  signal?.addEventListener("abort", aborted, { once: true });
  const batches = source(ends.signal);
  const underWay: Promise<T[]>[] = [];
  type Next = { done: true; failure?: { cause: unknown } } | { done: false; batch: B };
  const ask = (): Promise<Next> =>
    batches.next().then(
      (r) => (r.done ? { done: true } : { done: false, batch: r.value }),
      (cause: unknown) => ({ done: true, failure: { cause } }),
    );
  let next: Promise<Next> | undefined = ask();
  let end: Next | undefined;
  try {
    for (;;) {
      const first = underWay[0];
      if (next && underWay.length < ahead) {
        const got: Next | T[] | undefined = await alarm.or<Next | T[]>(next, ...(first ? [first] : []));
        signal?.throwIfAborted();
        if (got && "done" in got) {
          if (got.done) {
            end = got;
            next = undefined;
          } else {
            const w = work(got.batch, ends.signal);
            w.catch(() => {}); // seen when its turn comes
            underWay.push(w);
            next = ask();
          }
          continue;
        }
      }
      if (!first) break;
      yield* await first; // which ends when the signal does
      underWay.shift();
    }
    if (end?.done && end.failure) throw end.failure.cause;
  } finally {
    signal?.removeEventListener("abort", aborted);
    ends.abort();
    void batches.return(undefined).catch(() => {});
  }
}
