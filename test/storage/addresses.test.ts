/** Addresses of databases, as messages show them. */
import { expect, test } from 'bun:test'
import { withoutPassword } from '../../database/postgres-address.ts'

test.each([
  ['postgres://u:secret@h:5432/d', 'postgres://u@h:5432/d'],
  // The last "@" ends the password.
  ['postgres://u:p@secret@h:5432/d', 'postgres://u@h:5432/d'],
  ['postgres://u:secret@/d?host=/run/postgresql', 'postgres://u@localhost/d?host=/run/postgresql'],
  ['postgres://u@h/d?sslmode=require&password=secret', 'postgres://u@h/d?sslmode=require&password=***'],
  ['postgres://u@h/d?sslpassword=secret&sslmode=require', 'postgres://u@h/d?sslpassword=***&sslmode=require'],
  ['postgres://u@h/d?pass%77ord=secret', 'postgres://u@h/d?pass%77ord=***'],
  // A "/", "?" or "#" in a password must be encoded: without that it is taken for what follows.
  ['postgres://u:1/secret@h/d', 'postgres://…'],
  ['postgres://u:1?secret@h/d', 'postgres://…'],
  ['postgres://u:1#secret@h/d', 'postgres://…'],
  ['postgres://u:s/ecret@h/d', 'postgres://…'],
  ['sqlite:data/a@b.db', 'sqlite:data/a@b.db'],
])('%s is shown without its password', (address, shown) => {
  expect(withoutPassword(address)).toBe(shown)
})
