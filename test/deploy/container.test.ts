/**
 * The Dockerfile without an engine: its context, its steps and what it makes, run in an empty root
 * that cannot be written to. `npm ci` alone is not run: the packages are here already.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { chownSync, cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { folder } from '../cli/command.ts'
import { copySources } from '../release/throwaway-repository.ts'
import { emptyDatabase } from '../setup.ts'
import { all, execForm, ignoredBy, only, stagesOf } from './dockerfile.ts'
import { cannotRun, start, type Container } from './empty-root.ts'

// The executable is built from the context.
setDefaultTimeout(120_000)

const root = join(import.meta.dir, '../..')
const [build, image, ...more] = stagesOf(readFileSync(join(root, 'Dockerfile'), 'utf8'))
const isIgnored = ignoredBy(readFileSync(join(root, '.dockerignore'), 'utf8'))

describe('the Dockerfile', () => {
  test('has two stages, whose images are arguments, and begins the second with nothing', () => {
    expect(more).toEqual([])
    expect(build).toMatchObject({ from: expect.stringMatching(/\/node:\d+-[a-z]+-slim$/), name: 'build' })
    expect(image).toMatchObject({ from: 'scratch', name: null })
  })

  test('needs no shell in the result, and serves as an ordinary user', () => {
    expect(execForm(only(image!, 'ENTRYPOINT'))).toEqual(['/usr/local/bin/keyhall'])
    expect(execForm(only(image!, 'CMD'))).toEqual(['serve'])
    expect(all(image!, 'RUN')).toEqual([])
    expect(only(image!, 'USER')).toMatch(/^[1-9]\d*:[1-9]\d*$/)
  })

  test('sees no secret and no data of the folder that it is built in', () => {
    for (const path of ['data/pepper', 'data/keyhall.db', '.env', '.env.local', '.git/config', 'keyhall.yaml', 'a.log'])
      expect({ path, isIgnored: isIgnored(path) }).toEqual({ path, isIgnored: true })
    for (const path of ['main.ts', 'server/serve.ts', 'package-lock.json', '.npmrc'])
      expect({ path, isIgnored: isIgnored(path) }).toEqual({ path, isIgnored: false })
  })
})

const reason = cannotRun()
if (reason) console.log(`NOT TESTED: the container in an empty root, because ${reason}`)

describe.skipIf(reason !== null)('the container', () => {
  const place = folder()
  const files = join(place.path, 'image')
  let container: Container
  beforeAll(() => {
    runBuildStage(place.path)
    mkdirSync(files)
    for (const { options, rest } of all(image!, 'COPY')) {
      expect(options).toEqual({ from: 'build' })
      const [from, to] = rest.split(/\s+/)
      cpSync(join(place.path, from!), join(files, to!), { recursive: true })
    }
    const environment = all(image!, 'ENV').map(({ rest }) => rest.split('=') as [string, string])
    container = {
      root: files,
      volumes: { [only(image!, 'VOLUME')]: emptyVolume('volume') },
      user: only(image!, 'USER'),
      workdir: only(image!, 'WORKDIR'),
      environment: { ...Object.fromEntries(environment), KEYHALL_PORT: '0' },
    }
  })
  afterAll(() => place.remove())

  /** A new volume, which gets the owner and the mode of its folder in the image. */
  const emptyVolume = (name: string) => {
    const { uid, gid, mode } = statSync(join(place.path, 'result', only(image!, 'VOLUME')))
    mkdirSync(join(place.path, name), { mode })
    chownSync(join(place.path, name), uid, gid)
    return join(place.path, name)
  }

  test('has the executable, the libraries that it is linked with, and the licences', () => {
    const found = readdirSync(files, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(files.length))
    expect(found.filter((path) => !/^\/(usr\/)?lib(64)?\/.*(\.so\.\d+|\.so)$/.test(path)).toSorted()).toEqual([
      '/usr/local/bin/keyhall',
      '/usr/share/doc/keyhall/LICENSE',
      '/usr/share/doc/keyhall/THIRD-PARTY-NOTICES',
    ])
  })

  test('serves from a root that cannot be written to, is healthy, and stops with 0', async () => {
    const [entry, health] = [only(image!, 'ENTRYPOINT'), only(image!, 'HEALTHCHECK')].map(execForm)
    const running = await start(container, [...entry!, ...execForm(only(image!, 'CMD'))], 'Listening on')
    const [, url] = /Listening on (http:\S+?)"/.exec(running.printed())!
    const settings = { KEYHALL_PORT: new URL(url!).port }
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    expect(readFileSync(`/proc/${running.pid}/mountinfo`, 'utf8')).toMatch(/ \/ ro[, ]/)
    const [uid] = container.user.split(':')
    expect(readFileSync(`/proc/${running.pid}/status`, 'utf8')).toMatch(new RegExp(`^Uid:\\s+${uid}\\s`, 'm'))
    expect(readFileSync(`/proc/${running.pid}/status`, 'utf8')).toMatch(/^NSpid:\s+\d+\s+1$/m)
    expect(running.exec(health!, settings).exitCode).toBe(0)

    const made = running.exec([...entry!, 'admin-keys', 'create'])
    expect(made.stdout.toString()).toStartWith('sk-admin-')
    const listed = running.exec([...entry!, 'projects', 'list', '--field', 'name'], {
      OPENAI_ADMIN_KEY: made.stdout.toString().trim(),
      OPENAI_BASE_URL: `${url}/v1`,
    })
    expect(listed.stdout.toString()).toBe('Default project\n')

    running.stop()
    expect(await running.ended).toMatchObject({ code: 0, err: '' })
    expect(readdirSync(join(place.path, 'volume'))).toEqual(
      expect.arrayContaining(['keyhall.db', 'pepper', 'revocations.jsonl']),
    )
    const again = await start(container, [...entry!, ...execForm(only(image!, 'CMD'))], 'Listening on')
    expect(again.printed()).not.toContain('sk-admin-')
    again.stop()
    expect(await again.ended).toMatchObject({ code: 0, err: '' })
  })

  test('with PostgreSQL and a pepper below /run/secrets keeps the rest in its volume, and warns of no mode', async () => {
    const database = await emptyDatabase('postgres')
    const secrets = join(place.path, 'secrets')
    mkdirSync(secrets)
    // As from Kubernetes: of root, and for the group of the server.
    writeFileSync(join(secrets, 'pepper'), 'ab'.repeat(32), { mode: 0o440 })
    chownSync(join(secrets, 'pepper'), 0, Number(container.user.split(':')[1]))
    const volume = emptyVolume('other')
    const running = await start(
      {
        ...container,
        volumes: { [only(image!, 'VOLUME')]: volume, '/run/secrets': secrets },
        environment: {
          ...container.environment,
          KEYHALL_DATABASE: database.address,
          KEYHALL_PEPPER_FILE: '/run/secrets/pepper',
          KEYHALL_NEW_ORGANIZATION: 'true',
        },
      },
      [...execForm(only(image!, 'ENTRYPOINT')), ...execForm(only(image!, 'CMD'))],
      'Listening on',
    )
    expect(running.printed()).not.toContain('can be read by other users')
    running.stop()
    expect(await running.ended).toMatchObject({ code: 0, err: '' })
    expect(running.printed()).not.toContain('"level":"error"')
    expect(readdirSync(volume)).toEqual(expect.arrayContaining(['first-admin-key', 'revocations.jsonl']))
    expect(readdirSync(secrets)).toEqual(['pepper'])
    await database.drop()
  })
})

/** Copies the context, and runs the steps of the first stage in it; the result lies in `result`. */
function runBuildStage(place: string) {
  const context = join(place, 'context')
  copySources(context, (file) => !isIgnored(file))
  const commands = all(build!, 'RUN').map(({ rest }) => rest)
  expect(commands.slice(0, 2)).toEqual(['npm ci', 'npm run build'])
  for (const command of commands.slice(1)) {
    const ran = Bun.spawnSync(['sh', '-ec', command.replaceAll('/result', join(place, 'result'))], { cwd: context })
    if (ran.exitCode !== 0) throw new Error(`${command}: ${ran.stdout.toString()}${ran.stderr.toString()}`)
  }
}
