// Fonts that no one would draw, so that a test proves what holds in every font
// and not in those that happen to be installed.

const u16 = (...n) => n.flatMap(v => [(v >> 8) & 255, v & 255])
const u32 = (...n) => n.flatMap(v => [(v >>> 24) & 255, (v >> 16) & 255, (v >> 8) & 255, v & 255])
const ascii = s => [...s].map(c => c.charCodeAt(0))
const zeros = n => new Array(n).fill(0)

/**
 * A TrueType font in which every character, combining marks too, is one full
 * square: wide em wide, so many em high above the line and as many below it.
 */
export function squares(wide, high) {
  const em = 1000
  const advance = Math.round(wide * em)
  const tall = Math.round(high * em)
  const name = ascii('Squares').flatMap(c => [0, c])
  // One contour of four points on the curve.
  const square = [...u16(1, 0, -tall, advance, tall, 3, 0), 1, 1, 1, 1, ...u16(0, advance, 0, -advance, -tall, 0, 2 * tall, 0)]
  const tables = {
    'OS/2': [
      ...u16(4, advance, 400, 5, 0, 650, 600, 0, 75, 650, 600, 0, 350, 50, 250, 0), ...zeros(10), ...u32(0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff),
      ...ascii('TEST'), ...u16(0x40, 0x20, 0xffff, tall, -tall, 0, tall, tall), ...u32(1, 0), ...u16(500, 700, 0, 0x20, 1),
    ],
    // Format 13: the whole of Unicode is glyph 1.
    cmap: [...u16(0, 1, 3, 10), ...u32(12), ...u16(13, 0), ...u32(28, 0, 1, 0, 0x10ffff, 1)],
    glyf: [...square, ...zeros(square.length % 2), ...square, ...zeros(square.length % 2)],
    head: [...u32(0x10000, 0x10000, 0, 0x5f0f3cf5), ...u16(0, em), ...zeros(16), ...u16(0, -tall, advance, tall, 0, 8, 2, 1, 0)],
    hhea: [...u32(0x10000), ...u16(tall, -tall, 0, advance, 0, 0, advance, 1, 0, 0), ...zeros(10), ...u16(2)],
    hmtx: u16(advance, 0, advance, 0),
    loca: u32(0, square.length + (square.length % 2), 2 * (square.length + (square.length % 2))),
    maxp: [...u32(0x10000), ...u16(2, 4, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)],
    name: [...u16(0, 2, 30, 3, 1, 0x409, 1, name.length, 0, 3, 1, 0x409, 4, name.length, 0), ...name],
    post: [...u32(0x30000, 0), ...u16(-75, 50), ...u32(0, 0, 0, 0, 0)],
  }
  const list = Object.entries(tables).map(([tag, bytes]) => ({ tag, length: bytes.length, bytes: [...bytes, ...zeros(-bytes.length & 3)] }))
  const sum = bytes => {
    let s = 0
    for (let i = 0; i < bytes.length; i += 4) s = (s + ((bytes[i] << 24) | (bytes[i + 1] << 16) | (bytes[i + 2] << 8) | bytes[i + 3])) >>> 0
    return s
  }
  let at = 12 + 16 * list.length
  const directory = list.flatMap(t => {
    const entry = [...ascii(t.tag), ...u32(sum(t.bytes), at, t.length)]
    at += t.bytes.length
    return entry
  })
  return [...u32(0x10000), ...u16(list.length, 128, 3, list.length * 16 - 128), ...directory, ...list.flatMap(t => t.bytes)]
}
