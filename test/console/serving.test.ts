/** How the console is served: its headers, its size, and where it is left out. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { findConsole } from '../../server/console-files.ts'
import { inProcess } from '../cli/terminal.ts'
import { startServer, type TestServer } from '../setup.ts'

let server: TestServer
let without: TestServer
beforeAll(async () => {
  const source = findConsole()!
  server = await startServer('sqlite', { console: { source, gatewayUrl: () => 'https://gateway.example.com/v1' } })
  without = await startServer('sqlite')
})
afterAll(async () => {
  await server.stop()
  await without.stop()
})

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  server.fetch(new Request(`http://keyhall.test${path}`, { method, headers }))

/** The addresses in a page, as a browser at `path` resolves them. */
async function assetsOf(path: string) {
  const page = await (await get(path)).text()
  const base = `http://keyhall.test${path}`
  return [...page.matchAll(/(?:src|href)="((?!data:)[^"]+)"/g)].map(([, url]) => new URL(url!, base).pathname)
}

test('every page has a policy that allows only its own files, and is never stored', async () => {
  for (const path of ['/console/', '/console/my-keys', '/console/a/b/c?d=e']) {
    const response = await get(path)
    expect(response.status).toBe(200)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    })
    expect(await response.text()).toContain('content="https://gateway.example.com/v1"')
  }
})

test('a page finds its files from any depth, also where a proxy serves it below a path', async () => {
  const [style, script, ...others] = await assetsOf('/console/')
  expect(style).toMatch(/^\/console\/assets\/styles-\w+\.css$/)
  expect(script).toMatch(/^\/console\/assets\/index-\w+\.js$/)
  expect(others).toEqual([])
  for (const path of ['/console/my-keys', '/console/projects/proj_1/keys'])
    expect(await assetsOf(path)).toEqual([style!, script!])
  const response = await get('/console')
  expect({ status: response.status, location: response.headers.get('location') }).toEqual({
    status: 308,
    location: 'console/',
  })
})

test('files have hashed names, are kept for good, and are compressed for who takes it', async () => {
  for (const path of await assetsOf('/console/')) {
    const [plain, zipped, refused] = await Promise.all(
      ['identity', 'br, gzip', 'gzip;q=0'].map((encoding) => get(path, { 'accept-encoding': encoding })),
    )
    expect(plain!.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(plain!.headers.get('vary')).toBe('accept-encoding')
    expect(plain!.headers.get('content-encoding')).toBeNull()
    expect(refused!.headers.get('content-encoding')).toBeNull()
    expect(zipped!.headers.get('content-encoding')).toBe('gzip')
    const text = await plain!.text()
    expect(new TextDecoder().decode(Bun.gunzipSync(await zipped!.arrayBuffer()))).toBe(text)
    expect((await get(path, {}, 'HEAD')).headers.get('content-length')).toBe(String(Buffer.byteLength(text)))
  }
  expect((await get('/console/assets/index-00000000.js')).status).toBe(404)
  expect((await get('/console/', {}, 'POST')).status).toBe(405)
})

test('the first load takes at most 64 kB, compressed, with the largest page or tab', async () => {
  const { index, assets } = await findConsole()!.read()
  const zipped = (text: string) => Bun.gzipSync(text, { level: 9 }).byteLength
  const size = (names: Iterable<string>) => [...names].reduce((sum, name) => sum + zipped(assets[name]!), 0)
  const first = Object.keys(assets).filter((name) => index.includes(name))
  // What a page needs beside the first files is loaded when it is opened: its file, what that
  // imports, and one of the files that it loads later, such as the part that its tab shows.
  const namesIn = (name: string, pattern: RegExp) => [...assets[name]!.matchAll(pattern)].map(([, found]) => found!)
  const withImports = (name: string, known: ReadonlySet<string>): Set<string> =>
    known.has(name)
      ? new Set(known)
      : namesIn(name, /(?:from|import)\s*"\.\/([\w.-]+)"/g).reduce(
          (all, imported) => withImports(imported, all),
          new Set([...known, name]),
        )
  const sizeOf = (name: string, known: ReadonlySet<string>): number => {
    const all = withImports(name, known)
    const own = [...all].filter((one) => !known.has(one))
    const later = own.flatMap((one) => namesIn(one, /import\s*\(\s*"\.\/([\w.-]+)"/g))
    return size(own) + Math.max(0, ...later.map((one) => sizeOf(one, all)))
  }
  const begin = new Set(first)
  const largest = size(first) + Math.max(...Object.keys(assets).map((name) => sizeOf(name, begin))) + zipped(index)
  expect(largest).toBeGreaterThan(40_000)
  expect(largest).toBeLessThan(64_000)
})

test('no description of the contract is in what browsers load', async () => {
  const { assets } = await findConsole()!.read()
  const text = Object.values(assets).join('')
  expect(text).toContain('/organization/me/api_keys')
  expect(text).not.toContain('enough to recognise the key by')
})

test('without it there is nothing at its address, and the first page names none', async () => {
  const ask = (path: string) =>
    without.fetch(new Request(`http://keyhall.test${path}`, { headers: { accept: 'text/html' } }))
  expect((await ask('/console/')).status).toBe(404)
  expect(await (await ask('/')).text()).not.toContain('console')
  expect(await (await get('/', { accept: 'text/html' })).text()).toContain('href="console/"')
})

test('--no-console and KEYHALL_CONSOLE=off leave it out; other values are refused', async () => {
  expect((await inProcess('serve --help')).out).toContain('--no-console')
  const { code, err } = await inProcess('serve', { environment: { KEYHALL_CONSOLE: 'no' } })
  expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining('KEYHALL_CONSOLE must be on or off') })
})
