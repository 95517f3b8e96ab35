/** What a start warns of. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { chmodSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { folder } from '../cli/command.ts'
import { startGateway, until, type GatewayServer } from '../gateway/setup.ts'

const warningsOf = (server: GatewayServer) =>
  server
    .log()
    .filter(({ level }) => level === 'warn')
    .map(({ message }) => message)

const listening = (server: GatewayServer) =>
  until(() => server.log().some(({ message }) => String(message).startsWith('Listening')))

describe('a start with variables that name no setting', () => {
  let server: GatewayServer
  beforeAll(async () => {
    server = await startGateway('sqlite', null, {
      KEYHALL_UPSTREM: 'http://127.0.0.1:1',
      KEYHALL_COLOUR: 'red',
      KEYHALL_SERVICE_HOST: '10.0.0.1',
    })
    await listening(server)
  })
  afterAll(() => server.stop())

  test('says so, with the setting that was probably meant', () => {
    expect(warningsOf(server)).toEqual([
      'There is no setting KEYHALL_UPSTREM, so it has no effect. Did you mean KEYHALL_UPSTREAM?',
      'There is no setting KEYHALL_COLOUR, so it has no effect.',
    ])
  })
})

describe.skipIf(process.platform === 'win32')('files that others can read', () => {
  const place = folder()
  const database = join(place.path, 'keys of all.db')
  const pepper = join(place.path, 'pepper')
  const start = () =>
    startGateway('sqlite', null, { KEYHALL_DATABASE: `sqlite:${database}`, KEYHALL_PEPPER_FILE: pepper })
  afterAll(() => place.remove())

  test('are never made by a first start', async () => {
    mkdirSync(place.path, { recursive: true })
    const server = await start()
    await listening(server)
    const modes = readdirSync(place.path).map((name) => (statSync(join(place.path, name)).mode & 0o777).toString(8))
    expect(new Set(modes)).toEqual(new Set(['600']))
    expect(warningsOf(server)).toEqual([])
    await server.stop()
  })

  test('are warned of at each start, with the command that mends it', async () => {
    chmodSync(database, 0o644)
    chmodSync(pepper, 0o640)
    const server = await start()
    await listening(server)
    expect(warningsOf(server)).toEqual([
      `The pepper file ${pepper} can be read by other users of this machine; "chmod 600 ${pepper}" prevents that.`,
      `The database ${database} can be read by other users of this machine; "chmod 600 '${database}'" prevents that.`,
    ])
    await server.stop()
  })

  test('are no longer warned of once that command was run', async () => {
    await Bun.$`chmod 600 ${database} ${pepper}`
    const server = await start()
    await listening(server)
    expect(warningsOf(server)).toEqual([])
    await server.stop()
  })
})
