import { Store } from './store.ts'

export type Theme = 'auto' | 'light' | 'dark'

const place = 'eventseal.theme'

export const theme = new Store<Theme>((document.documentElement.dataset.theme as Theme | undefined) ?? 'auto')

export function choose(t: Theme): void {
  theme.set(t)
  if (t === 'auto') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = t
  try {
    if (t === 'auto') localStorage.removeItem(place)
    else localStorage.setItem(place, t)
  } catch {
    // No storage: it holds until the page is left.
  }
}
