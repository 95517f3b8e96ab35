/**
 * Which models an upstream serves by the patterns that the operator wrote, and that a caller's
 * model cannot make them slow.
 */
import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { modelIn } from '../../gateway/scan-json.ts'
import { singleUpstream } from '../../gateway/upstream-config.ts'
import { Upstream } from '../../gateway/upstreams.ts'
import { realWorld } from '../../world/world.ts'
import { runs } from '../runs.ts'

const upstream = (...models: string[]) =>
  new Upstream({ ...singleUpstream('http://127.0.0.1:1/v1', null).upstreams[0]!, models }, realWorld)

test('a star is any characters, everything else is itself', () => {
  const text = (...characters: string[]) => fc.string({ unit: fc.constantFrom(...characters), maxLength: 8 })
  const like = (pattern: string) =>
    new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`, 's')
  fc.assert(
    fc.property(text('a', 'b', '*', '.', '\n'), text('a', 'b', '.', '\n'), (pattern, model) => {
      expect(upstream(pattern).serves(model)).toBe(like(pattern).test(model))
    }),
    {
      ...runs(2000),
      examples: [
        ['', ''],
        ['a*a', 'a'],
        ['*ab*b', 'ab'],
        ['a*ba*a', 'aba'],
        ['**', ''],
      ],
    },
  )
})

test('a pattern with many stars takes no longer for a long model name', () => {
  const began = performance.now()
  expect(upstream('*llama*instruct*', '*a*a*a*a*b').serves('llama'.repeat(50_000))).toBe(false)
  expect(performance.now() - began).toBeLessThan(200)
})

test('a model has 1,024 bytes at most', () => {
  const body = (model: string) => Buffer.from(JSON.stringify({ messages: [], model }))
  expect(modelIn(body('x'.repeat(1024)))).toBe('x'.repeat(1024))
  const refused = expect.objectContaining({ status: 400, param: 'model', code: 'string_above_max_length' })
  expect(() => modelIn(body('x'.repeat(1025)))).toThrow(refused)
  expect(() => modelIn(body('llama'.repeat(50_000)))).toThrow(refused)
  // Bytes, not characters.
  expect(() => modelIn(body('é'.repeat(513)))).toThrow(refused)
})
