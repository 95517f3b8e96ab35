/**
 * The files for Docker Compose. Where the plugin is found they are read by it; everywhere what they
 * name is compared with what there is.
 */
import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { cpSync, mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { settings } from '../../server/config.ts'
import { folder } from '../cli/command.ts'
import { guideBlock } from '../guide-block.ts'
import { execForm, only, stagesOf } from './dockerfile.ts'

setDefaultTimeout(60_000)

const root = join(import.meta.dir, '../..')
const place = join(root, 'deploy/compose')
const files = ['compose.yaml', 'compose.vllm.yaml']

interface Service {
  image: string
  build?: { context: string }
  environment?: Record<string, string>
  secrets?: string[]
  networks?: string[]
  volumes?: string[]
  depends_on?: Record<string, { condition: string }>
  healthcheck?: { test: string[] }
  ports?: string[]
  stop_grace_period?: string
}
interface Compose {
  services: Record<string, Service>
  secrets?: Record<string, { file: string }>
  volumes?: Record<string, null>
  networks?: Record<string, { internal?: boolean } | null>
}

const read = (file: string) => parse(readFileSync(join(place, file), 'utf8')) as Compose
const [base, vllm] = files.map(read) as [Compose, Compose]
const [, image] = stagesOf(readFileSync(join(root, 'Dockerfile'), 'utf8'))

/** What each key may be beside of in a service, so that a word that Compose ignores is found. */
const keysOfServices = new Set(
  'image build command depends_on ports environment secrets networks volumes tmpfs read_only cap_drop security_opt healthcheck stop_grace_period restart shm_size deploy'.split(
    ' ',
  ),
)

describe('the files for Compose', () => {
  test('have only keys that Compose knows, and name networks, volumes and secrets that they have', () => {
    for (const { services, secrets = {}, volumes = {}, networks = {} } of [base, vllm])
      for (const service of Object.values(services)) {
        expect(Object.keys(service).filter((key) => !keysOfServices.has(key))).toEqual([])
        expect(Object.keys({ ...networks, default: null })).toEqual(expect.arrayContaining(service.networks ?? []))
        expect(Object.keys(secrets)).toEqual(expect.arrayContaining(service.secrets ?? []))
        const named = (service.volumes ?? []).map((volume) => volume.split(':')[0]!)
        expect(Object.keys(volumes)).toEqual(expect.arrayContaining(named))
        expect(service.healthcheck ?? services === vllm.services).toBeTruthy()
      }
  })

  test('set only settings that the server has, and give secrets as files alone', () => {
    const known = new Set<string>(Object.values(settings).map(({ env }) => env))
    for (const { services, secrets = {} } of [base, vllm])
      for (const name of Object.keys(services.keyhall!.environment!)) {
        expect({ name, isKnown: known.has(name) }).toEqual({ name, isKnown: true })
        const path = services.keyhall!.environment![name]!
        if (name.endsWith('_FILE'))
          expect(Object.keys(secrets).map((secret) => `/run/secrets/${secret}`)).toContain(path)
      }
    expect(Object.values(base.secrets!).map(({ file }) => file)).toEqual([
      './secrets/database',
      './secrets/pepper',
      './secrets/postgres_password',
    ])
    expect(readFileSync(join(root, '.gitignore'), 'utf8').split('\n')).toContain('deploy/compose/secrets')
  })

  test('run the image of the Dockerfile, locked down, behind a database that nothing else reaches', () => {
    const { keyhall, postgres } = base.services as Record<'keyhall' | 'postgres', Service>
    expect(statSync(join(place, keyhall.build!.context, 'Dockerfile')).isFile()).toBeTrue()
    expect(keyhall).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] })
    expect(keyhall.volumes).toEqual([`data:${only(image!, 'VOLUME')}`])
    expect(keyhall.healthcheck!.test).toEqual(['CMD', ...execForm(only(image!, 'HEALTHCHECK'))])
    expect(keyhall.ports).toEqual([`127.0.0.1:4100:${only(image!, 'EXPOSE')}`])
    expect(keyhall.depends_on).toEqual({ postgres: { condition: 'service_healthy' } })
    // The server has this many seconds, and some more to end what is left.
    expect(Number.parseInt(keyhall.stop_grace_period!)).toBeGreaterThanOrEqual(
      Number(settings.shutdown_seconds.default) + 5,
    )
    expect(postgres.networks).toEqual(['database'])
    expect(base.networks!.database).toEqual({ internal: true })
  })

  test('leave a model server no port but that of the gateway', () => {
    const { keyhall, vllm: server } = vllm.services as Record<'keyhall' | 'vllm', Service>
    expect(server).not.toHaveProperty('ports')
    expect(keyhall.environment!.KEYHALL_UPSTREAM).toBe('http://vllm:8000/v1')
    expect(server.networks).toEqual(keyhall.networks!)
  })
})

const hasOpenssl = Bun.which('openssl') !== null && Bun.which('bash') !== null
if (!hasOpenssl) console.log('NOT TESTED: the secrets of the guide, because there is no openssl or no bash')

describe.skipIf(!hasOpenssl)('the guide', () => {
  const copy = folder()
  afterAll(() => copy.remove())

  test('makes the secrets that the files name, in a folder that nobody else can enter', () => {
    const ran = Bun.spawnSync(['bash', '-euc', guideBlock('install.md', 'sh compose')], { cwd: copy.path })
    expect({ code: ran.exitCode, err: ran.stderr.toString() }).toEqual({ code: 0, err: '' })
    const text = (file: string) => readFileSync(join(copy.path, file), 'utf8').trim()
    expect(statSync(join(copy.path, 'secrets')).mode & 0o777).toBe(0o700)
    for (const { file } of Object.values(base.secrets!))
      expect(statSync(join(copy.path, file)).mode & 0o777).toBe(0o444)
    expect(settings.pepper.parse(text('secrets/pepper'))).toHaveLength(1)
    const address = new URL(settings.database.parse(text('secrets/database')))
    const { POSTGRES_USER: user, POSTGRES_DB: database } = base.services.postgres!.environment!
    expect(address).toMatchObject({ username: user, hostname: 'postgres', pathname: `/${database}` })
    expect(address.password).toBe(text('secrets/postgres_password'))
  })

  test('names files of deploy/ that exist', () => {
    const guide = readFileSync(join(root, 'docs/guides/install.md'), 'utf8')
    const named = new Set([...guide.matchAll(/deploy\/(?:helm|compose|systemd)[\w./-]*/g)].map(([path]) => path))
    expect(named.size).toBeGreaterThan(5)
    for (const path of named) expect(statSync(join(root, path), { throwIfNoEntry: false })).toBeDefined()
  })
})

const compose = ['docker', 'compose']
const hasCompose = Bun.which('docker') !== null && Bun.spawnSync([...compose, 'version']).exitCode === 0
if (!hasCompose) console.log('NOT TESTED: the files with Docker Compose, because it is not installed')

describe.skipIf(!hasCompose)('docker compose', () => {
  const copy = folder()
  afterAll(() => copy.remove())

  test('reads the files, alone and together', () => {
    for (const file of readdirSync(place)) if (file.endsWith('.yaml')) cpSync(join(place, file), join(copy.path, file))
    mkdirSync(join(copy.path, 'secrets'))
    for (const used of [files.slice(0, 1), files]) {
      const args = used.flatMap((file) => ['--file', file])
      const { exitCode, stderr } = Bun.spawnSync([...compose, ...args, 'config', '--quiet'], { cwd: copy.path })
      expect({ used, exitCode, err: stderr.toString() }).toEqual({ used, exitCode: 0, err: '' })
    }
  })
})
