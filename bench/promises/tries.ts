/** Two ways to try a promise: by tests, and by a script that measures. */
import { join } from 'node:path'
import type { Trial, Try } from './promise.ts'

const HOLDS_WITHIN = '120000'
/** Without the mend, some tests wait for what never comes. */
const FAILS_WITHIN = '15000'

/**
 * The tests of these files whose names match. The figure is what they print with `figure()`, or how
 * many of them passed.
 */
export const byTests =
  (files: string[], { named, runs = '2' }: { named?: string; runs?: string } = {}): Try =>
  async (folder, isControl): Promise<Trial> => {
    const timeout = isControl ? FAILS_WITHIN : HOLDS_WITHIN
    const child = Bun.spawn(
      [
        process.execPath,
        '--no-orphans',
        'test',
        '--timeout',
        timeout,
        ...files,
        ...(named === undefined ? [] : ['-t', named]),
        // One failure is enough to show that the tests look at the mend.
        ...(isControl ? ['--bail=1'] : []),
      ],
      { cwd: folder, env: { ...process.env, TEST_RUNS: isControl ? '2' : runs }, stdout: 'pipe', stderr: 'pipe' },
    )
    const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
    await child.exited
    const count = (what: string) => (out + err).split('\n').filter((line) => line.startsWith(`(${what})`)).length
    const [passed, failed] = [count('pass'), count('fail')]
    if (passed + failed === 0) throw new Error(`No test of ${files.join(', ')} was run:\n${err}`)
    // What broke a promise is not to be guessed at.
    if (failed > 0 && !isControl) console.log(err)
    const figures = out
      .split('\n')
      .filter((line) => /^ {2}\S|\d+ of \d+ /.test(line))
      .map((line) => line.trim())
    const summary =
      isControl && failed > 0 ? `a test fails after ${passed} passed` : `${passed} of ${passed + failed} tests pass`
    return { holds: failed === 0, figure: [...(isControl ? [] : figures), summary].join('; ') }
  }

/** A script of bench/promises that prints `{"holds", "figure"}`. */
export const byScript =
  (name: string): Try =>
  async (folder) => {
    const child = Bun.spawn([process.execPath, join(folder, 'bench/promises', name)], {
      cwd: folder,
      stdout: 'pipe',
      stderr: 'inherit',
    })
    const out = await new Response(child.stdout).text()
    if ((await child.exited) !== 0) throw new Error(`${name} failed: ${out}`)
    return JSON.parse(out.trim().split('\n').at(-1)!) as Trial
  }
