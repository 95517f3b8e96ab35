/** What stands where there is nothing yet: why, and what to do next. */
import type { ComponentChildren } from 'preact'

interface Props {
  title: string
  children?: ComponentChildren
  action?: ComponentChildren
}

export const Empty = ({ title, children, action }: Props) => (
  <div class="empty">
    <h2>{title}</h2>
    {children && <p>{children}</p>}
    {action}
  </div>
)
