/**
 * Most events of a stream are passed on without being looked at one by one. What the client sees
 * and what is counted is the same as if each had been looked at.
 */
import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { EventFilter } from '../../gateway/event-filter.ts'
import { AnswerMeter } from '../../gateway/meter/answer-meter.ts'
import { endpointOf } from '../../gateway/meter/endpoints.ts'
import { runs } from '../runs.ts'

const event = fc
  .tuple(
    fc.constantFrom(
      'data: {"choices":[{"delta":{"content":"Hi \\"usage\\":{"}}]}',
      'data: {"choices":[{"delta":{"content":"x"}}],"usage":null}',
      'data: {"choices":[{"delta":{"content":"y"}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}',
      'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":9}}',
      'data: {"choices":[],\ndata: "usage" : {"prompt_tokens":5,"completion_tokens":6}}',
      'data: {"type":"response.created","response":{"id":"resp_1","usage":null}}',
      'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"z"}',
      'data: {"type":"response.completed","response":{"usage":{"input_tokens":3,"output_tokens":4}}}',
      `data: {"choices":[{"delta":{"content":"${'long '.repeat(15_000)}"}}]}`,
      ': a comment',
      'data: [DONE]',
    ),
    // More than one empty line could belong to either event.
    fc.constantFrom('\n\n', '\r\n\r\n', '\n\r\n'),
  )
  .map((parts) => parts.join(''))

/** A stream as it comes: whole or not at its end, cut at these places. */
const streams = fc
  .record({
    events: fc.array(event, { maxLength: 12 }),
    end: fc.constantFrom('', '', 'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}'),
    cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 }),
  })
  .map(({ events, end, cuts }) => {
    const bytes = Buffer.from(events.join('') + end)
    const places = [0, ...cuts.map((part) => Math.floor(part * bytes.length)).toSorted((one, other) => one - other)]
    return places.map((place, n) => bytes.subarray(place, places[n + 1] ?? bytes.length))
  })

function through(pieces: readonly Buffer[], path: string, drops: boolean, skims: boolean) {
  const meter = new AnswerMeter(endpointOf('POST', path)!, drops)
  let looked = 0
  const filter = new EventFilter(
    (one) => {
      looked++
      return meter.event(one)
    },
    (part) => meter.piece(part),
    skims
      ? { next: (events, from) => meter.nextEvent(events, from), onEvents: (events) => meter.events(events) }
      : null,
  )
  // As in a server, where the memory of a piece is used again for the next one.
  const passed = pieces.map((piece) => {
    const own = new Uint8Array(piece)
    const going = Buffer.from(filter.take(own)).toString('latin1')
    own.fill(0)
    return going
  })
  const rest = Buffer.from(filter.end() ?? []).toString('latin1')
  const { reported, id, bytes, unreported } = meter
  return { looked, seen: { passed: passed.join('') + rest, reported, id, bytes, unreported } }
}

test('a stream that is skimmed is passed on and counted as one whose events are all looked at', () => {
  let saved = 0
  fc.assert(
    fc.property(
      streams,
      fc.constantFrom('/chat/completions', '/responses', '/completions'),
      fc.boolean(),
      (pieces, path, drops) => {
        const all = through(pieces, path, drops, false)
        const skimmed = through(pieces, path, drops, true)
        expect(skimmed.seen).toEqual(all.seen)
        saved += all.looked - skimmed.looked
      },
    ),
    runs(300),
  )
  // Else nothing was skimmed.
  expect(saved).toBeGreaterThan(300)
})

test('what comes before an event with usage, and after it, is passed on without a look', () => {
  const delta = 'data: {"choices":[{"delta":{"content":"x"}}],"usage":null}\n\n'
  const usage = 'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":9}}\n\n'
  const { looked, seen } = through(
    [Buffer.from(delta.repeat(40) + usage + delta.repeat(10))],
    '/chat/completions',
    true,
    true,
  )
  expect(looked).toBe(1)
  expect(seen.passed).toBe(delta.repeat(50))
  expect(seen.reported?.counts).toMatchObject({ input: 7, output: 9 })
  expect(seen.unreported).toMatchObject({ text: 'x'.repeat(50), events: 50 })
})

test('an event goes on when its end has come, wherever that was cut', () => {
  for (const end of ['\n\n', '\r\n\r\n']) {
    const event = `data: {"choices":[]}${end}`
    for (let cut = 1; cut < event.length; cut++) {
      const filter = new EventFilter(
        () => true,
        () => {},
        { next: () => -1, onEvents: () => {} },
      )
      const passed = [event.slice(0, cut), event.slice(cut)].map((piece) =>
        Buffer.from(filter.take(Buffer.from(piece))),
      )
      expect(passed.map(String)).toEqual(['', event])
    }
  }
})
