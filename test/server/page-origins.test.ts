/** Where pages of the server have their origin, as far as requests show it. */
import { expect, test } from 'bun:test'
import { pageOrigins } from '../../server/page-origins.ts'

const plain = { public_url: null, trusted_proxies: 0, hasTls: false }

const origins = (where: Partial<typeof plain> | { public_url: string }, headers: Record<string, string>) =>
  pageOrigins({ ...plain, ...where })(new Request('http://any.test/', { headers }))

test('http is for this machine only', () => {
  for (const host of ['127.0.0.1:4100', 'localhost:4100', '[::1]:4100', '127.1.2.3'])
    expect(origins({}, { host })).toEqual([`http://${host}`])
  for (const host of [
    'keys.example.com',
    '192.168.0.7:4100',
    'localhost.example.com',
    '127.0.0.1.example.com',
    '10.127.0.1',
  ])
    expect([host, origins({}, { host })]).toEqual([host, []])
})

test('no header of a client makes a host out of what is none', () => {
  for (const host of ['a/b', 'user@127.0.0.1', '127.0.0.1/', 'a b', '', '[::1', '%31'])
    expect([host, origins({ hasTls: true }, { host })]).toEqual([host, []])
  const forwarded = { host: 'keys.example.com', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'keys.example.com' }
  expect(origins({}, forwarded)).toEqual([])
})

test('with TLS of its own the server has the origin that the Host header names', () => {
  expect(origins({ hasTls: true }, { host: 'keys.example.com' })).toEqual(['https://keys.example.com'])
  expect(origins({ hasTls: true }, { host: 'keys.example.com:443' })).toEqual(['https://keys.example.com'])
})

test('a trusted proxy says that it has TLS, and for which host', () => {
  const behind = (headers: Record<string, string>, trusted_proxies = 1) => origins({ trusted_proxies }, headers)
  const host = 'keyhall:4100'
  expect(behind({ host: 'keys.example.com', 'x-forwarded-proto': 'https' })).toEqual(['https://keys.example.com'])
  expect(behind({ host, 'x-forwarded-proto': 'https', 'x-forwarded-host': 'keys.example.com' })).toEqual([
    'https://keys.example.com',
    'https://keyhall:4100',
  ])
  expect(behind({ host, 'x-forwarded-proto': 'http', 'x-forwarded-host': 'keys.example.com' })).toEqual([])
  // What the client itself wrote stands before what the proxies added.
  expect(behind({ host, 'x-forwarded-proto': 'https, http' })).toEqual([])
  expect(behind({ host, 'x-forwarded-proto': 'http, https, http' }, 2)).toEqual(['https://keyhall:4100'])
})

test('the public address counts if it has https, and this machine beside it', () => {
  const public_url = 'https://keys.example.com/keyhall'
  expect(origins({ public_url }, { host: 'keyhall:4100' })).toEqual(['https://keys.example.com'])
  expect(origins({ public_url }, { host: '127.0.0.1:4100' })).toEqual([
    'https://keys.example.com',
    'http://127.0.0.1:4100',
  ])
  expect(origins({ public_url: 'http://keys.example.com' }, { host: 'keys.example.com' })).toEqual([])
})
