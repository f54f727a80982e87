// Lines of an answer as they come: NDJSON, and Server-Sent Events on top.

/** Reads the next piece of a body; undefined at its end. */
type Read = () => Promise<Uint8Array | undefined>;

/** A line that is too long for what it can be. */
export class LongLine extends Error {
  constructor(most: number) {
    super(`it has a line of more than ${most} bytes`);
  }
}

/**
 * The lines of a body without their ends (LF or CRLF), empty ones included; a
 * last line without an end as well, if it is not empty. Each is a copy.
 * @throws LongLine for one of more than most bytes
 */
export async function* lines(read: Read, most: number): AsyncGenerator<Uint8Array> {
  let held = new Uint8Array(1024);
  let size = 0;
  const hold = (b: Uint8Array) => {
    if (size + b.length > most) throw new LongLine(most);
    if (size + b.length > held.length) {
      const larger = new Uint8Array(Math.max(2 * held.length, size + b.length));
      larger.set(held.subarray(0, size));
      held = larger;
    }
    held.set(b, size);
    size += b.length;
  };
  const take = () => {
    const line = held.slice(0, size > 0 && held[size - 1] === 13 ? size - 1 : size);
    size = 0;
    return line;
  };
  for (let piece; (piece = await read()); ) {
    let from = 0;
    for (let end; (end = piece.indexOf(10, from)) >= 0; from = end + 1) {
      hold(piece.subarray(from, end));
      yield take();
    }
    hold(piece.subarray(from));
  }
  if (size > 0) yield take();
}

/** One message of an event stream. */
export interface Message {
  event: string;
  data: string;
}

/** What an event stream has said so far, for the next connection. */
export interface StreamState {
  /** The last id; "" for none. */
  id: string;
  /** Milliseconds to wait before connecting again that the server asked for; 0 for none. */
  retry: number;
}

/**
 * The messages of an event stream (WHATWG HTML §9.2.6) whose lines end in LF
 * or CRLF. A message that the end cuts off is none.
 */
export async function* messages(read: Read, most: number, state: StreamState): AsyncGenerator<Message> {
  const decoder = new TextDecoder();
  let event = "";
  let id = state.id;
  let data: string[] = [];
  let size = 0;
  for await (const line of lines(read, most)) {
    if (line.length === 0) {
      state.id = id;
      if (data.length > 0) yield { event: event || "message", data: data.join("\n") };
      event = "";
      data = [];
      size = 0;
      continue;
    }
    const text = decoder.decode(line);
    const colon = text.indexOf(":");
    if (colon === 0) continue; // a comment: a sign of life
    const name = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : text.slice(text[colon + 1] === " " ? colon + 2 : colon + 1);
    if (name === "id" && /^[\w-]{0,100}$/.test(value)) id = value;
    else if (name === "event") event = value;
    else if (name === "retry" && /^\d{1,9}$/.test(value)) state.retry = Number(value);
    else if (name === "data") {
      size += value.length + 1;
      if (size > most) throw new LongLine(most);
      data.push(value);
    }
  }
}
