/**
 * `keyhall health`: asks the server on this machine whether it is ready, for a container's health
 * check. An image without a shell has no other program that could ask.
 */
import { Failed, type ExitCode } from '../world/failed.ts'
import type { Terminal } from '../world/terminal.ts'
import { realWorld } from '../world/world.ts'
import type { Config } from './config.ts'
import { urlOf } from './greeting.ts'

const ANSWERS_WITHIN_MILLISECONDS = 4_000

/** What `/readyz` answers. */
interface Readiness {
  checks?: Record<string, { reason?: string }>
}

/**
 * Resolves with 0 when the server is ready. Throws Failed with a sentence that says why it is not.
 */
export async function askHealth(
  { host, port, tls_cert }: Pick<Config, 'host' | 'port' | 'tls_cert'>,
  { out }: Terminal,
): Promise<ExitCode> {
  const url = urlOf(host, port, tls_cert === null ? 'http' : 'https')
  const answer = await ask(`${url}/readyz`)
  if (!answer.ok) throw new Failed(`The server on ${url} is not ready: ${await reasonOf(answer)}`)
  out(`The server on ${url} is ready.\n`)
  return 0
}

async function ask(url: string): Promise<Response> {
  try {
    return await realWorld.fetch(url, {
      signal: AbortSignal.timeout(ANSWERS_WITHIN_MILLISECONDS),
      redirect: 'error',
      // The certificate is for the name that clients use, not for this address. Nothing secret is
      // sent.
      tls: { rejectUnauthorized: false },
    })
  } catch (error) {
    const cause = (error as Error).name === 'TimeoutError' ? 'it did not answer in time' : (error as Error).message
    throw new Failed(`Nothing answers ${url}: ${cause.replace(/ Is the computer .*$/, '').replace(/\.$/, '')}.`)
  }
}

async function reasonOf(answer: Response): Promise<string> {
  const body = (await answer.json().catch(() => ({}))) as Readiness
  const reasons = Object.values(body.checks ?? {}).flatMap(({ reason }) => reason ?? [])
  return reasons.join(' ') || `it answered ${answer.status}.`
}
