/** Archives, as tar and unzip read them. */
import { afterAll, describe, expect, test } from 'bun:test'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tarGz, zip } from '../../scripts/release/archives.ts'
import { version } from '../../world/version.ts'
import { folder } from '../cli/command.ts'
import { guideBlock } from '../guide-block.ts'
import { program } from '../program.ts'

const home = folder()
afterAll(() => home.remove())

const SECONDS = Date.UTC(2026, 10, 27, 1, 2, 4) / 1000
const text = 'Three lines\nof text,\nmore or less.\n'.repeat(100)
const files = [
  { path: 'keyhall-1.2.3/keyhall', content: Buffer.from(text), isExecutable: true },
  { path: 'keyhall-1.2.3/LICENSE', content: Buffer.from('short') },
  { path: 'keyhall-1.2.3/empty', content: Buffer.alloc(0) },
]

const formats = [
  { name: 'tar.gz', make: tarGz, unpack: (file: string) => ['tar', '-xzf', file] },
  { name: 'zip', make: zip, unpack: (file: string) => ['unzip', '-q', file] },
].filter(({ name, unpack }) => {
  const [program] = unpack('')
  if (!Bun.which(program!)) console.log(`NOT TESTED: ${name}, because there is no ${program}`)
  return Bun.which(program!)
})

describe.each(formats)('an archive of $name', ({ name, make, unpack }) => {
  test('is unpacked with its content, modes and times', () => {
    const place = join(home.path, name)
    mkdirSync(place)
    writeFileSync(join(place, 'archive'), make(files, SECONDS))
    const unpacked = Bun.spawnSync(unpack('archive'), { cwd: place, env: { PATH: process.env.PATH, TZ: 'UTC' } })
    expect([unpacked.exitCode, String(unpacked.stderr)]).toEqual([0, ''])
    for (const { path, content, isExecutable } of files) {
      expect(readFileSync(join(place, path))).toEqual(content)
      const { mode, mtimeMs } = statSync(join(place, path))
      expect([path, mode & 0o777]).toEqual([path, isExecutable ? 0o755 : 0o644])
      expect(mtimeMs / 1000).toBe(SECONDS)
    }
  })

  test('has the same bytes each time, whoever makes it', () => {
    const archive = make(files, SECONDS)
    expect(make(files, SECONDS)).toEqual(archive)
    expect(archive.length).toBeLessThan(1500)
    expect(Buffer.from(archive).includes('root')).toBe(false)
  })
})

// Every Linux has it, so that a test without it fails there.
const hasSha256sum = process.platform === 'linux' || Bun.which('sha256sum') !== null
if (!hasSha256sum) console.log('NOT TESTED: the archive of the guide, because there is no sha256sum')

test.skipIf(!hasSha256sum)('the guide checks an archive, unpacks it and runs what is in it', () => {
  const place = join(home.path, 'guide')
  mkdirSync(place)
  const content = Buffer.from(`#!/bin/sh\nexec '${program.join("' '")}' "$@"\n`)
  const archive = tarGz([{ path: 'keyhall-1.2.3-linux-x64/keyhall', content, isExecutable: true }], SECONDS)
  const name = 'keyhall-1.2.3-linux-x64.tar.gz'
  writeFileSync(join(place, name), archive)
  const sum = new Bun.CryptoHasher('sha256').update(archive).digest('hex')
  writeFileSync(join(place, 'SHA256SUMS'), `${sum}  ${name}\n${sum}  keyhall-1.2.3-windows-x64.zip\n`)
  const script = guideBlock('install.md', 'sh executable')
  const ran = () => Bun.spawnSync(['sh', '-ec', script], { cwd: place })
  expect(String(ran().stdout)).toBe(`${name}: OK\nkeyhall ${version}\n`)
  writeFileSync(join(place, 'SHA256SUMS'), `${sum.replace(/^./, 'x')}  ${name}\n`)
  expect(ran().exitCode).not.toBe(0)
})
