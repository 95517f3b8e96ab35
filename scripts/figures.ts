/**
 * Figures about the source: how long functions and lines are, how much a comment line says, how
 * many files each room holds, how many tests there are. `node bin/bun.js scripts/figures.ts`
 * measures this tree, and `… figures.ts REV` another revision, checked out into a temporary folder.
 */
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { commentLines, isProduct, MOST_COLUMNS, room, sourceFiles } from './source.ts'

interface Func {
  file: string
  name: string
  lines: number
  start: number
  end: number
}

const revision = process.argv[2]
const here = resolve(import.meta.dir, '..')
const scratch = mkdtempSync(join(tmpdir(), 'keyhall-figures-'))
const tree = revision ? join(scratch, 'tree') : here
async function print() {
  const files = (await sourceFiles(tree)).filter(isProduct)
  const texts = files.map((file) => readFileSync(join(tree, file), 'utf8'))
  const lines = texts.flatMap((text) => text.split('\n'))
  const comments = texts.flatMap(commentLines)
  const words = comments.flatMap((line) => line.match(/[\p{L}\p{N}_]\S*/gu) ?? [])
  const functions = await functionsOf(files)
  const closures = functions.filter((one) => functions.some((other) => contains(other, one)))
  const rooms = Object.entries(Object.groupBy(files, room)).map(([name, all]) => `${name} ${all!.length}`)
  const figures = {
    'longest function': named(functions),
    'longest closure': named(closures),
    'functions over 60 lines': functions.filter((one) => one.lines > 60).length,
    'closures over 60 lines': closures.filter((one) => one.lines > 60).length,
    files: files.length,
    'longest file': Math.max(...texts.map((text) => text.split('\n').length - 1)),
    'files per room': rooms.join(', '),
    'comment lines': comments.length,
    'words per comment line': (words.length / comments.length).toFixed(1),
    [`comment lines over ${MOST_COLUMNS} columns`]: comments.filter((line) => line.length > MOST_COLUMNS).length,
    [`lines over ${MOST_COLUMNS} columns`]: share(
      lines.filter((line) => line.length > MOST_COLUMNS).length,
      lines.length,
    ),
    tests: await testCount(),
  }
  for (const [name, figure] of Object.entries(figures)) console.log(`${name.padEnd(32)}${figure}`)
}

const share = (part: number, whole: number) => `${part} (${((100 * part) / whole).toFixed(1)} %)`

const contains = (outer: Func, inner: Func) =>
  outer !== inner && outer.file === inner.file && outer.start <= inner.start && inner.end <= outer.end

function named(functions: Func[]): string {
  const longest = functions.reduce((a, b) => (b.lines > a.lines ? b : a))
  return `${longest.lines} (${longest.name}, ${longest.file})`
}

/**
 * Every function of more than one line: a rule of oxlint measures them, with a bound that none
 * keeps.
 */
async function functionsOf(files: string[]): Promise<Func[]> {
  const config = join(scratch, 'oxlint.json')
  const rules = { 'eslint/max-lines-per-function': ['error', { max: 1, IIFEs: true }] }
  writeFileSync(config, JSON.stringify({ categories: { correctness: 'off' }, rules }))
  const oxlint = join(here, 'node_modules/.bin/oxlint')
  const out = await output([oxlint, '-c', config, '-f', 'json', ...files])
  const { diagnostics } = JSON.parse(out) as { diagnostics: Diagnostic[] }
  return diagnostics.map(({ message, filename, labels: [label] }) => ({
    file: filename,
    name: /`(.+?)`/.exec(message)?.[1] ?? `without a name, line ${label!.span.line}`,
    lines: Number(/\((\d+)\)/.exec(message)![1]),
    start: label!.span.offset,
    end: label!.span.offset + label!.span.length,
  }))
}

interface Diagnostic {
  message: string
  filename: string
  labels: { span: { offset: number; length: number; line: number } }[]
}

/**
 * Bun loads every test file and runs none of the tests: its report names those that it skipped too.
 */
async function testCount(): Promise<number> {
  const report = join(scratch, 'report.xml')
  await output([
    process.execPath,
    'test',
    '-t',
    'no test has this name',
    '--reporter=junit',
    `--reporter-outfile=${report}`,
  ])
  return Number(/<testsuites [^>]*tests="(\d+)"/.exec(readFileSync(report, 'utf8'))?.[1])
}

async function output(command: string[]): Promise<string> {
  const child = Bun.spawn(command, { cwd: tree, stdout: 'pipe', stderr: 'pipe' })
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  await child.exited
  return out + err
}

function git(...args: string[]) {
  const { success, stderr } = Bun.spawnSync(['git', ...args], { cwd: here })
  if (!success) throw new Error(`git ${args.join(' ')}: ${stderr.toString()}`)
}

try {
  if (revision) {
    git('worktree', 'add', '--detach', '--quiet', tree, revision)
    symlinkSync(join(here, 'node_modules'), join(tree, 'node_modules'))
  }
  await print()
} finally {
  if (revision) git('worktree', 'remove', '--force', tree)
  rmSync(scratch, { recursive: true, force: true })
}
