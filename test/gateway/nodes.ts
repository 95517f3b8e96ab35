/**
 * Real servers on one database, each a process of its own, and keys that can be shown to each of
 * them.
 */
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { firstStart } from '../../admin/bootstrap.ts'
import { openDatabase } from '../../database/open.ts'
import type { Database } from '../../database/types.ts'
import { digest } from '../../keys/digest.ts'
import { withMac } from '../../keys/key-mac.ts'
import { makeKey, redact } from '../../keys/format.ts'
import { newId } from '../../world/random.ts'
import { checkPeppers } from '../../keys/check-peppers.ts'
import { realWorld, seconds } from '../../world/world.ts'
import { folder, serve, type Serving } from '../cli/command.ts'
import { program, programFile } from '../program.ts'
import type { OwnDatabase } from '../engines.ts'
import { emptyDatabase, testPepper, type EngineName, type Tenant } from '../setup.ts'

export interface Node extends Serving {
  /** What `/verify` says about a key. */
  status: (key: string) => Promise<number>
}

export interface Nodes {
  database: Database
  address: string
  tenant: Pick<Tenant, 'organization_id' | 'project_id' | 'owner_id' | 'admin_key'>
  /**
   * Starts one more; `address` is by which way it reaches the database, `ahead` by how many seconds
   * its clock is ahead, `elsewhere` that it has a folder of its own, as on another machine.
   */
  start: (address?: string, options?: { ahead?: number; elsewhere?: boolean }) => Promise<Node>
  /** The lock files by which nodes on this machine show each other that they live. */
  locks: () => string[]
  /**
   * Stops a node as it stands, but not while it holds the lock of the SQLite file: then nobody
   * could delete anything.
   */
  freeze: (node: Node) => Promise<void>
  /** Deletes a key by asking that node, and answers when the node has answered. */
  remove: (node: Node, id: string) => Promise<void>
  stop: () => Promise<void>
}

export const LEASE_SECONDS = 2

/** A database with an organization in it; nobody serves it yet. */
export async function startNodes(engine: EngineName, on?: OwnDatabase): Promise<Nodes> {
  const home = folder()
  const { address, drop } = on ?? (await emptyDatabase(engine))
  const database = await openDatabase(address)
  await checkPeppers(database, [testPepper])
  const first = await firstStart(database, testPepper, realWorld, { owner_email: 'owner@example.com', admin_key: null })
  const started: Node[] = []
  const place = engine === 'sqlite' ? dirname(address.slice('sqlite:'.length)) : join(home.path, 'data')
  return {
    database,
    address,
    tenant: { ...first!, admin_key: first!.admin_key! },
    locks: () => readdirSync(place).filter((file) => file.endsWith('.lock')),
    async start(by = address, { ahead = 0, elsewhere = false } = {}) {
      const node = await serve(by, ['--log', 'info', '--lease-seconds', `${LEASE_SECONDS}`], {
        program:
          ahead === 0
            ? program
            : [process.execPath, '--preload', join(import.meta.dir, '../shifted-clock.ts'), programFile],
        env: {
          KEYHALL_PEPPER: Buffer.from(testPepper.reveal()).toString('hex'),
          SHIFT_SECONDS: `${ahead}`,
          ...(elsewhere && { KEYHALL_REVOCATIONS_FILE: join(home.path, `elsewhere-${started.length}`, 'revocations') }),
        },
        cwd: home.path,
      })
      const status = async (key: string) => {
        const answer = await fetch(`${node.url}/verify`, { headers: { authorization: `Bearer ${key}` } })
        await answer.arrayBuffer()
        return answer.status
      }
      started.push({ ...node, status })
      return started.at(-1)!
    },
    async freeze(node) {
      for (;;) {
        node.signal('SIGSTOP')
        const isFree = await database
          .write((sql) => sql.deleteFrom('nodes').where('id', '=', 'nobody').execute())
          .then(
            () => true,
            () => false,
          )
        if (isFree) return
        node.signal('SIGCONT')
        await Bun.sleep(100)
      }
    },
    async remove(node, id) {
      const answer = await fetch(`${node.url}/v1/organization/projects/${first!.project_id}/api_keys/${id}`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${first!.admin_key}` },
      })
      if (!answer.ok) throw new Error(`DELETE answered ${answer.status}: ${await answer.text()}`)
      await answer.arrayBuffer()
    },
    async stop() {
      for (const { signal } of started) signal('SIGKILL')
      await Promise.all(started.map(({ ended }) => ended))
      await database.close()
      await drop()
      home.remove()
    },
  }
}

/** Keys of a new service account, put into the database directly: there are many. */
export async function addKeys(
  database: Database,
  { organization_id, project_id }: Pick<Tenant, 'organization_id' | 'project_id'>,
  count: number,
): Promise<{ id: string; value: string }[]> {
  const created_at = seconds(realWorld)
  const owner_id = newId('user-', realWorld)
  const keys = Array.from({ length: count }, () => ({
    id: newId('key_', realWorld),
    value: makeKey('service_account', realWorld.random, testPepper),
  }))
  await database.write(async (sql) => {
    await sql
      .insertInto('service_accounts')
      .values({ organization_id, project_id, id: owner_id, name: 'many keys', role: 'member', created_at })
      .execute()
    for (let start = 0; start < count; start += 100)
      await sql
        .insertInto('api_keys')
        .values(
          keys.slice(start, start + 100).map(({ id, value }) =>
            withMac(testPepper, 'api_keys', {
              organization_id,
              project_id,
              id,
              owner_type: 'service_account' as const,
              owner_id,
              name: id,
              digest: digest(testPepper, value),
              redacted_value: redact(value),
              scopes: '[]',
              created_at,
            }),
          ),
        )
        .execute()
  })
  return keys
}
