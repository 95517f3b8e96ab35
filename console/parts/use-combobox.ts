/** What somebody types, looks through and chooses in a choice of one project. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { useProjectNames } from '../project-names.ts'
import { useProjectSearch, type NamedProject, type Searched } from './use-project-search.ts'

export interface Choosing extends Searched {
  /** The id of the project that is chosen, as far as the page knows; empty for none. */
  value?: string | undefined
  /** What it is called to choose none, such as “All projects”. Without it, one must be chosen. */
  none?: string
  /** Called with the id of a project that was chosen, or with an empty text for none. */
  onChange?: (project_id: string) => void
}

export function useCombobox({ value = '', none, onChange, ...searched }: Choosing) {
  const { id: project_id, name, set } = useChosen(value, searched.among)
  /** What was typed since the field was entered; null as long as it shows what is chosen. */
  const typed = useSignal<string | null>(null)
  const isOpen = useSignal(false)
  const active = useSignal(-1)
  const search = useProjectSearch(isOpen.value ? (typed.value ?? '') : null, searched)
  const { projects, isLoading } = search
  const options = none !== undefined && !typed.value ? [{ id: '', name: none }, ...projects] : projects
  // What is typed most likely means the first project that has it in its name.
  useEffect(() => void (active.value = typed.value && projects.length > 0 ? 0 : -1), [projects, isOpen.value])

  const open = () => void (isOpen.value = true)
  function close() {
    isOpen.value = false
    typed.value = null
  }
  function choose(option: NamedProject) {
    close()
    if (option.id === project_id) return
    set(option)
    onChange?.(option.id)
  }
  /** Who leaves the field has chosen what stands in it, if that is a name; else nothing changes. */
  function leave() {
    const text = typed.value?.trim()
    const named = text ? projects.filter((project) => isNamed(project, text)) : []
    if (text === '' && none !== undefined) choose({ id: '', name: none })
    else if (named.length === 1) choose(named[0]!)
    else close()
  }
  function move(by: number) {
    if (isOpen.value) active.value = stepped(active.value, by, options.length)
    else open()
  }
  // A form is not sent while somebody looks for a project.
  const enter = () => void (!isLoading && options[active.value] && choose(options[active.value]!))
  const whenOpen = { Enter: enter, Escape: close }
  const keys = { ArrowDown: () => move(1), ArrowUp: () => move(-1), ...(isOpen.value && whenOpen) }
  return {
    project_id,
    text: typed.value ?? name,
    isOpen: isOpen.value,
    active: active.value,
    options,
    search,
    open,
    choose,
    leave,
    type(text: string) {
      typed.value = text
      open()
    },
    press: (event: KeyboardEvent) => press(event, keys),
  }
}

/** The project that is chosen: the last one that was, here or by the page. */
function useChosen(value: string, among: Searched['among']) {
  const chosen = useSignal<NamedProject>({ id: value, name: '' })
  const names = useProjectNames([value], among)
  useEffect(() => {
    if (value !== chosen.value.id) chosen.value = { id: value, name: '' }
  }, [value])
  const { id, name } = chosen.value
  return {
    id,
    name: id === '' ? '' : name || names.get(id) || id,
    set: (project: NamedProject) => void (chosen.value = project),
  }
}

/** The next place of a list in which one goes round; -1 stands before and behind it. */
const stepped = (place: number, by: number, count: number) =>
  count === 0 ? -1 : place < 0 && by < 0 ? count - 1 : (place + by + count) % count

function press(event: KeyboardEvent, keys: Record<string, () => void>) {
  const hasModifier = event.altKey || event.ctrlKey || event.metaKey || event.isComposing
  const act = hasModifier ? undefined : keys[event.key]
  if (!act) return
  event.preventDefault()
  act()
}

const isNamed = ({ id, name }: NamedProject, text: string) => id === text || name.toLowerCase() === text.toLowerCase()
