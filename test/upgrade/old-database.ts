/** A database of an engine as an older version wrote it, made from its fixture. */
import { Database } from 'bun:sqlite'
import { emptyDatabase, type EngineName, type OwnDatabase } from '../engines.ts'
import { migrations } from '../../database/migrations/index.ts'
import { dialects } from '../../database/migrations/migration.ts'
import type { Fixture, Value } from './fixture.ts'

export async function oldDatabase(engine: EngineName, fixture: Fixture): Promise<OwnDatabase> {
  const own = await emptyDatabase(engine)
  const text = statementsOf(engine, fixture).join(';\n')
  if (engine === 'sqlite') {
    const db = new Database(own.address.slice('sqlite:'.length))
    db.exec(text)
    db.close()
  } else {
    const db = new Bun.SQL(own.address, { max: 1 })
    await db.unsafe(text)
    await db.close()
  }
  return own
}

function statementsOf(engine: EngineName, { migrations: applied, rows }: Fixture): string[] {
  const { text, integer, bytesLiteral } = dialects[engine]
  const literal = (value: Value) => {
    if (value === null) return 'null'
    if (typeof value === 'object') return bytesLiteral(new Uint8Array(Buffer.from(value.hex, 'hex')))
    return typeof value === 'number' ? `${value}` : `'${value.replaceAll("'", "''")}'`
  }
  return [
    `create table migrations (name ${text} primary key, applied_at ${integer} not null)`,
    ...migrations
      .filter(({ name }) => applied.includes(name))
      .flatMap(({ statements }) => statements(dialects[engine])),
    ...applied.map((name) => `insert into migrations values ('${name}', 0)`),
    ...Object.entries(rows).flatMap(([table, { columns, rows }]) => [
      // What the migrations put into an empty database.
      `delete from ${table}`,
      `insert into ${table} (${columns.join(', ')}) values ${rows.map((row) => `(${row.map(literal).join(', ')})`).join(',\n')}`,
    ]),
  ]
}
