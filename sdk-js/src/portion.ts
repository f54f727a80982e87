// How much of a batch passes at once, as host/portion remembers it.

interface Bounds {
  items: number;
  bytes: number;
}

/** Portions in a row that have to pass after one that failed before a larger one is tried. */
const after = 32;

/** @internal Bounds the portions that a batch is sent in: what fails halves it; what passes doubles it, but not soon after a failure. */
export class Portion {
  readonly #most: Bounds;
  #now: Bounds;
  #before: Bounds | undefined; // what it was before it was halved
  #passed = 0; // since then

  constructor(most: Bounds) {
    this.#most = most;
    this.#now = { ...most };
  }

  /** The first of all, at least one, that make the next portion. */
  take<T>(all: readonly T[], size: (item: T) => number): T[] {
    let bytes = 0;
    let n = 0;
    for (; n < all.length && n < this.#now.items; n++) {
      bytes += size(all[n]!);
      if (n > 0 && bytes > this.#now.bytes) break;
    }
    return all.slice(0, n);
  }

  passed(p: Bounds): void {
    if (this.#before && ++this.#passed < after) return;
    this.#before = undefined;
    this.#now = {
      items: Math.max(this.#now.items, Math.min(2 * p.items, this.#most.items)),
      bytes: Math.max(this.#now.bytes, Math.min(2 * p.bytes, this.#most.bytes)),
    };
  }

  failed(p: Bounds): void {
    this.#before ??= this.#now;
    this.#passed = 0;
    this.#now = {
      items: Math.min(this.#now.items, Math.max(p.items >> 1, 1)),
      bytes: Math.min(this.#now.bytes, Math.max(p.bytes >> 1, 1)),
    };
  }

  /** One item alone is refused: what failed of late failed because of it. */
  blame(): void {
    this.#now = this.#before ?? this.#now;
    this.#before = undefined;
  }
}
