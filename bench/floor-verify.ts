/**
 * The least that can say whose a key is: a bare `Bun.serve` that digests the token as Keyhall does,
 * looks it up in a map, and answers the same headers. No format, no checksum, no expiry, no lease,
 * no time of last use, nothing counted, nothing logged.
 */
import { Database as Sqlite } from 'bun:sqlite'
import { createHmac } from 'node:crypto'

const sqlite = new Sqlite(process.env.FLOOR_DATABASE, { readonly: true })
const pepper = Buffer.from(process.env.FLOOR_PEPPER!, 'hex')
const keys = new Map<string, Record<string, string>>()
for (const row of sqlite.prepare<Record<string, any>, []>('select * from api_keys').iterate())
  keys.set(Buffer.from(row.digest).toString('base64'), {
    'x-keyhall-organization-id': row.organization_id,
    'x-keyhall-project-id': row.project_id,
    'x-keyhall-key-id': row.id,
    'x-keyhall-owner-type': row.owner_type,
    'x-keyhall-owner-id': row.owner_id,
    'x-keyhall-scopes': process.env.FLOOR_SCOPES!,
  })
sqlite.close()

let asked = 0
const body = JSON.stringify({ status: 'ok' })

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  development: false,
  fetch(request) {
    const token = request.headers.get('authorization')!.slice('Bearer '.length)
    const key = keys.get(createHmac('sha256', pepper).update(`key:v1\0${token}`).digest('base64'))
    if (!key) return new Response(null, { status: 401 })
    return new Response(body, {
      headers: {
        'content-type': 'application/json',
        'x-request-id': `req_${(++asked).toString(16).padStart(32, '0')}`,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'openai-version': '2020-10-01',
        'openai-processing-ms': '0',
        ...key,
      },
    })
  },
})
console.log(`http://127.0.0.1:${server.port}`)
process.once('SIGTERM', () => process.exit(0))
