/**
 * The end of the requests under way when the server stops: they may finish for a time, then model
 * requests are told why they end, and what is left is cut off.
 */
import type { Gateway } from '../gateway/gateway-app.ts'
import type { Listeners } from './listeners.ts'
import type { Log } from './log.ts'

/** For the error events of streams to reach their clients. */
const TOLD_WITHIN_MILLISECONDS = 2_000

export interface Ending {
  listeners: Listeners
  gateway: Gateway
  log: Log
  /** Resolves when the mail under way was sent. */
  mailed: () => Promise<void> | undefined
}

export async function endRequests({ listeners, gateway, log, mailed }: Ending, milliseconds: number) {
  // The ports are closed at once. A kept connection is closed after the answer that it waits for.
  const ended = listeners.stop().then(mailed)
  if (!(await isDoneWithin(milliseconds, ended))) {
    log.say('warn', 'Requests that took too long are ended.', { requests: listeners.pendingRequests })
    gateway.endRequests()
    await isDoneWithin(TOLD_WITHIN_MILLISECONDS, ended)
  }
  gateway.stop()
  if (listeners.pendingRequests === 0) return
  log.say('warn', 'Requests that took too long were cut off.', { requests: listeners.pendingRequests })
  void listeners.stop(true)
}

const isDoneWithin = (milliseconds: number, work: Promise<unknown>) =>
  Promise.race([work.then(() => true), Bun.sleep(milliseconds).then(() => false)])
