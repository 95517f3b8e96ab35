/** A component whose file is loaded when it is first shown. */
import type { ComponentChildren, ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'

export type Load<Props> = () => Promise<{ default: ComponentType<Props> }>

interface LoadedProps<Props> {
  /** The same function for the same component, so that it is loaded once. */
  load: Load<Props>
  props: Props
  /** Stands around what says that loading failed. */
  around?: (told: ComponentChildren) => ComponentChildren
}

const loaded = new Map<unknown, unknown>()

export function Loaded<Props extends object>({ load, props, around = (told) => told }: LoadedProps<Props>) {
  const [Component, setComponent] = useState(() => loaded.get(load) as ComponentType<Props> | undefined)
  const [problem, setProblem] = useState<unknown>()
  useEffect(() => {
    if (Component) return
    load().then(({ default: component }) => {
      loaded.set(load, component)
      setComponent(() => component)
    }, setProblem)
  }, [])
  if (Component) return <Component {...props} />
  return problem === undefined ? null : <>{around(failed)}</>
}

const failed = (
  <>
    <p>The server was updated, or could not be reached.</p>
    <button type="button" onClick={() => location.reload()}>
      Load it again
    </button>
  </>
)
