/** At most n characters of a text, never half of one. */
export function cut(text: string, n: number): string {
  if (text.length <= n) return text
  const end = /[\ud800-\udbff]/.test(text[n - 1] ?? '') ? n - 1 : n
  return text.slice(0, end) + '…'
}
