/**
 * The one place that turns an address into something that may run. Under
 * `require-trusted-types-for 'script'` nothing else in the page can.
 */
export function scriptAddress(url: string): string {
  const types = (globalThis as { trustedTypes?: { createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): unknown } } }).trustedTypes
  if (!types) return url
  policy ??= types.createPolicy('eventseal', {
    createScriptURL(url) {
      if (new URL(url, location.href).origin !== location.origin) throw new TypeError('a script of another origin')
      return url
    },
  })
  return policy.createScriptURL(url) as string
}

let policy: { createScriptURL(url: string): unknown } | undefined
