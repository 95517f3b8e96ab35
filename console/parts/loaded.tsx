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
    keep(load).then((component) => setComponent(() => component), setProblem)
  }, [])
  if (Component) return <Component {...props} />
  return problem === undefined ? null : <>{around(failed)}</>
}

async function keep<Props>(load: Load<Props>): Promise<ComponentType<Props>> {
  const { default: component } = await load()
  loaded.set(load, component)
  return component
}

/**
 * Fetches the file of a component ahead of its use. What goes wrong is shown when the component is
 * to be shown.
 */
export async function fetchAhead<Props>(load: Load<Props>) {
  await keep(load).catch(() => {})
}

const failed = (
  <>
    <p>The server was updated, or could not be reached.</p>
    <button type="button" onClick={() => location.reload()}>
      Load it again
    </button>
  </>
)
