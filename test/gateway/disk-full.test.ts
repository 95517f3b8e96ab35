/**
 * A SQLite file on a disk that is really full. Permissions are no means: the file is open already,
 * and root is asked for none. A limit of the size of files is none either: it is another error
 * (EFBIG), after which the server ends. So the file lies in a small tmpfs, in a mount namespace of
 * the server's own, which goes with it.
 */
import { expect, onTestFinished, test } from 'bun:test'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { firstStart } from '../../admin/bootstrap.ts'
import { openDatabase } from '../../database/open.ts'
import { checkPeppers } from '../../keys/check-peppers.ts'
import { realWorld } from '../../world/world.ts'
import { folder, serve } from '../cli/command.ts'
import { program } from '../program.ts'
import { testPepper, unknownKey } from '../setup.ts'
import { addKeys } from './nodes.ts'

const inNamespace = ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c']
const mount = 'mount -t tmpfs -o size=16m tmpfs "$0"'

/** Fails where there is no `unshare`, and where the kernel or the container forbids it. */
function canMount(): boolean {
  const { path, remove } = folder()
  try {
    return Bun.spawnSync([...inNamespace, mount, path]).success
  } catch {
    return false
  } finally {
    remove()
  }
}
const can = canMount()
if (!can)
  console.warn(
    '\n  SKIPPED: a disk that is full. It needs Linux with "unshare", and leave to mount a tmpfs in a namespace.\n',
  )

test.skipIf(!can)(
  'on a full disk keys are verified, changes refused, and times of last use kept',
  async () => {
    const home = folder()
    const disk = join(home.path, 'disk')
    mkdirSync(disk)
    const source = join(home.path, 'source')
    const database = await openDatabase(`sqlite:${source}/keyhall.db`)
    await checkPeppers(database, [testPepper])
    const first = await firstStart(database, testPepper, realWorld, {
      owner_email: 'owner@example.com',
      admin_key: null,
    })
    // So many that their times of last use want more pages than SQLite has left from the last
    // change that it could not keep.
    const keys = await addKeys(database, first!, 600)
    await database.close()
    const server = await serve(`sqlite:${disk}/keyhall.db`, ['--log', 'info'], {
      program: [...inNamespace, `${mount} && cp -p "$1"/* "$0" && shift && exec "$@"`, disk, source, ...program],
      env: { KEYHALL_PEPPER: Buffer.from(testPepper.reveal()).toString('hex') },
      cwd: home.path,
    })
    const filler = `/proc/${server.pid}/root${disk}/filler`
    onTestFinished(() => {
      server.signal('SIGKILL')
      home.remove()
    })
    const call = async (method: string, path: string, body?: object) => {
      const answer = await fetch(`${server.url}/v1/organization/projects${path}`, {
        method,
        headers: { authorization: `Bearer ${first!.admin_key}` },
        ...(body && { body: JSON.stringify(body) }),
      })
      return { status: answer.status, json: (await answer.json()) as any }
    }
    const create = () => call('POST', '', { name: 'made' })
    const count = async () => (await call('GET', '?limit=100')).json.data.length as number
    const verify = async (key: string) => {
      const answer = await fetch(`${server.url}/verify`, { headers: { authorization: `Bearer ${key}` } })
      await answer.arrayBuffer()
      return answer.status
    }
    const waiting = async () =>
      Number(/^keyhall_last_used_waiting_keys (\d+)/m.exec(await (await fetch(`${server.url}/metrics`)).text())?.[1])

    const [warm, ...cold] = keys
    expect(await verify(warm!.value)).toBe(200)

    const answers: { status: number; wanted: number }[] = []
    const over = new AbortController()
    const load = Array.from({ length: 4 }, async () => {
      while (!over.signal.aborted) {
        for (const [key, wanted] of [
          [warm!.value, 200],
          [unknownKey('project'), 401],
        ] as const)
          answers.push({ wanted, status: await verify(key) })
        await Bun.sleep(2)
      }
    })
    const isFull = () => {
      try {
        for (;;) writeFileSync(filler, new Uint8Array(4096), { flag: 'a' })
      } catch (error) {
        return (error as { code?: string }).code === 'ENOSPC'
      }
    }
    const full = Math.floor(Date.now() / 1000)
    expect(isFull()).toBe(true)
    // What SQLite has already written once, it can write again; with the next page that is new it
    // is over.
    let made = 0
    while ((await create()).status === 200) made++
    expect(made).toBeLessThan(200)
    const before = await count()
    const answered = answers.length

    for (let n = 0; n < 10; n++)
      expect(await create()).toMatchObject({ status: 503, json: { error: { code: 'storage_full' } } })
    const remove = await call('DELETE', `/${first!.project_id}/api_keys/${warm!.id}`)
    expect(remove).toMatchObject({ status: 503, json: { error: { code: 'storage_full' } } })
    expect(await count()).toBe(before)
    // Never asked for before: they are read from the database while it is full.
    for (const { value } of cold) expect(await verify(value)).toBe(200)
    await server.prints('Times of last use could not be written; kept for later.')
    expect(await waiting()).toBeGreaterThanOrEqual(keys.length)
    expect((await call('GET', `/${first!.project_id}/api_keys/${cold[0]!.id}`)).json.last_used_at).toBe(null)
    expect(await create()).toMatchObject({ status: 503 })
    expect(answers.length).toBeGreaterThan(answered)

    rmSync(filler)
    expect(await create()).toMatchObject({ status: 200 })
    expect(await count()).toBe(before + 1)
    over.abort()
    await Promise.all(load)
    expect(answers.filter(({ status, wanted }) => status !== wanted)).toEqual([])
    let left = await waiting()
    while (left > 0) {
      await Bun.sleep(100)
      left = await waiting()
    }
    for (const { id } of [keys[0]!, cold[0]!, cold.at(-1)!])
      expect((await call('GET', `/${first!.project_id}/api_keys/${id}`)).json.last_used_at).toBeGreaterThanOrEqual(full)
    server.signal('SIGTERM')
    expect((await server.ended).code).toBe(0)
  },
  60_000,
)
