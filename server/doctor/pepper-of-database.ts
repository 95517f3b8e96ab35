/** Whether the pepper is the one with which the keys in the database were digested. */
import { dialects } from '../../database/migrations/migration.ts'
import type { ReadOnlyDatabase } from '../../database/read-only.ts'
import { CANARIES } from '../../keys/check-peppers.ts'
import { canary, legacyCanary } from '../../keys/digest.ts'
import { emptyWithPepper, pepperIsMissing, wrongPepper } from '../open-storage.ts'
import { readPepperFile } from '../pepper-file.ts'
import { check, ok, problem } from './finding.ts'
import { isMissing, readDatabase } from './read-database.ts'

export const pepperOfDatabase = check({
  name: 'pepper',
  settings: ['database', 'pepper', 'pepper_file'],
  late: 'Look whether the database is overloaded or stopped.',
  async look(config) {
    const peppers = config.pepper ?? readPepperFile(config.pepper_file)
    const stored = isMissing(config.database) ? [] : await readDatabase(config.database, storedCanaries)
    if (stored.length === 0)
      return [peppers ? problem(emptyWithPepper(config)) : ok('The first start makes the pepper.')]
    if (!peppers) return [problem(pepperIsMissing(config.pepper_file))]
    const isKnown = (value: string) =>
      peppers.some((pepper) => canary(pepper) === value || legacyCanary(pepper) === value)
    if (!stored.every(isKnown)) return [problem(wrongPepper(config))]
    return [ok('The pepper is the one of the keys in the database.')]
  },
})

/** None where no server has started on the database. */
async function storedCanaries({ engine, ask }: ReadOnlyDatabase): Promise<string[]> {
  const tables = await ask(dialects[engine].tables)
  if (!tables.some(({ name }) => name === 'metadata')) return []
  const names = CANARIES.map((name) => `'${name}'`).join(', ')
  return (await ask(`select value from metadata where name in (${names})`)).map(({ value }) => String(value))
}
