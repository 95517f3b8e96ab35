/**
 * A spend limit of one dollar, 200 clients, and servers that are killed: the test of it at full
 * scale, and its figures.
 */
export async function run() {
  const child = Bun.spawn([process.execPath, 'test', '--timeout', '600000', 'test/gateway/overshoot.test.ts'], {
    env: { ...process.env, TEST_RUNS: '10' },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  process.exitCode = await child.exited
}
