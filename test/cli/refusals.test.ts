import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { sql as raw } from 'kysely'
import { openDatabase } from '../../database/open.ts'
import { freePort } from '../postgres.ts'
import { emptyDatabase, engines } from '../setup.ts'
import { folder, run, sentence, serve } from './command.ts'
import { inProcess } from './terminal.ts'

// Each test starts several processes.
setDefaultTimeout(60_000)

const hex = (digit: string) => digit.repeat(64)

/** A start that must fail; its sentence. */
async function refused(args: string[], env: Record<string, string> = {}, code = 1) {
  const ended = await run(['serve', '--port', '0', ...args], { env })
  expect(ended).toMatchObject({ code, out: '' })
  return sentence(ended)
}

describe('a wrong setting is refused in one sentence that names it', () => {
  const wrong: [args: string[], env: Record<string, string>, says: string][] = [
    [['--prot', '1'], {}, 'There is no flag "--prot" here; did you mean "--port"?'],
    [['--database'], {}, '--database needs a value: --database ADDRESS.'],
    [['--database', 'mysql://x'], {}, '--database must begin with "sqlite:" and a path, or with "postgres://".'],
    [[], { KEYHALL_HOST: 'not a host' }, 'KEYHALL_HOST must be an IP address or a host name, not "not a host".'],
    [
      [],
      { KEYHALL_USAGE_MINUTES_DAYS: '1' },
      'KEYHALL_USAGE_MINUTES_DAYS must be a whole number of days from 2 to 36500, not "1".',
    ],
    [
      ['--usage-hours-days', '2.5'],
      {},
      '--usage-hours-days must be a whole number of days from 2 to 36500, not "2.5".',
    ],
    [
      [],
      { KEYHALL_USAGE_HOURS_DAYS: '30' },
      'KEYHALL_USAGE_HOURS_DAYS must be at least KEYHALL_USAGE_MINUTES_DAYS, which is 45, not 30.',
    ],
    [[], { KEYHALL_TRUSTED_PROXIES: '-1' }, 'KEYHALL_TRUSTED_PROXIES must be a whole number from 0 to 99, not "-1".'],
    [[], { KEYHALL_LOG: 'loud' }, 'KEYHALL_LOG must be one of debug, info, warn, error, silent, not "loud".'],
    [[], { KEYHALL_OWNER_EMAIL: 'me' }, 'KEYHALL_OWNER_EMAIL must be an e-mail address, not "me".'],
    [['--demo=perhaps'], {}, '--demo must be true or false, not "perhaps".'],
    [['now'], {}, '"now" is one word too many here.'],
    [[], { KEYHALL_ADMIN_KEY: 'sk-admin-short' }, 'KEYHALL_ADMIN_KEY must begin with "sk-admin-" and have 32'],
    [[], { KEYHALL_PEPPER: 'abc' }, 'KEYHALL_PEPPER must be 64 hexadecimal digits'],
  ]
  for (const [args, env, says] of wrong)
    test([...args, ...Object.entries(env).flat()].join(' '), async () => {
      const { code, out, err } = await inProcess(['serve', '--port', '0', ...args], { environment: env })
      expect({ code, out }).toEqual({ code: 2, out: '' })
      expect(err).toStartWith(`keyhall: ${says}`)
      expect(err.trimEnd().split('\n')).toHaveLength(1)
      // What may be secret is not repeated.
      for (const secret of [env.KEYHALL_ADMIN_KEY, env.KEYHALL_PEPPER]) if (secret) expect(err).not.toContain(secret)
    })

  test('a port that is no port, through the launcher', async () => {
    const ended = await run(['serve', '--port', '65536'])
    expect(ended.code).toBe(2)
    expect(sentence(ended)).toBe('--port must be a whole number from 0 to 65535, not "65536".')
  })
})

test('a taken port is refused in one sentence, and costs nobody the first key', async () => {
  const home = folder()
  const server = await serve(`sqlite:${home.path}/one.db`)
  const { port } = new URL(server.url)
  const two = `sqlite:${home.path}/two/keyhall.db`
  const ended = await run(['serve', '--port', port, '--database', two])
  expect(ended.code).toBe(1)
  expect(sentence(ended)).toBe(
    `Port ${port} on 127.0.0.1 is taken; stop what listens there, or choose another with --port.`,
  )
  server.signal('SIGTERM')
  await server.ended
  const again = await serve(two)
  expect(again.key).not.toBeNull()
  again.signal('SIGTERM')
  await again.ended
  home.remove()
})

test('an unreachable PostgreSQL is refused in one sentence, without its password', async () => {
  const address = `postgres://me:pass-word@127.0.0.1:${await freePort()}/keyhall`
  const said = await refused(['--database', address], { KEYHALL_PEPPER: hex('a') })
  expect(said).toContain('cannot be reached')
  expect(said).not.toContain('pass-word')
})

test('a database that cannot be made is refused in one sentence', async () => {
  expect(await refused(['--database', 'sqlite:/proc/nowhere/k.db'])).toContain('cannot be opened')
})

for (const engine of engines)
  describe(`a database that does not fit is refused in one sentence (${engine})`, () => {
    test('with another pepper, without its pepper, and when a newer program wrote it', async () => {
      const home = folder()
      const { address, drop } = await emptyDatabase(engine)
      const at = ['--database', address, '--pepper-file', `${home.path}/pepper`]
      const server = await serve(address, at.slice(2))
      server.signal('SIGTERM')
      await server.ended

      expect(await refused(at.slice(0, 2), { KEYHALL_PEPPER: hex('b') })).toStartWith(
        'The pepper (KEYHALL_PEPPER) is not the one',
      )
      const lost = `${home.path}/lost`
      expect(await refused(['--database', address, '--pepper-file', lost])).toStartWith(
        `The pepper file ${lost} is missing`,
      )
      expect(await Bun.file(lost).exists()).toBe(false)
      await Bun.write(`${home.path}/garbage`, 'garbage')
      expect(await refused(['--database', address, '--pepper-file', `${home.path}/garbage`], {}, 2)).toContain(
        'must hold 64 hexadecimal digits',
      )

      const database = await openDatabase(address)
      await database.write(async (sql) => {
        await raw`insert into migrations values ('999-later', 0)`.execute(sql)
        await raw`update metadata set value = '999-later' where name = 'compatible_from'`.execute(sql)
      })
      await database.close()
      expect(await refused(at)).toStartWith('The database was written by a newer Keyhall')
      await drop()
      home.remove()
    })
  })
