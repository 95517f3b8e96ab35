/** Projects as the choices of a filter. */
export interface NamedProject {
  id: string
  name: string
}

/** The project of the address is a choice too where it is not among those that were fetched. */
export function projectOptions(projects: readonly NamedProject[], chosen: string) {
  const known = projects.map(({ id, name }) => ({ value: id, label: name }))
  const isKnown = chosen === '' || known.some(({ value }) => value === chosen)
  return [{ value: '', label: 'All projects' }, ...known, ...(isKnown ? [] : [{ value: chosen, label: chosen }])]
}
