/** Whether the tables of the database are those of this version. */
import { compareSchema } from '../../database/migrate.ts'
import { check, ok, warning } from './finding.ts'
import { isMissing, readDatabase } from './read-database.ts'

export const schema = check({
  name: 'schema',
  settings: ['database'],
  late: 'Look whether the database is overloaded or stopped.',
  async look({ database: address }) {
    if (isMissing(address)) return [ok('The first start makes the tables.')]
    const { applied, missing, unknown } = await readDatabase(address, ({ engine, ask }) => compareSchema(engine, ask))
    if (applied === 0)
      return [
        warning(
          'The database is empty; the first start makes the tables. If there should be some, look at KEYHALL_DATABASE.',
        ),
      ]
    if (missing > 0)
      return [
        warning(
          `The database is from an older version; the next start of this one applies ${counted(missing)}. Back it up first.`,
        ),
      ]
    if (unknown > 0)
      return [ok(`The database has ${counted(unknown)} of a newer version, with which this one can work.`)]
    return [ok('The tables are those of this version.')]
  },
})

const counted = (count: number) => `${count} ${count === 1 ? 'migration' : 'migrations'}`
