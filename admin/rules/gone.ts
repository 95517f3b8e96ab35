/** The answer to a delete. */
export const gone = <const Name extends string>(name: Name, id: string) =>
  ({ object: `${name}.deleted`, id, deleted: true }) as const
