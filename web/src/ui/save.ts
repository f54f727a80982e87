/** Hands bytes or text to the browser as a file to keep. */
export function save(name: string, content: string | Uint8Array<ArrayBuffer>): void {
  const a = document.createElement('a')
  a.href = URL.createObjectURL(new Blob([content], { type: 'application/json' }))
  a.download = name
  a.click()
  setTimeout(() => URL.revokeObjectURL(a.href), 10_000)
}
