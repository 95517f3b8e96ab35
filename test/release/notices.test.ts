/** The licences of what a release holds besides our own code. */
import { expect, test } from 'bun:test'
import { releasedPackages } from '../../scripts/release/lock-file.ts'
import { thirdPartyNotices } from '../../scripts/release/notices.ts'

test('every package that is released is named with its version and the text of its licence', () => {
  const [, ...parts] = thirdPartyNotices().split(`\n\n${'-'.repeat(72)}\n\n`)
  const named = releasedPackages().filter(({ path }) => !path.includes('@oven/'))
  expect(parts.map((part) => part.split(' (')[0])).toEqual(named.map(({ name, version }) => `${name} ${version}`))
  for (const part of parts) expect(part).toMatch(/copyright|unlicense/i)
  // These have their licence only above their code.
  const of = (name: string) => parts.find((part) => part.startsWith(`${name} `))
  expect(of('@bufbuild/cel')).toContain('Licensed under the Apache License, Version 2.0')
  expect(of('@bufbuild/protobuf')).toContain('Copyright 2008 Google Inc.')
})
