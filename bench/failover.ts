/**
 * A failover of PostgreSQL under load: the test of it with ten times the changes, and its figures.
 */
export async function run() {
  const child = Bun.spawn([process.execPath, 'test', '--timeout', '120000', 'test/storage/failover.test.ts'], {
    env: { ...process.env, TEST_RUNS: '10' },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  process.exitCode = await child.exited
}
