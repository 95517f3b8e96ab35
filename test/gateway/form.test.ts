import { expect, test } from 'bun:test'
import { array, assert, integer, property, stringMatching } from 'fast-check'
import { FormScan } from '../../gateway/scan-form.ts'

const part = (name: string, value: string) =>
  `\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n--b`

/** What is found in a form that comes in pieces of these sizes, again and again. */
function modelOf(parts: string[], sizes: number[]) {
  const form = Buffer.from(`--b${parts.join('')}--\r\n`)
  const scan = new FormScan('b')
  for (let at = 0, n = 0; at < form.length; n++) {
    const end = at + sizes[n % sizes.length]!
    scan.feed(form.subarray(at, end))
    at = end
  }
  return scan.model
}
const sizes = array(integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 })
const text = stringMatching(/^[\r\n\-ab]{0,60}$/).filter((value) => !`\r\n${value}`.includes('\r\n--b'))

test('finds the model of a form however it is cut into pieces', () => {
  assert(
    property(sizes, text, text, (sizes, before, after) => {
      const file = part('file', before)
      expect(modelOf([file, part('model', 'whisper'), part('prompt', after)], sizes)).toBe('whisper')
      expect(modelOf([file, part('prompt', after)], sizes)).toBeNull()
    }),
  )
})

test('refuses a second model however late it comes', () => {
  assert(
    property(sizes, text, (sizes, between) => {
      const twice = [part('model', 'whisper'), part('file', between), part('model', 'other')]
      expect(() => modelOf(twice, sizes)).toThrow("The form names 'model' more than once.")
    }),
  )
})

test('allows a line break before the first delimiter; a file name is never a field', () => {
  const disposition = (value: string) => `\r\nContent-Disposition: form-data; ${value}\r\n\r\nx\r\n--b`
  const scanned = (form: string) => {
    const scan = new FormScan('b')
    for (const byte of Buffer.from(form)) scan.feed(Uint8Array.of(byte))
    return scan.model
  }
  const file = disposition('filename="rec; name=model"; name="file"')
  expect(scanned(`\r\n--b${file}${part('model', 'whisper')}--\r\n`)).toBe('whisper')
  expect(scanned(`--b${disposition('name=model')}--\r\n`)).toBe('x')
  expect(scanned(`--b${disposition('name="a"; filename="\\"; name=model; \\""')}--\r\n`)).toBeNull()
  for (const twice of ['name="file"; name="model"', 'name="file"\r\nContent-Disposition: form-data; name="model"'])
    expect(() => scanned(`--b${disposition(twice)}--\r\n`)).toThrow('multipart form')
})
