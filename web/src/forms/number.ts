/** Reads a JSON number, refusing what signing would change. */
export function readNumber(text: string, whole = false): { value: number } | { error: string } {
  const t = text.trim()
  if (!/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(t)) return { error: 'This is not a number. Write it like 12.5.' }
  const value = Number(t)
  if (!Number.isFinite(value)) return { error: 'This number is too large.' }
  if (/^-?\d+$/.test(t) && !Number.isSafeInteger(value)) return { error: 'A whole number of so many digits would change when signed.' }
  if (whole && !Number.isInteger(value)) return { error: 'This must be a whole number.' }
  return { value: value === 0 ? 0 : value }
}
