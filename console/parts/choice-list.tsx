/** The list below a field in which somebody looks for one of many. */
import { useEffect, useRef } from 'preact/hooks'
import { Problem } from './problem.tsx'
import type { NamedProject, ProjectSearch } from './use-project-search.ts'

interface Props {
  /** The id of the list; those of its options are it, `-`, and their places. */
  id: string
  options: readonly NamedProject[]
  /** The place of the option that Enter chooses; -1 for none. */
  active: number
  /** The id of the option that is chosen. */
  chosen: string
  search: ProjectSearch
  onChoose: (option: NamedProject) => void
}

export function ChoiceList({ id, options, active, chosen, search, onChoose }: Props) {
  const list = useRef<HTMLDivElement>(null)
  // In a dialog, the list may begin below what is seen of it.
  useEffect(() => {
    const shown = active < 0 ? list.current : document.getElementById(`${id}-${active}`)
    shown?.scrollIntoView({ block: 'nearest' })
  }, [active, options])
  return (
    <div class="choices" ref={list} onMouseDown={(event) => event.preventDefault()}>
      {options.length > 0 && (
        <ul id={id} role="listbox" aria-label="Choices" aria-busy={search.isLoading}>
          {options.map((option, at) => (
            <li
              key={option.id}
              id={`${id}-${at}`}
              role="option"
              aria-selected={option.id === chosen}
              class={at === active ? 'active' : undefined}
              onClick={() => onChoose(option)}
            >
              {option.name}
            </li>
          ))}
        </ul>
      )}
      <p role="status">{wordsOf(options, search)}</p>
      <Problem problem={search.problem} retry={search.retry} />
    </div>
  )
}

function wordsOf(options: Props['options'], { isLoading, hasMore, problem }: ProjectSearch) {
  if (isLoading) return 'Loading …'
  if (problem !== undefined) return ''
  if (options.length === 0) return 'No name has this in it.'
  return hasMore ? (
    'There are more: type a part of the name.'
  ) : (
    <span class="visually-hidden">{options.length} found</span>
  )
}
