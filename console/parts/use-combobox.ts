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
  const { typed, isOpen, isLeft, open, close, type } = useTyping()
  const active = useSignal(-1)
  const text = typed.value?.trim() ?? ''
  const search = useProjectSearch(isOpen.value || isLeft.value ? text : null, searched)
  const { projects, isLoading } = search
  const options = none !== undefined && text === '' ? [{ id: '', name: none }, ...projects] : projects
  // What is typed most likely means the first project that has it in its name.
  useEffect(() => void (active.value = text && projects.length > 0 ? 0 : -1), [projects, isOpen.value])
  useEffect(() => void (isLeft.value && !isLoading && leave()), [projects, isLoading])

  function choose(option: NamedProject) {
    close()
    if (option.id === project_id) return
    set(option)
    onChange?.(option.id)
  }
  // Forms may want to know of a choice, too, but they never have one for all projects.
  const isFilter = onChange !== undefined && none !== undefined
  /**
   * Who leaves the field has chosen what stands in it, if that is a name. Otherwise a filter stays
   * as it was, and a form is not sent: what was typed is not what it would be sent with.
   */
  function leave() {
    const named = text && !isLoading ? projects.filter((project) => isNamed(project, text)) : []
    if (typed.value !== null && text === '' && none !== undefined) choose({ id: '', name: none })
    else if (named.length === 1) choose(named[0]!)
    else if (text === '' || isFilter) close()
    else {
      isOpen.value = false
      isLeft.value = true
    }
  }
  const move = (by: number) => (isOpen.value ? void (active.value = stepped(active.value, by, options.length)) : open())
  // A form is not sent while somebody looks for a project.
  function enter() {
    if (search.problem !== undefined) search.retry()
    else if (!isLoading && options[active.value]) choose(options[active.value]!)
  }
  const whenOpen = { Enter: enter, Escape: close }
  const keys = { ArrowDown: () => move(1), ArrowUp: () => move(-1), ...(isOpen.value && whenOpen) }
  return {
    project_id,
    text: typed.value ?? name,
    /** Whether something else stands in the field than what is chosen. */
    isUndecided: text !== '',
    isOpen: isOpen.value,
    active: active.value,
    options,
    search,
    open,
    choose,
    leave,
    type,
    press: (event: KeyboardEvent) => press(event, keys),
  }
}

/** What was typed into the field, and whether the list is open. */
function useTyping() {
  /** Since the field was entered; null as long as it shows what is chosen. */
  const typed = useSignal<string | null>(null)
  const isOpen = useSignal(false)
  /** Of a form, what was typed stays when somebody leaves the field, and is looked for still. */
  const isLeft = useSignal(false)
  function open() {
    isOpen.value = true
    isLeft.value = false
  }
  function close() {
    isOpen.value = false
    isLeft.value = false
    typed.value = null
  }
  function type(text: string) {
    typed.value = text
    open()
  }
  return { typed, isOpen, isLeft, open, close, type }
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
