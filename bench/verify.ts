/**
 * Asking whose a key is: what it costs the server with a hundred thousand keys in use, beside a
 * bare Bun.serve with a map.
 */
import { Database as Sqlite } from 'bun:sqlite'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { firstStart } from '../admin/bootstrap.ts'
import { permissionsOf } from '../contract/permissions.ts'
import { openDatabase } from '../database/open.ts'
import { digest } from '../keys/digest.ts'
import { withMac } from '../keys/key-mac.ts'
import { makeKey, redact } from '../keys/format.ts'
import { newId } from '../world/random.ts'
import { checkPeppers } from '../keys/check-peppers.ts'
import { Secret } from '../world/secret.ts'
import { realWorld } from '../world/world.ts'
import { freePort } from '../test/postgres.ts'
import { cost, get, median, startProgram, startServer, type Server } from './load.ts'

const KEYS = 100_000
const KEYS_PER_OWNER = 10
const ROUNDS = 7
const REQUESTS = 20_000
const HOT = 1_000
const root = join(import.meta.dir, '..')

export async function run() {
  console.log(`Bun ${Bun.version}, ${process.platform} ${process.arch}, ${cpus().length} × ${cpus()[0]?.model}`)
  const folder = mkdtempSync(join(tmpdir(), 'keyhall-bench-verify-'))
  const { path, pepper, keys } = await fill(folder)
  const keyhall = (name: string, log: string) =>
    startServer(
      [join(root, 'main.ts'), 'serve'],
      { KEYHALL_DATABASE: `sqlite:${path}`, KEYHALL_PEPPER: pepper, KEYHALL_PORT: '0', KEYHALL_LOG: log },
      join(folder, `${name}.log`),
    )
  const servers = {
    keyhall: await keyhall('keyhall', 'info'),
    floor: await startServer(
      [join(import.meta.dir, 'floor-verify.ts')],
      { FLOOR_DATABASE: path, FLOOR_PEPPER: pepper, FLOOR_SCOPES: permissionsOf('project', 'member').join(' ') },
      join(folder, 'floor.log'),
    ),
  }
  const idle = servers.keyhall.memory()
  const requests = keys.map((key) => get('/verify', key))
  const first = await cost(servers.keyhall, requests, KEYS)
  await cost(servers.floor, requests, KEYS)
  console.log('CPU time of the server per request, in microseconds: median of the rounds (least to most)')
  for (const [what, among] of [
    [`${HOT.toLocaleString('en')} of the keys in turn`, HOT],
    ['each time another key', REQUESTS],
  ] as const) {
    const seen = { keyhall: [] as number[], floor: [] as number[] }
    for (let round = -1; round < ROUNDS; round++) {
      const start = Math.floor(Math.random() * (KEYS - among))
      for (const name of ['keyhall', 'floor'] as const) {
        const { microseconds } = await cost(servers[name], requests.slice(start, start + among), REQUESTS)
        // The round before the first is for the compiler to warm up.
        if (round >= 0) seen[name].push(microseconds)
      }
    }
    const at = (name: keyof typeof seen) =>
      `${median(seen[name]).toFixed(1)} (${Math.min(...seen[name]).toFixed(1)} to ${Math.max(...seen[name]).toFixed(1)})`
    console.log(
      `  ${what.padEnd(24)} ${at('keyhall')}, floor ${at('floor')}: ${(median(seen.keyhall) / median(seen.floor)).toFixed(2)} times the floor`,
    )
  }
  console.log(`  the first use of each key, which is read from SQLite: ${first.microseconds.toFixed(1)}`)
  const anyPepper = new Secret(randomBytes(32))
  const guesses = Array.from({ length: REQUESTS }, () =>
    get('/verify', makeKey('project', realWorld.random, anyPepper)),
  )
  const guessed = await cost(servers.keyhall, guesses, REQUESTS, 401)
  console.log(`  each time another guess: ${guessed.microseconds.toFixed(1)}`)
  console.log(
    `memory: ${idle.toFixed(0)} MB at rest, ${servers.keyhall.memory().toFixed(0)} MB with ${KEYS.toLocaleString('en')} keys in use ` +
      `(floor ${servers.floor.memory().toFixed(0)} MB)`,
  )
  if (Bun.which('nginx')) await besideNginx(servers.keyhall, requests.slice(0, HOT), folder)
  else console.log('nginx is not installed, so auth_request was not measured')
  for (const server of Object.values(servers)) await server.stop()
  rmSync(folder, { recursive: true })
}

/** nginx that answers a page, and the same where it asks Keyhall before. */
async function besideNginx(keyhall: Server, requests: string[], folder: string) {
  const port = await freePort()
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, nginx(port, keyhall.port, folder))
  const proxy = await startProgram(['nginx', '-p', folder, '-e', 'stderr', '-c', file], port)
  const seen = { alone: [] as number[], asking: [] as number[], asked: [] as number[] }
  const rates = { alone: 0, asking: 0 }
  for (let round = -1; round < ROUNDS; round++) {
    const alone = await cost(proxy, [get('/alone', 'none')], REQUESTS / 2)
    const before = keyhall.cpu()
    const asking = await cost(
      proxy,
      requests.map((one) => one.replace('/verify', '/asking')),
      REQUESTS / 2,
    )
    if (round < 0) continue
    seen.asked.push((keyhall.cpu() - before) / (REQUESTS / 2))
    seen.alone.push(alone.microseconds)
    seen.asking.push(asking.microseconds)
    rates.alone = Math.max(rates.alone, alone.rate)
    rates.asking = Math.max(rates.asking, asking.rate)
  }
  await proxy.stop()
  console.log(
    `  nginx alone ${median(seen.alone).toFixed(1)} (${rates.alone.toFixed(0)}/s at best); with auth_request ${median(seen.asking).toFixed(1)}, ` +
      `and ${median(seen.asked).toFixed(1)} of Keyhall (${rates.asking.toFixed(0)}/s at best)`,
  )
}

const nginx = (port: number, keyhall: number, folder: string) => `
daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr crit;
events { worker_connections 512; }
http {
  access_log off; keepalive_requests 1000000;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  upstream keyhall { server 127.0.0.1:${keyhall}; keepalive 16; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port};
    location /alone { return 200 "hello"; }
    location /asking { auth_request /verify; try_files /none @hello; }
    location @hello { return 200 "hello"; }
    location = /verify {
      internal;
      proxy_pass http://keyhall; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_pass_request_body off; proxy_set_header Content-Length "";
    }
  }
}
`

/**
 * A database with very many keys of service accounts in one project; their values are known here
 * alone.
 */
async function fill(folder: string) {
  const path = join(folder, 'keyhall.db')
  const bytes = new Uint8Array(randomBytes(32))
  const pepper = new Secret(bytes)
  const database = await openDatabase(`sqlite:${path}`)
  await checkPeppers(database, [pepper])
  const first = await firstStart(database, pepper, realWorld, { owner_email: 'owner@example.com', admin_key: null })
  await database.close()
  const { organization_id, project_id } = first!
  const sqlite = new Sqlite(path)
  sqlite.run('pragma synchronous = off')
  sqlite.run('begin')
  const account = sqlite.prepare(
    `insert into service_accounts (organization_id, project_id, id, name, role, created_at) values (?, ?, ?, 'bench', 'member', 1)`,
  )
  const key = sqlite.prepare(
    `insert into api_keys (organization_id, project_id, id, owner_type, owner_id, name, digest, redacted_value, scopes, created_at, mac)
     values (?, ?, ?, 'service_account', ?, 'bench', ?, ?, '[]', 1, ?)`,
  )
  const keys: string[] = []
  let owner = ''
  for (let n = 0; n < KEYS; n++) {
    if (n % KEYS_PER_OWNER === 0) account.run(organization_id, project_id, (owner = newId('user-', realWorld)))
    const value = makeKey('service_account', realWorld.random, pepper)
    const {
      id,
      digest: made,
      mac,
    } = withMac(pepper, 'api_keys', {
      organization_id,
      project_id,
      id: newId('key_', realWorld),
      owner_type: 'service_account',
      owner_id: owner,
      digest: digest(pepper, value),
      scopes: '[]',
    })
    key.run(organization_id, project_id, id, owner, made, redact(value), mac)
    keys.push(value)
  }
  sqlite.run('commit')
  sqlite.close()
  return { path, pepper: Buffer.from(bytes).toString('hex'), keys }
}
