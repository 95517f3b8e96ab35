import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { connect } from 'node:net'
import { openDatabase } from '../../database/open.ts'
import { launcher } from '../program.ts'
import { emptyDatabase, engines } from '../setup.ts'
import { folder, run, serve, type Serving } from './command.ts'

// Each test starts several processes.
setDefaultTimeout(60_000)

const get = (url: string, key: string) => fetch(url, { headers: { authorization: `Bearer ${key}` } })

const projectsOf = async ({ url }: Serving, key: string) =>
  ((await (await get(`${url}/v1/organization/projects`, key)).json()) as { data: { id: string; name: string }[] }).data

async function stop(server: Serving) {
  server.signal('SIGTERM')
  return server.ended
}

for (const engine of engines)
  describe(`keyhall serve (${engine})`, () => {
    const home = folder()
    const pepper = ['--pepper-file', `${home.path}/pepper`]
    let database: Awaited<ReturnType<typeof emptyDatabase>>
    beforeAll(async () => {
      database = await emptyDatabase(engine)
    })
    afterAll(async () => {
      await database.drop()
      home.remove()
    })

    test('makes a key on the first start only, and takes a chosen key only then', async () => {
      const first = await serve(database.address, pepper)
      const key = first.key!
      const projects = await projectsOf(first, key)
      expect(projects.map(({ name }) => name)).toEqual(['Default project'])
      expect(first.printed()).not.toContain(key)
      expect(await stop(first)).toMatchObject({ code: 0, err: '' })

      const chosen = 'sk-admin-chosen-by-the-operator-0123456789'
      const second = await serve(database.address, pepper, { env: { KEYHALL_ADMIN_KEY: chosen } })
      expect(second.printed()).not.toContain('sk-admin-')
      expect(second.printed()).toContain('keyhall admin-keys create')
      expect(await projectsOf(second, key)).toEqual(projects)
      expect((await get(`${second.url}/v1/organization/projects`, chosen)).status).toBe(401)
      expect(await stop(second)).toMatchObject({ code: 0, err: '' })
    })

    test('on SIGTERM finishes open requests, writes what is buffered and exits with 0', async () => {
      const { out: made } = await run(['admin-keys', 'create', '--database', database.address, ...pepper])
      const key = made.trim()
      const server = await serve(database.address, pepper)
      const port = Number(new URL(server.url).port)
      const body = JSON.stringify({ name: 'Made while stopping' })
      const socket = connect(port, '127.0.0.1')
      let answer = ''
      socket.on('data', (chunk) => (answer += chunk.toString()))
      const closed = new Promise((resolve) => socket.once('close', resolve))
      const request = `POST /v1/organization/projects HTTP/1.1\r\nHost: keyhall\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
      await new Promise<void>((resolve) => socket.write(request + body.slice(0, 5), () => resolve()))
      // Answered after the half request arrived, so the server knows of it when the signal comes.
      expect((await fetch(`${server.url}/health`)).status).toBe(200)
      server.signal('SIGTERM')
      await server.prints('Stopping')
      expect(await fetch(`${server.url}/health`).catch(() => 'refused')).toBe('refused')
      socket.write(body.slice(5))
      expect(await server.ended).toMatchObject({ code: 0, err: '' })
      await closed
      expect(answer).toStartWith('HTTP/1.1 200 OK')

      const opened = await openDatabase(database.address)
      const used = await opened.read
        .selectFrom('admin_api_keys')
        .select('last_used_at')
        .where('name', '=', 'Made on the host')
        .execute()
      expect(used).toEqual([{ last_used_at: expect.any(Number) }])
      await opened.close()
    })
  })

describe('keyhall serve', () => {
  test('with --no-console there is none, and the greeting names none', async () => {
    const home = folder()
    const server = await serve(`sqlite:${home.path}/keyhall.db`, ['--no-console'])
    expect(server.printed()).not.toContain('/console/')
    expect((await fetch(`${server.url}/console/`)).status).toBe(404)
    await stop(server)
    home.remove()
  })

  test('takes a chosen key on the first start and prints no key', async () => {
    const home = folder()
    const chosen = 'sk-admin-chosen-by-the-operator-0123456789'
    const server = await serve(`sqlite:${home.path}/k.db`, [], { env: { KEYHALL_ADMIN_KEY: chosen } })
    expect(server.printed()).not.toContain('sk-admin-')
    expect(await projectsOf(server, chosen)).toHaveLength(1)
    await stop(server)
    home.remove()
  })

  test('counts a Ctrl-C that arrives twice as one, and ends at once on another signal', async () => {
    const home = folder()
    const server = await serve(`sqlite:${home.path}/k.db`, [], { program: launcher })
    const request = `POST /v1/organization/projects HTTP/1.1\r\nHost: keyhall\r\nAuthorization: Bearer ${server.key}\r\nContent-Length: 50\r\n\r\n`
    const slow = connect(Number(new URL(server.url).port), '127.0.0.1')
    slow.on('error', () => {})
    await new Promise<void>((resolve) => slow.write(request, () => resolve()))
    expect((await fetch(`${server.url}/health`)).status).toBe(200)
    server.signalAll('SIGINT')
    await server.prints('Stopping')
    server.signal('SIGTERM')
    expect(await server.ended).toMatchObject({ code: 143, err: '' })
    expect(server.printed()).not.toContain('Stopped.')
    slow.destroy()
    home.remove()
  })

  test('stops when npm, which started it through a shell, is told to end', async () => {
    const home = folder()
    // What npm runs: a shell that does not become the program, and dies of the signal.
    const program = ['sh', '-c', 'node "$0" "$@"; exit $?', launcher.at(-1)!]
    const env = { npm_lifecycle_event: 'start' }
    const server = await serve(`sqlite:${home.path}/k.db`, [], { program, env })
    server.signal('SIGTERM')
    expect((await server.ended).out).toContain('"message":"Stopped."')
    home.remove()
  })

  test('obeys nothing that lies in the current folder', async () => {
    const home = folder()
    await Bun.write(`${home.path}/.env`, 'KEYHALL_LOG=nonsense\n')
    await Bun.write(`${home.path}/bunfig.toml`, 'preload = ["./evil.ts"]\n')
    await Bun.write(`${home.path}/evil.ts`, 'console.log("evil"); process.exit(66)\n')
    const server = await serve('sqlite:k.db', [], { cwd: home.path, program: launcher })
    expect(server.printed()).not.toContain('evil')
    expect(await stop(server)).toMatchObject({ code: 0, err: '' })
    home.remove()
  })
})
