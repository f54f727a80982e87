import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { Outside } from '../ui/text.tsx'

/**
 * A view's heading. It takes the focus when the view opens, so that a screen
 * reader begins there; before it is painted, so that it is not taken from where
 * a quick hand has moved it since.
 */
export function Title({ text, children }: { text: string; children?: ComponentChildren }) {
  const h = useRef<HTMLHeadingElement>(null)
  useLayoutEffect(() => {
    document.title = `${text} · Eventseal`
    if (document.activeElement !== document.body && document.activeElement?.closest('main')) return
    if (opened) h.current?.focus({ preventScroll: true })
    opened = true
  }, [text])
  return (
    <header class="title">
      <h1 tabIndex={-1} ref={h}><Outside text={text} /></h1>
      {children && <p class="lead">{children}</p>}
    </header>
  )
}

let opened = false // the very first view leaves the focus where the browser puts it
