/**
 * Builds what a release has, from the commit that is checked out, into dist/release: the npm
 * package, an archive with the executable for each platform, a bill of materials, provenance, and
 * checksums.
 */
import { createHash, type KeyObject } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { completion } from '../cli/completion/index.ts'
import { buildExecutable } from './build-executable.ts'
import { tarGz, zip, type ArchivedFile } from './release/archives.ts'
import { git, requireCleanTree, root, run } from './release/commands.ts'
import { requireLockedPackages } from './release/lock-file.ts'
import { thirdPartyNotices } from './release/notices.ts'
import { envelope, provenance, signature, type Source, type Subject } from './release/provenance.ts'
import { cyclonedx } from './release/sbom.ts'
import { executableName, isWindows, type Target } from './targets.ts'

const dist = join(root, 'dist')
const output = join(dist, 'release')

/**
 * Builds for these platforms, and signs where there is a key. What a release had before in
 * dist/release is removed.
 */
export async function buildArtifacts(targets: readonly Target[], key: KeyObject | null) {
  requireCleanTree()
  requireLockedPackages()
  const source = checkedOut()
  const stem = `keyhall-${source.version}`
  rmSync(output, { recursive: true, force: true })
  mkdirSync(output, { recursive: true })
  packCommit(source.commit)
  for (const target of targets) {
    const [name, archive] = await archiveFor(target, source)
    write(name, archive)
  }
  write(`${stem}.cdx.json`, cyclonedx(source.seconds))
  const statement = provenance(
    source,
    checksums(),
    process.env.KEYHALL_RELEASE_BUILDER ?? 'urn:keyhall:unnamed-builder',
  )
  write(`${stem}.intoto.json`, statement)
  const sums = checksums()
    .map(({ name, sha256 }) => `${sha256}  ${name}\n`)
    .join('')
  write('SHA256SUMS', sums)
  if (!key) return
  write('SHA256SUMS.sig', signature(sums, key))
  write(`${stem}.intoto.jsonl`, envelope(statement, key))
}

function write(name: string, content: string | Uint8Array) {
  writeFileSync(join(output, name), content)
  console.log(`dist/release/${name}`)
}

function checkedOut(): Source {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  return { version, commit: git('rev-parse', 'HEAD'), seconds: Number(git('log', '-1', '--format=%ct')) }
}

/** Packs from the files of the commit, whose modes do not depend on this user's umask. */
function packCommit(commit: string) {
  const folder = join(dist, 'source')
  rmSync(folder, { recursive: true, force: true })
  const umask = process.umask(0o022)
  try {
    mkdirSync(folder, { recursive: true })
    run(['git', '-c', 'tar.umask=0022', 'archive', '--output', join(dist, 'source.tar'), commit])
    run(['tar', '-xf', join(dist, 'source.tar'), '-C', folder])
    run(['npm', 'pack', '--silent', '--pack-destination', output], folder)
  } finally {
    process.umask(umask)
    rmSync(folder, { recursive: true, force: true })
    rmSync(join(dist, 'source.tar'), { force: true })
  }
  console.log(`dist/release/${readdirSync(output).join()}`)
}

async function archiveFor(target: Target, { version, seconds }: Source): Promise<[string, Uint8Array]> {
  const folder = `keyhall-${version}-${target}`
  const executable = join(dist, target, executableName(target))
  await buildExecutable(executable, target)
  const text = (path: string, content: string): ArchivedFile => ({
    path: `${folder}/${path}`,
    content: Buffer.from(content),
  })
  const files = [
    { path: `${folder}/${executableName(target)}`, content: readFileSync(executable), isExecutable: true },
    text('LICENSE', run(['git', 'show', 'HEAD:LICENSE'])),
    text('THIRD-PARTY-NOTICES', thirdPartyNotices()),
    text('completions/keyhall.bash', completion('bash')),
    text('completions/_keyhall', completion('zsh')),
    text('completions/keyhall.fish', completion('fish')),
  ]
  return isWindows(target) ? [`${folder}.zip`, zip(files, seconds)] : [`${folder}.tar.gz`, tarGz(files, seconds)]
}

/** What lies in dist/release so far, in the order of names. */
const checksums = (): Subject[] =>
  readdirSync(output)
    .toSorted()
    .map((name) => ({
      name,
      sha256: createHash('sha256')
        .update(readFileSync(join(output, name)))
        .digest('hex'),
    }))
