/** The answer to a delete. */
export const deletedResult = <const Name extends string>(name: Name, id: string) =>
  ({ object: `${name}.deleted`, id, deleted: true }) as const
