/** The Grafana dashboard asks for nothing that the server does not count. */
import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { startGateway } from './setup.ts'
import { startUpstream } from './upstream.ts'

interface Dashboard {
  panels: { title: string; targets: { expr: string; legendFormat: string }[] }[]
  templating: { list: { query: string }[] }
}

/** Where Prometheus adds them to what it reads, and where histograms have them. */
const EVERYWHERE = new Set(['job', 'instance', 'le'])

test('every metric and label of the Grafana dashboard is on /metrics', async () => {
  const path = join(import.meta.dir, '../../docs/grafana/keyhall.json')
  const dashboard = JSON.parse(readFileSync(path, 'utf8')) as Dashboard
  const upstream = startUpstream()
  const server = await startGateway('sqlite', `upstreams: [{ name: near, base_url: "${upstream.url}" }]`)
  await (await server.request('POST', '/chat/completions', { model: 'tiny' })).text()
  const page = await (await fetch(`${server.url}/metrics`)).text()
  await server.stop()
  await upstream.stop()
  const declared = new Set([...page.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!))
  const labels = new Map<string, Set<string>>()
  for (const [, name, inner] of page.matchAll(/^(\w+)\{(.*)\} /gm))
    labels.set(name!, new Set([...inner!.matchAll(/(\w+)="/g)].map(([, label]) => label!)))

  const targets = dashboard.panels.flatMap(({ targets }) => targets)
  expect(targets.length).toBeGreaterThan(10)
  // Each metric of limits that is to be looked at has a panel.
  for (const name of ['spend_dollars', 'limit_refusals_total', 'bound_broken_total', 'estimated_requests_total'])
    expect(targets.some(({ expr }) => expr.includes(`keyhall_${name}{`))).toBe(true)
  for (const { expr, legendFormat } of [
    ...targets,
    ...dashboard.templating.list.map(({ query }) => ({ expr: query, legendFormat: '' })),
  ])
    for (const [written] of expr.matchAll(/\b(?:keyhall|process|nodejs)_\w+/g)) {
      const name = written.replace(/_bucket$/, '')
      expect(declared).toContain(name)
      const asked = [
        ...[...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, names]) => names!.split(', ')),
        ...[...expr.matchAll(/(\w+)=~?"/g)].map(([, label]) => label!),
        ...[...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label!),
      ].filter((label) => !EVERYWHERE.has(label))
      // A counter that nothing was counted in yet shows no labels.
      const known = labels.get(written) ?? labels.get(name)
      if (known) for (const label of asked) expect([...known]).toContain(label)
    }
})

test('every metric of the alert rules is in the reference', () => {
  const read = (path: string) => readFileSync(join(import.meta.dir, '../..', path), 'utf8')
  const { groups } = parse(read('docs/prometheus/keyhall-alerts.yml')) as { groups: { rules: { expr: string }[] }[] }
  const known = new Set([...read('docs/reference/metrics.md').matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name!))
  const asked = groups.flatMap(({ rules }) =>
    rules.flatMap(({ expr }) => [...expr.matchAll(/\b(?:keyhall|process|nodejs)_\w+/g)].map(([name]) => name)),
  )
  expect(asked.length).toBeGreaterThan(5)
  for (const name of asked) expect([...known]).toContain(name)
})
