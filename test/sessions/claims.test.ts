/** What is read from the claims of issuers, in the forms that they have. */
import { expect, test } from 'bun:test'
import { lacksSomething, readClaims } from '../../admin/oidc/claims.ts'
import { oidcConfig } from '../../gateway/sign-in-config.ts'

const settings = (more: object = {}) => ({
  ...oidcConfig({ oidc: { issuer: 'https://id.example.com', client_id: 'keyhall' } })!,
  groups: [{ value: 'ml', group: 'ML team' }],
  ...more,
})

const read = (token: object, userinfo: object = {}, more: object = {}) =>
  readClaims('https://id.example.com', { sub: 'ann', ...token }, { ...userinfo }, settings(more))

test('groups are a list, one text, or a member of a member', () => {
  expect(read({ groups: ['ml', 7, null, 'ops'] }).groups).toEqual(['ml', 'ops'])
  expect(read({ groups: 'ml' }).groups).toEqual(['ml'])
  expect(read({}).groups).toEqual([])
  expect(read({ groups: { ml: true } }).groups).toEqual([])
  const claim = { groups_claim: 'realm_access.roles' }
  expect(read({ realm_access: { roles: ['ml'] } }, {}, claim).groups).toEqual(['ml'])
  expect(read({ 'realm_access.roles': ['ops'], realm_access: { roles: ['ml'] } }, {}, claim).groups).toEqual(['ops'])
  expect(read({}, {}, { groups_claim: '__proto__.constructor' }).groups).toEqual([])
})

test('refuses where Entra left groups out because there are too many', () => {
  for (const token of [{ _claim_names: { groups: 'src1' } }, { hasgroups: 'true' }])
    expect(() => read(token)).toThrow('left out "groups"')
})

test('an address is verified only where the place that says it says so', () => {
  const verified = (token: object, userinfo: object) => read(token, userinfo).email_verified
  expect(verified({ email: 'a@example.com', email_verified: 'true' }, {})).toBe(true)
  expect(verified({ email: 'a@example.com' }, { email: 'b@example.com', email_verified: true })).toBe(false)
  expect(verified({ email_verified: true }, { email: 'b@example.com' })).toBe(false)
})

test('an address is what could be invited', () => {
  expect(read({ email: 'Ann@example.com' }).email).toBe('Ann@example.com')
  for (const email of ['no address', 'ann@example.com, eve@evil.test', '<ann@example.com>', `${'a'.repeat(250)}@b.cd`])
    expect([email, read({ email }).email]).toEqual([email, null])
})

test('userinfo is asked for what the token lacks', () => {
  expect(lacksSomething({ sub: 'ann', email: 'a@example.com', groups: [] }, settings())).toBe(false)
  expect(lacksSomething({ sub: 'ann', email: 'a@example.com' }, settings())).toBe(true)
  expect(lacksSomething({ sub: 'ann', email: 'a@example.com' }, settings({ groups: [] }))).toBe(false)
  expect(lacksSomething({ sub: 'ann', groups: [] }, settings())).toBe(true)
})

test('a name is what the issuer says, or the beginning of the address', () => {
  expect(read({ name: ' Ann ', email: 'a@example.com' }).name).toBe('Ann')
  expect(read({ name: '', preferred_username: 'ann', email: 'a@example.com' }).name).toBe('ann')
  expect(read({ name: 'a\0b', email: 'a@example.com' }).name).toBe('a')
  expect(read({ name: '𐍈'.repeat(200) }).name).toHaveLength(255)
})
