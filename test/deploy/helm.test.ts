/**
 * The Helm chart. Where `helm` is found (or `TEST_HELM` names it) the chart is linted and rendered;
 * its files are compared with each other and with the server everywhere.
 */
import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, parseAllDocuments } from 'yaml'
import { Compile } from 'typebox/schema'
import { settings } from '../../server/config.ts'
import { folder } from '../cli/command.ts'

setDefaultTimeout(60_000)

const root = join(import.meta.dir, '../..')
const chart = join(root, 'deploy/helm/keyhall')
const read = (file: string) => readFileSync(join(chart, file), 'utf8')
const templates = readdirSync(join(chart, 'templates')).map((file) => read(`templates/${file}`))
const values = parse(read('values.yaml')) as Record<string, unknown>
const schema = JSON.parse(read('values.schema.json')) as Record<string, unknown>

/** What stands at the end of a path into values: `service.port`. */
const valueAt = (path: string) =>
  path.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], values)

describe('the files of the chart', () => {
  test('have the version of the package', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    expect(parse(read('Chart.yaml'))).toMatchObject({ version, appVersion: version })
  })

  test('mention only values that exist, and every value is mentioned', () => {
    const mentioned = new Set(
      templates.flatMap((text) => [...text.matchAll(/\.Values\.([\w.]+)/g)].map(([, path]) => path!)),
    )
    expect([...mentioned].filter((path) => valueAt(path) === undefined)).toEqual([])
    const isMentioned = (path: string) =>
      [...mentioned].some((one) => one === path || path.startsWith(`${one}.`) || one.startsWith(`${path}.`))
    const all = Object.entries(values).flatMap(([name, value]) =>
      value && typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length > 0
        ? Object.keys(value).map((below) => `${name}.${below}`)
        : [name],
    )
    expect(all.filter((path) => !isMentioned(path))).toEqual([])
  })

  test('have defaults that the schema accepts, and a schema that knows each value', () => {
    const validator = Compile(schema)
    expect(validator.Errors(values)).toEqual([true, []])
    const known = Object.keys(schema.properties as object).filter((name) => name !== 'global')
    expect(known.toSorted()).toEqual(Object.keys(values).toSorted())
    const wrong = [
      { replica: 3 },
      { settings: { KEYHALL_PEPPER: 'aa' } },
      { settings: { KEYHALL_HOST: '::' } },
      { image: { digest: 'latest' } },
      { secret: { files: {} } },
      { shutdown: { seconds: '30' } },
    ]
    for (const value of wrong) expect({ value, isValid: validator.Check(value) }).toEqual({ value, isValid: false })
  })

  test('name only settings that the server has', () => {
    const names = [...templates, read('values.yaml'), read('values.schema.json')].flatMap((text) =>
      [...text.matchAll(/\bKEYHALL_[A-Z_]+\b/g)].map(([name]) => name),
    )
    expect(new Set(names).size).toBeGreaterThan(15)
    expect([...new Set(names)].filter((name) => !isSetting(name))).toEqual([])
  })
})

test('the chart and the guides wait for a first start alike: a migration is one transaction', () => {
  const probes = [...read('templates/deployment.yaml').matchAll(/startupProbe:.*?livenessProbe:/gs)].map(String)
  for (const guide of ['operations', 'kubernetes']) {
    const text = readFileSync(join(root, `docs/guides/${guide}.md`), 'utf8')
    probes.push(...[...text.matchAll(/startupProbe:.*/g)].map(String))
  }
  const waits = probes.map((probe) =>
    [/periodSeconds: (\d+)/, /failureThreshold: (\d+)/].map((number) => number.exec(probe)![1]),
  )
  expect(waits).toEqual(Array.from({ length: 3 }, () => ['2', '300']))
})

test('the guide sets only values that the chart has', () => {
  const guide = readFileSync(join(root, 'docs/guides/install.md'), 'utf8')
  const set = [...guide.matchAll(/--set(?:-file)? ([\w.]+)=/g)].map(([, path]) => path!)
  expect(set.length).toBeGreaterThan(8)
  const open = /^(settings|secret\.files)\./
  expect(set.filter((path) => !open.test(path) && valueAt(path) === undefined)).toEqual([])
  expect(set.filter((path) => open.test(path) && !isSetting(path.split('.').at(-1)!))).toEqual([])
})

const known = new Set<string>(Object.values(settings).map(({ env }) => env))
const isSetting = (name: string) => known.has(name)

const helm = process.env.TEST_HELM ?? Bun.which('helm')
if (!helm) console.log('NOT TESTED: the chart with helm, because there is no helm')

interface Rendered {
  kind: string
  metadata: { name: string }
  spec: Record<string, any>
}

describe.skipIf(!helm)('the chart', () => {
  const place = folder()
  afterAll(() => place.remove())

  const withHelm = (args: string[], given: object) => {
    writeFileSync(join(place.path, 'values.yaml'), JSON.stringify(given))
    const command = [helm!, ...args, '--kube-version', '1.34.0', '--values', join(place.path, 'values.yaml')]
    const { exitCode, stdout, stderr } = Bun.spawnSync(command, { env: { ...process.env, HOME: place.path } })
    return { exitCode, out: stdout.toString(), err: stderr.toString() }
  }
  const render = (given: object) => {
    const { exitCode, out, err } = withHelm(['template', 'keyhall', chart], given)
    if (exitCode !== 0) throw new Error(err)
    return parseAllDocuments(out).map((document) => document.toJS() as Rendered)
  }
  const one = (rendered: Rendered[], kind: string) => {
    const found = rendered.filter((object) => object.kind === kind)
    expect({ kind, count: found.length }).toEqual({ kind, count: 1 })
    return found[0]!
  }
  const pepper = 'ab'.repeat(32)
  const everything = {
    secret: { data: { database: 'postgres://keyhall:x@db/keyhall', pepper } },
    config: 'upstreams:\n  - { name: vllm, base_url: http://vllm:8000/v1, models: [qwen3-8b] }\n',
    settings: { KEYHALL_TRUSTED_PROXIES: 1 },
    tls: { secret: 'keyhall-tls' },
    newOrganization: true,
    autoscaling: { enabled: true },
    serviceMonitor: { enabled: true },
    shutdown: { delaySeconds: 10, seconds: 300 },
  }

  test('passes lint with the fewest values and with all', () => {
    for (const given of [{ secret: { existing: 'keyhall' } }, everything])
      expect(withHelm(['lint', '--strict', chart], given)).toMatchObject({ exitCode: 0 })
  })

  test('runs two servers that nothing can break out of, on the Secret that is named', () => {
    const rendered = render({ secret: { existing: 'my-keys' } })
    expect(rendered.map(({ kind }) => kind).toSorted()).toEqual([
      'Deployment',
      'PodDisruptionBudget',
      'Service',
      'Service',
      'ServiceAccount',
    ])
    const { replicas, template } = one(rendered, 'Deployment').spec
    expect({ replicas, ...template.spec }).toMatchObject({
      replicas: 2,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 40,
      securityContext: { runAsNonRoot: true, fsGroup: 65532, seccompProfile: { type: 'RuntimeDefault' } },
    })
    expect(template.spec.containers).toMatchObject([
      {
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        livenessProbe: { httpGet: { path: '/livez', port: 'http', scheme: 'HTTP' } },
        readinessProbe: { httpGet: { path: '/readyz', port: 'http', scheme: 'HTTP' } },
        startupProbe: { httpGet: { path: '/livez' } },
      },
    ])
    expect(template.spec.volumes[0]).toEqual({ name: 'secret', secret: { secretName: 'my-keys', defaultMode: 0o440 } })
    expect(environmentOf(template)).toMatchObject({
      KEYHALL_DATABASE_FILE: '/run/secrets/keyhall/database',
      KEYHALL_PEPPER_FILE: '/run/secrets/keyhall/pepper',
    })
    expect(environmentOf(template)).not.toHaveProperty('KEYHALL_NEW_ORGANIZATION')
  })

  test('makes a Secret, and puts no secret anywhere else', () => {
    const rendered = render(everything)
    const secret = one(rendered, 'Secret') as unknown as { stringData: object }
    expect(secret.stringData).toEqual(everything.secret.data)
    const others = JSON.stringify(rendered.filter(({ kind }) => kind !== 'Secret'))
    expect(others).not.toContain(pepper)
    expect(others).not.toContain('postgres://')
  })

  test('gives the autoscaler, the monitor, TLS and the time to stop to the servers', () => {
    const rendered = render(everything)
    const { spec } = one(rendered, 'Deployment')
    expect(spec).not.toHaveProperty('replicas')
    expect(spec.template.spec.terminationGracePeriodSeconds).toBe(315)
    expect(spec.template.spec.containers[0].readinessProbe.httpGet.scheme).toBe('HTTPS')
    expect(environmentOf(spec.template)).toMatchObject({
      KEYHALL_CONFIG: '/etc/keyhall/keyhall.yaml',
      KEYHALL_NEW_ORGANIZATION: 'true',
      KEYHALL_SHUTDOWN_SECONDS: '300',
      KEYHALL_TLS_KEY: '/run/secrets/keyhall-tls/tls.key',
      KEYHALL_TRUSTED_PROXIES: '1',
    })
    expect(one(rendered, 'HorizontalPodAutoscaler').spec).toMatchObject({
      minReplicas: 2,
      scaleTargetRef: { name: 'keyhall' },
    })
    expect(one(rendered, 'ServiceMonitor').spec.endpoints).toMatchObject([{ port: 'metrics', scheme: 'https' }])
  })

  test('says which value is missing or wrong', () => {
    expect(withHelm(['template', 'keyhall', chart], {}).err).toContain(
      'secret.existing must name a Secret, or secret.data.',
    )
    const given = { secret: { existing: 'x' }, settings: { KEYHALL_PEPPER: pepper } }
    expect(withHelm(['template', 'keyhall', chart], given).err).toContain('KEYHALL_PEPPER')
  })
})

const environmentOf = ({ spec }: { spec: { containers: { env: { name: string; value: string }[] }[] } }) =>
  Object.fromEntries(spec.containers[0]!.env.map(({ name, value }) => [name, value]))
