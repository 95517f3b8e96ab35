/**
 * `npm run check`: format, lint, types, lock file, generated pages, files and comments. All are
 * looked at, however many of them fail.
 */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { differingPages } from './docs.ts'
import { commentLines, isForTools, isProduct, MOST_COLUMNS, sourceFiles } from './source.ts'

const MOST_LINES = 300

interface Verdict {
  ok: boolean
  output: string
}

const checks: Record<string, () => Promise<Verdict>> = {
  format: () => run('oxfmt', '--check', '.'),
  lint: () => run('oxlint', '--type-aware'),
  // What it knows of the last run makes the next one ten times as fast; a fresh install forgets it.
  types: () => run('tsc', '-p', '.', '--incremental', '--tsBuildInfoFile', 'node_modules/.cache/check.tsbuildinfo'),
  'lock file': async () => verdict(lockFileProblems()),
  'generated pages': async () =>
    verdict(differingPages().map((page) => `${page} is out of date; "npm run docs" writes it anew.`)),
  files: async () => {
    const files = await sourceFiles('.')
    return verdict([...lengthProblems(files), ...nameProblems(files.filter(isProduct))])
  },
  comments: async () => verdict((await sourceFiles('.')).flatMap(commentProblems)),
}

async function run(tool: string, ...args: string[]): Promise<Verdict> {
  const child = Bun.spawn([`node_modules/.bin/${tool}`, ...args], { stdout: 'pipe', stderr: 'pipe' })
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  return { ok: code === 0, output: `${out}${err}` }
}

const verdict = (problems: string[]): Verdict => ({ ok: problems.length === 0, output: problems.join('\n') })

const lengthProblems = (files: string[]) =>
  files
    .map((file) => ({ file, lines: readFileSync(file, 'utf8').split('\n').length - 1 }))
    .filter(({ lines }) => lines > MOST_LINES)
    .map(({ file, lines }) => `${file} has ${lines} lines; split it, ${MOST_LINES} are the most.`)

/** A file has a name that no other has, so that one finds it by its name. */
const nameProblems = (files: string[]) =>
  [...Map.groupBy(files, (file) => basename(file))]
    .filter(([name, all]) => all.length > 1 && name !== 'index.ts' && !areHalves(name, all))
    .map(([, all]) => `${all.join(' and ')} have the same name; name each for what it holds.`)

/** The two halves of one resource have the same name on purpose. */
const areHalves = (name: string, files: string[]) =>
  files.length === 2 && files.includes(`contract/${name}`) && files.includes(`admin/resources/${name}`)

const commentProblems = (file: string) =>
  commentLines(readFileSync(file, 'utf8'))
    .filter((line) => line.length > MOST_COLUMNS && !isForTools(line))
    .map((line) => `${file}: "${line.trim().slice(0, 40)}…" has ${line.length} columns; "npm run fix" wraps comments.`)

/**
 * The lock file must install from whichever registry npm is set to, and package.json must ask for
 * exact versions.
 */
function lockFileProblems(): string[] {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, Locked> }
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(
    readFileSync('package.json', 'utf8'),
  ) as Record<string, Record<string, string>>
  const ranges = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })
    .filter(([, version]) => !/^\d+\.\d+\.\d+[\w.-]*$/.test(version))
    .map(([name, version]) => `package.json: ${name} must have an exact version, not "${version}".`)
  const hosts = Object.entries(lock.packages)
    .filter(([, { resolved }]) => resolved)
    .map(([path, { resolved }]) => `package-lock.json: ${path} names where it was downloaded (${resolved}).`)
  const names = new Set(Object.keys(lock.packages).map((path) => path.slice(path.lastIndexOf('node_modules/') + 13)))
  // What npm leaves out because the registry at hand lacks it, "npm ci" asks for again everywhere,
  // and then refuses to install anything.
  const missing = Object.values(lock.packages)
    .flatMap(({ dependencies, optionalDependencies }) => Object.keys({ ...dependencies, ...optionalDependencies }))
    .filter((name) => !names.has(name))
    .map((name) => `package-lock.json: ${name} has no entry, so "npm ci" would refuse to install.`)
  const unhashed = Object.entries(lock.packages)
    .filter(([path, { integrity, dev, optional }]) => path !== '' && !integrity && !(dev && optional))
    .map(([path]) => `package-lock.json: ${path} has no integrity hash.`)
  return [...ranges, ...hosts, ...missing, ...unhashed]
}

interface Locked {
  resolved?: string
  integrity?: string
  dev?: boolean
  optional?: boolean
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

const results = await Promise.all(
  Object.entries(checks).map(async ([name, check]) => {
    const { ok, output } = await check().catch((error: unknown) => ({ ok: false, output: String(error) }))
    return { name, ok, output: output.trim() }
  }),
)
for (const { name, ok, output } of results) console.log(ok ? `ok      ${name}` : `failed  ${name}\n\n${output}\n`)
if (results.some(({ ok }) => !ok)) process.exit(1)
