/** Parts of a page, one of which is shown; the address says which. */
import { hrefOf, place } from '../place.ts'

interface Props {
  /** What the parts are parts of, for screen readers. */
  label: string
  tabs: readonly { name: string; title: string }[]
  chosen: string
}

export const Tabs = ({ label, tabs, chosen }: Props) => (
  <nav class="tabs" aria-label={label}>
    <ul>
      {tabs.map(({ name, title }) => (
        <li key={name}>
          <a href={hrefOf(`${place.value.path}?tab=${name}`)} aria-current={name === chosen ? 'page' : undefined}>
            {title}
          </a>
        </li>
      ))}
    </ul>
  </nav>
)
