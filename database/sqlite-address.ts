/** The path in the address of a SQLite database, `sqlite:PATH`; null for another engine. */
export const sqlitePath = (address: string) => /^sqlite:(.+)$/.exec(address)?.[1] ?? null
