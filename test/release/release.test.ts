/** `npm run release`, in a repository of its own. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sentence } from '../cli/command.ts'
import { guideBlock } from '../guide-block.ts'
import { throwawayRepository } from './throwaway-repository.ts'

// npm packs, and reads the lock file.
setDefaultTimeout(120_000)

type Repository = Awaited<ReturnType<typeof throwawayRepository>>
let repository: Repository
beforeAll(async () => void (repository = await throwawayRepository()))
afterAll(() => repository.remove())

const read = (file: string) => readFileSync(join(repository.path, file), 'utf8')
const release = (...args: string[]) => repository.script('release', args)
const head = async () => (await repository.git('rev-parse', 'HEAD')).out.trim()

const refused = async (...args: string[]) => {
  const ended = await release(...args)
  expect(ended.code).toBe(1)
  return sentence({ ...ended, err: ended.err.replace('release: ', 'keyhall: ') })
}

test('a version that cannot be meant is refused in one sentence', async () => {
  expect(await refused()).toContain('name one version')
  expect(await refused('next')).toContain('"next" is no version')
  expect(await refused('0.1.0')).toContain('0.1.0 does not come after')
})

test('uncommitted changes, and a changelog that says nothing, are refused', async () => {
  const changelog = read('CHANGELOG.md')
  const file = join(repository.path, 'CHANGELOG.md')
  writeFileSync(file, changelog.replace(/(## \[Unreleased\]\n).*?(?=\n## )/s, '$1'))
  expect(await refused('minor')).toContain('not committed: CHANGELOG.md')
  await repository.git('commit', '--quiet', '--all', '--message', 'nothing')
  expect(await refused('minor')).toContain('nothing under "## [Unreleased]"')
  await repository.git('reset', '--quiet', '--hard', 'HEAD~1')
})

test('a dry run says what would be done, and changes nothing', async () => {
  const before = await head()
  const { code, out, err } = await release('9.8.7', '--dry-run')
  expect([code, err]).toEqual([0, ''])
  expect(out).toContain('9.8.7')
  expect(out).toContain('v9.8.7')
  expect(out).toContain('windows-x64')
  expect(await head()).toBe(before)
  expect((await repository.git('status', '--porcelain')).out).toBe('')
  expect((await repository.git('tag')).out).toBe('')
})

for (const args of [['9.8.6'], ['9.8.6', '--dry-run'], ['--again']])
  test(`a signing key that is none is refused before anything is written (${args.join(' ')})`, async () => {
    const before = await head()
    const env = { KEYHALL_RELEASE_KEY: join(repository.path, 'package.json') }
    const ended = await repository.script('release', [...args, '--no-executables'], env)
    expect(ended.code).toBe(1)
    expect(ended.err).toContain('KEYHALL_RELEASE_KEY must name a file with an Ed25519 private key in PEM')
    expect(await head()).toBe(before)
    expect((await repository.git('status', '--porcelain')).out).toBe('')
    expect((await repository.git('tag')).out).toBe('')
  })

test('a release has its version in every file, a commit, a tag, and files with signed checksums', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const key = join(repository.path, '../release.pem')
  writeFileSync(key, privateKey.export({ type: 'pkcs8', format: 'pem' }))
  const ended = await repository.script('release', ['9.8.7', '--no-executables'], { KEYHALL_RELEASE_KEY: key })
  expect(ended).toMatchObject({ code: 0, err: '' })
  expect((await repository.git('status', '--porcelain')).out).toBe('')
  expect((await repository.git('log', '-1', '--format=%s')).out).toBe('release: 9.8.7\n')
  expect((await repository.git('rev-parse', 'v9.8.7^{commit}')).out.trim()).toBe(await head())
  const changed = (await repository.git('diff', '--numstat', 'HEAD~1')).out
  expect(changed).toContain('2\t0\tCHANGELOG.md\n')
  expect(changed).toContain('2\t2\tpackage-lock.json\n1\t1\tpackage.json\n')
  expect(read('CHANGELOG.md')).toMatch(/## \[Unreleased\]\n\n## \[9\.8\.7\] - \d{4}-\d\d-\d\d\n\n### /)

  const files = join(repository.path, 'dist/release')
  expect(readdirSync(files).toSorted()).toEqual([
    'SHA256SUMS',
    'SHA256SUMS.sig',
    'keyhall-9.8.7.cdx.json',
    'keyhall-9.8.7.intoto.json',
    'keyhall-9.8.7.intoto.jsonl',
    'keyhall-9.8.7.tgz',
  ])
  const sums = read('dist/release/SHA256SUMS')
  expect(verify(null, Buffer.from(sums), publicKey, readFileSync(join(files, 'SHA256SUMS.sig')))).toBe(true)
  expectProvenance(await head(), sums)
  expectSignedProvenance(createPublicKey(privateKey))
  expectBillOfMaterials()
})

function expectProvenance(commit: string, sums: string) {
  const { subject, predicate, ...rest } = JSON.parse(read('dist/release/keyhall-9.8.7.intoto.json')) as {
    subject: { name: string; digest: { sha256: string } }[]
    predicate: { buildDefinition: { resolvedDependencies: object[] } }
  }
  expect(rest).toEqual({
    _type: 'https://in-toto.io/Statement/v1',
    predicateType: 'https://slsa.dev/provenance/v1',
  } as unknown as typeof rest)
  expect(subject.map(({ name }) => name)).toEqual(['keyhall-9.8.7.cdx.json', 'keyhall-9.8.7.tgz'])
  for (const { name, digest } of subject) expect(sums).toContain(`${digest.sha256}  ${name}\n`)
  const { resolvedDependencies } = predicate.buildDefinition
  expect(resolvedDependencies).toContainEqual({ name: 'source', digest: { gitCommit: commit } })
  const sha256 = new Bun.CryptoHasher('sha256').update(read('package-lock.json')).digest('hex')
  expect(resolvedDependencies).toContainEqual({ name: 'package-lock.json', digest: { sha256 } })
}

/** The envelope is one of DSSE: what is signed has the type and both lengths in front. */
function expectSignedProvenance(key: ReturnType<typeof createPublicKey>) {
  const { payloadType, payload, signatures } = JSON.parse(read('dist/release/keyhall-9.8.7.intoto.jsonl')) as {
    payloadType: string
    payload: string
    signatures: [{ sig: string }]
  }
  const statement = Buffer.from(payload, 'base64').toString()
  expect(statement).toBe(read('dist/release/keyhall-9.8.7.intoto.json'))
  const signed = `DSSEv1 28 ${payloadType} ${Buffer.byteLength(statement)} ${statement}`
  expect(verify(null, Buffer.from(signed), key, Buffer.from(signatures[0].sig, 'base64'))).toBe(true)
}

function expectBillOfMaterials() {
  const bom = JSON.parse(read('dist/release/keyhall-9.8.7.cdx.json')) as {
    metadata: { timestamp: string; component: object }
    components: { name: string; version: string; hashes: object[] }[]
  }
  expect(bom.metadata.timestamp).toBe('2026-11-27T00:00:00.000Z')
  expect(bom.metadata.component).toMatchObject({ name: 'keyhall', version: '9.8.7' })
  const { dependencies, optionalDependencies } = JSON.parse(read('package.json')) as Record<string, object>
  const listed = bom.components.filter(({ hashes }) => hashes.length === 1).map(({ name }) => name)
  expect(listed).toEqual(
    expect.arrayContaining(['preact', ...Object.keys({ ...dependencies, ...optionalDependencies })]),
  )
}

// `.ci/run` installs it on Linux, so that a test without it fails there.
const hasOpenssl = process.platform === 'linux' || Bun.which('openssl') !== null
if (!hasOpenssl) console.log('NOT TESTED: the signature of a release, because there is no openssl')

test.skipIf(!hasOpenssl)('the guide verifies the signature with openssl, and a changed file fails', () => {
  const files = join(repository.path, 'dist/release')
  const key = createPublicKey(readFileSync(join(repository.path, '../release.pem')))
  writeFileSync(join(files, 'release.pub'), key.export({ type: 'spki', format: 'pem' }))
  const verified = () => Bun.spawnSync(['sh', '-c', guideBlock('install.md', 'sh signature')], { cwd: files })
  expect(String(verified().stdout)).toBe('Signature Verified Successfully\n')
  const sums = read('dist/release/SHA256SUMS')
  writeFileSync(join(files, 'SHA256SUMS'), sums.replace('keyhall', 'keyhole'))
  expect(verified().exitCode).not.toBe(0)
  writeFileSync(join(files, 'SHA256SUMS'), sums)
})

test('a second build of the commit, in another folder and with another umask, has the same bytes', async () => {
  // node_modules is a link here, which both have to see from the same depth.
  const again = join(repository.path, '../another')
  await repository.git('clone', '--quiet', repository.path, again)
  symlinkSync(join(repository.path, 'node_modules'), join(again, 'node_modules'))
  const start = `umask 077; exec '${process.execPath}' scripts/release.ts --again --no-executables`
  const env = { PATH: process.env.PATH, TZ: 'Asia/Tokyo' }
  const built = Bun.spawnSync(['sh', '-c', start], { cwd: again, env })
  expect(String(built.stderr)).toBe('')
  expect(readFileSync(join(again, 'dist/release/SHA256SUMS'), 'utf8')).toBe(read('dist/release/SHA256SUMS'))
})
