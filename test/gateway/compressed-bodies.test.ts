/** Compressed bodies: what they become, how much memory they take, and what is refused of them. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { randomBytes } from 'node:crypto'
import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import * as fc from 'fast-check'
import { windowOf } from '../../gateway/zstd-frames.ts'
import { sample } from '../bodies/samples.ts'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { startGateway, until, type GatewayServer } from './setup.ts'
import { startUpstream, type FakeUpstream } from './upstream.ts'

const KiB = 1024
const MiB = 1024 * KiB
const compress = {
  gzip: (bytes: Uint8Array) => gzipSync(bytes),
  zstd: (bytes: Uint8Array) => zstdCompressSync(bytes),
} as const
const encodings = ['gzip', 'zstd'] as const

for (const engine of engines)
  describe(`a compressed body (${engine})`, () => {
    let upstream: FakeUpstream
    let server: GatewayServer
    beforeAll(async () => {
      upstream = startUpstream()
      server = await startGateway(
        engine,
        `upstreams: [{ name: near, base_url: "${upstream.url}" }]\nmodels: [{ match: none-a-day, limits: { requests_per_day: 0 } }]`,
        { KEYHALL_MAX_BODY: '1MiB', KEYHALL_BODY_MEMORY: '8MiB', KEYHALL_BODY_MEMORY_PER_KEY: '3700KiB' },
      )
    }, START_MILLISECONDS)
    afterAll(async () => {
      await server.stop()
      await upstream.stop()
    })

    async function send(body: Uint8Array | ReadableStream, encoding: string, headers: Record<string, string> = {}) {
      const before = upstream.sent.length
      const answer = await fetch(`${server.url}/v1/chat/completions`, {
        method: 'POST',
        body: body as BodyInit,
        headers: {
          authorization: `Bearer ${server.key}`,
          'content-type': 'application/json',
          'content-encoding': encoding,
          ...headers,
        },
      })
      const text = await answer.text()
      return { status: answer.status, text, headers: answer.headers, sent: upstream.sent.slice(before) }
    }
    const json = (more: string) => Buffer.from(JSON.stringify({ model: 'tiny', more }))
    const memory = () => sample(server.url, 'keyhall_body_memory_bytes')
    const nothingHeld = async () => {
      while ((await memory()) > 0) await Bun.sleep(10)
    }

    for (const [name, encoding] of [...encodings.map((one) => [one, one] as const), ['X-Gzip', 'gzip'] as const])
      test(`in ${name} reaches the upstream as it was before, without the header`, async () => {
        for (const [size, isChunked] of [
          [10, false],
          [10, true],
          [90_000, false],
          [MiB - 100, true],
        ] as const) {
          const plain = json(randomBytes(size / 2).toString('hex'))
          const body = compress[encoding](plain)
          const { status, sent } = await send(isChunked ? new Blob([body]).stream() : body, name)
          expect(status).toBe(200)
          expect(sent[0]!.headers['content-encoding']).toBeUndefined()
          expect(sent[0]!.headers['content-length']).toBe(String(plain.length))
          if (plain.length < 100_000) expect(sent[0]!.body).toBe(plain.toString())
        }
        await nothingHeld()
      })

    for (const encoding of encodings) {
      test(`in ${encoding} is under the limits of the model inside`, async () => {
        const body = compress[encoding](Buffer.from('{"model":"none-a-day","messages":[]}'))
        expect(await send(body, encoding)).toMatchObject({ status: 429, sent: [] })
        const twice = compress[encoding](Buffer.from('{"model":"tiny","model":"none-a-day"}'))
        expect(await send(twice, encoding)).toMatchObject({ status: 400, sent: [] })
      })

      test(`in ${encoding} that would become too large is a 413, and takes no more memory than it may`, async () => {
        const bomb = compress[encoding](Buffer.alloc(64 * MiB, 0x20))
        const largest = { bytes: 0, isOver: false }
        const watch = (async () => {
          while (!largest.isOver) {
            largest.bytes = Math.max(largest.bytes, await memory())
            await Bun.sleep(1)
          }
        })()
        for (let round = 0; round < 5; round++) {
          const answers = await Promise.all(Array.from({ length: 12 }, () => send(bomb, encoding)))
          for (const { status, sent } of answers) {
            // Several at once may find the memory for bodies full before they are too large.
            expect(status).toBeOneOf([413, 503])
            expect(sent).toEqual([])
          }
        }
        largest.isOver = true
        await watch
        expect(largest.bytes).toBeLessThanOrEqual(3700 * KiB)
        expect(await send(bomb, encoding)).toMatchObject({ status: 413, sent: [] })
        await nothingHeld()
      })

      test(`in ${encoding} is counted by what it becomes, in the share of its key`, async () => {
        const silent = compress[encoding](Buffer.from(JSON.stringify({ model: 'silent', more: 'x'.repeat(900 * KiB) })))
        const controllers = Array.from({ length: 3 }, () => new AbortController())
        const waiting: Promise<unknown>[] = []
        for (const { signal } of controllers) {
          const before = upstream.sent.length
          const headers = { authorization: `Bearer ${server.key}`, 'content-encoding': encoding }
          const url = `${server.url}/v1/chat/completions`
          waiting.push(fetch(url, { method: 'POST', body: silent, signal, headers }).catch(() => null))
          await until(() => upstream.sent.length > before)
        }
        // Nothing of what was compressed, and nothing for the decoders.
        expect(await memory()).toBe(3 * JSON.stringify({ model: 'silent', more: 'x'.repeat(900 * KiB) }).length)
        expect(await send(compress[encoding](json('x'.repeat(MiB - 100))), encoding)).toMatchObject({
          status: 503,
          sent: [],
        })
        for (const one of controllers) one.abort()
        await Promise.all(waiting)
        await nothingHeld()
      })

      test(`in ${encoding} that is cut off, followed by more, or something else is a 400`, async () => {
        const whole = compress[encoding](json('x'.repeat(1000)))
        for (const cut of [1, 4, 8, whole.length - 5]) {
          const refused = await send(whole.subarray(0, -cut), encoding)
          expect(refused).toMatchObject({ status: 400, sent: [] })
          expect(refused.text).toContain('could not decompress')
        }
        for (const body of [Buffer.concat([whole, Buffer.from('more')]), json('x'), Buffer.from('x')])
          expect(await send(body, encoding)).toMatchObject({ status: 400, sent: [] })
        // Two members are one content in both formats.
        const [first, second] = [json('x').subarray(0, 5), json('x').subarray(5)]
        const joined = Buffer.concat([compress[encoding](first), compress[encoding](second)])
        const { status, sent } = await send(joined, encoding)
        expect(status).toBe(200)
        expect(sent[0]!.body).toBe(json('x').toString())
        await nothingHeld()
      })
    }

    test('in any other encoding, or in several, is a 415 that says which may be', async () => {
      const gzip = compress.gzip(json('x'))
      for (const encoding of [
        'br',
        'deflate',
        'compress',
        'gzip, gzip',
        'identity, gzip',
        'gzip,identity',
        'zstd;q=1',
        'g zip',
      ]) {
        const refused = await send(gzip, encoding)
        expect(refused).toMatchObject({ status: 415, sent: [] })
        expect(refused.headers.get('accept-encoding')).toBe('gzip, zstd')
        expect(refused.text).toContain('"code":"unsupported_content_encoding"')
      }
    })

    test('of a form, or of what is not read, is a 415', async () => {
      for (const type of ['multipart/form-data; boundary=b', 'application/octet-stream']) {
        const answer = await fetch(`${server.url}/v1/files`, {
          method: 'POST',
          body: compress.gzip(Buffer.from('--b--\r\n')),
          headers: { authorization: `Bearer ${server.key}`, 'content-type': type, 'content-encoding': 'gzip' },
        })
        expect(answer.status).toBe(415)
      }
    })

    test('in zstd that asks for a large window is a 400, whatever it has', async () => {
      // A frame without a size, whose window is 16 MiB, and one that says that it has 16 MiB.
      const blocks = [0x01, 0x00, 0x00]
      for (const head of [
        [0x00, 14 << 3],
        [0xa0, 0x00, 0x00, 0x00, 0x01],
      ]) {
        const frame = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, ...head, ...blocks)
        expect(() => windowOf(frame)).toThrow('window is larger')
        expect(await send(frame, 'zstd')).toMatchObject({ status: 400, sent: [] })
      }
    })
  })

test('the frames of zstd are walked over to their end, however they were made', () => {
  const { ZSTD_c_compressionLevel, ZSTD_c_checksumFlag, ZSTD_c_contentSizeFlag } = constants
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300_000, size: 'max' }), { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      fc.constantFrom(0, 1),
      fc.constantFrom(0, 1),
      fc.integer({ min: 1, max: 12 }),
      (contents, isRepeated, checksum, size, level) => {
        const params = {
          [ZSTD_c_compressionLevel]: level,
          [ZSTD_c_checksumFlag]: checksum,
          [ZSTD_c_contentSizeFlag]: size,
        }
        const skipped = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])
        const frames = contents.map((bytes) =>
          zstdCompressSync(isRepeated ? Buffer.alloc(bytes.length, 7) : bytes, { params }),
        )
        const whole = new Uint8Array(Buffer.concat([skipped, ...frames]))
        expect(windowOf(whole)).toBeLessThanOrEqual(8 * MiB)
        for (const cut of [1, 2, 5]) expect(() => windowOf(whole.subarray(0, -cut))).toThrow(RangeError)
      },
    ),
    { numRuns: 100 },
  )
})
