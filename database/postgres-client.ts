/** The client of Bun and its options, for both pools and the listener. */
import { SQL } from 'bun'
import type { World } from '../world/world.ts'
import type { PostgresAddress } from './postgres-address.ts'
import { NoAnswer } from './postgres-faults.ts'

const CONNECT_SECONDS = 4

export type Rows = Record<string, any>[] & { count?: number }

/** Runs one statement, or several without parameters. */
export type Ask = (sql: string, parameters?: unknown[]) => Promise<Rows>

export interface ClientOptions extends Pick<PostgresAddress, 'url' | 'tls' | 'path'> {
  /**
   * Whether statements get names and are kept. Turned off when connections turn out to be shared
   * with other clients.
   */
  prepare: boolean
  /** How often statements that were prepared were found to be outdated; their texts then change. */
  revision: number
  world: World
}

export const openClient = ({ url, prepare, tls, path }: Omit<ClientOptions, 'world' | 'revision'>, max: number) =>
  new SQL(url, {
    max,
    prepare,
    bigint: true,
    connectionTimeout: CONNECT_SECONDS,
    idleTimeout: 300,
    ...(tls && { tls }),
    ...(path !== undefined && { path }),
  })

export const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds))

export async function inTime<Result>(answer: Promise<Result>, milliseconds: number): Promise<Result> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new NoAnswer('PostgreSQL did not answer in time.')), milliseconds)
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

/** The text of a statement, which is prepared anew under another revision. */
export const revised = (sql: string, { revision }: Pick<ClientOptions, 'revision'>) =>
  revision === 0 ? sql : `${sql} /* ${revision} */`
