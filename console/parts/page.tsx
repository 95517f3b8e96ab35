/** A page: its title, what can be done on it, and its content. */
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

interface Props {
  title: string
  /** A sentence under the title. */
  about?: ComponentChildren
  /** Buttons beside the title. */
  actions?: ComponentChildren
  children: ComponentChildren
}

/** The first page is not announced: the browser reads it from its top. */
let isFirst = true

export function Page({ title, about, actions, children }: Props) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} – Keyhall`
  }, [title])
  useEffect(() => {
    // A screen reader reads the title of the page that was opened.
    if (!isFirst) heading.current?.focus()
    isFirst = false
    scrollTo(0, 0)
  }, [])
  return (
    <>
      <div class="title">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {actions && <div class="actions">{actions}</div>}
      </div>
      {about && <p class="about">{about}</p>}
      {children}
    </>
  )
}
