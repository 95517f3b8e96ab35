/** What holds for every error that `contract/errors.ts` has a word for. */
import { expect, test } from 'bun:test'
import * as errors from '../../contract/errors.ts'

const words = Object.entries(errors).filter(([name, word]) => typeof word === 'function' && name !== 'ApiError') as [
  string,
  (...args: string[]) => errors.ApiError,
][]

test('an error of the server says so in its type, and no other does', () => {
  const types = words.map(([name, word]) => {
    const error = word('storage_unreachable', 'x', 'x')
    expect(error, name).toBeInstanceOf(errors.ApiError)
    return [name, error.status >= 500, error.type === 'server_error'] as const
  })
  expect(types.filter(([, isOurs]) => isOurs).length).toBeGreaterThan(5)
  expect(types.filter(([, isOurs, saysSo]) => isOurs !== saysSo)).toEqual([])
})

test('a conflict, and a change whose outcome is not known, are not to be sent again', () => {
  const final = words.filter(([, word]) => !word('x', 'x', 'x').retry).map(([name]) => name)
  expect(final).toEqual(['conflict', 'outcomeUnknown'])
})
