/** Addresses and CIDRs: their one form, what is refused, and which addresses are in them. */
import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { BlockList } from 'node:net'
import { canonicalNetwork, NotANetwork, Networks, placeOf } from '../../world/networks.ts'
import { runs } from '../runs.ts'

describe('networks', () => {
  const forms: Record<string, string> = {
    '192.0.2.1': '192.0.2.1',
    '192.0.2.1/32': '192.0.2.1',
    '10.0.0.0/8': '10.0.0.0/8',
    '0.0.0.0/0': '0.0.0.0/0',
    '2001:DB8::1': '2001:db8::1',
    '2001:db8:0:0:0:0:0:1/128': '2001:db8::1',
    '2001:0db8::/32': '2001:db8::/32',
    '::/0': '::/0',
    '::1': '::1',
    '::ffff:192.0.2.1': '192.0.2.1',
    '::ffff:c000:201': '192.0.2.1',
    '::FFFF:10.0.0.0/104': '10.0.0.0/8',
    '0:0:0:0:0:ffff:0:0/96': '0.0.0.0/0',
    '1::192.0.2.1': '1::c000:201',
  }
  test('have one form', () => {
    for (const [given, form] of Object.entries(forms)) {
      expect([given, canonicalNetwork(given)]).toEqual([given, form])
      expect(canonicalNetwork(form)).toBe(form)
    }
  })

  const places: Record<string, string> = {
    '192.0.2.1': '192.0.2.1',
    '::ffff:192.0.2.1': '192.0.2.1',
    '2001:DB8:0:1::7': '2001:db8:0:1::/64',
    '2001:db8:0:1:ffff:ffff:ffff:ffff': '2001:db8:0:1::/64',
    'fe80::1%eth0': 'fe80::/64',
    '::1': '::/64',
    'no address': 'no address',
  }
  test('are the places that clients are counted by', () => {
    for (const [address, place] of Object.entries(places)) expect([address, placeOf(address)]).toEqual([address, place])
    expect(placeOf(null)).toBe('')
  })

  // Separated by `|`, because some are blank.
  const wrong = `| |10|10.0.0|10.0.0.256|010.0.0.1|0x7f.0.0.1|10.0.0.0/33|10.0.0.0/|10.0.0.0/08|10.0.0.0/-1|10.0.0.0/+8
|10.0.0.0/8/8|10.0.0.0/8 | 10.0.0.1|10.0.0.0/255.0.0.0|/8|::/129|:::|1::2::3|2001:db8::g|fe80::1%eth0|[::1]
|::ffff:0:0/95|localhost|*|10.0.0.1-10.0.0.9|10.0.0.0/1e1|١.0.0.1|10.0.0.0/٨`
  test('are nothing else', () => {
    for (const text of wrong.split('|'))
      expect([text, thrown(() => canonicalNetwork(text))]).toEqual([text, NotANetwork])
  })

  test('have no bits behind their prefix, and the message says which network was meant', () => {
    for (const [given, meant] of [
      ['10.1.2.3/8', '10.0.0.0/8'],
      ['192.0.2.1/31', '192.0.2.0/31'],
      ['1.2.3.4/0', '0.0.0.0/0'],
      ['2001:db8::1/64', '2001:db8::/64'],
      ['2001:db8:8000::/33', null],
      ['2001:db8:4000::/33', '2001:db8::/33'],
    ] as const) {
      const message = messageOf(() => canonicalNetwork(given))
      expect([given, message]).toEqual([given, meant && `has bits behind its prefix; the network is ${meant}`])
    }
  })

  test('have the addresses in them, in whatever spelling, and no other', () => {
    const networks = new Networks(['10.0.0.0/8', '192.0.2.1', '2001:db8::/33', '::1'])
    for (const address of ['10.0.0.0', '10.255.255.255', '::ffff:10.1.2.3', '::FFFF:0a01:0203', '192.0.2.1'])
      expect([address, networks.has(address)]).toEqual([address, true])
    for (const address of ['2001:db8::', '2001:DB8:7fff:ffff::1', '0:0:0:0:0:0:0:1'])
      expect([address, networks.has(address)]).toEqual([address, true])
    for (const address of ['9.255.255.255', '11.0.0.0', '192.0.2.2', '2001:db8:8000::', '::2', '::10.0.0.1', '::a00:1'])
      expect([address, networks.has(address)]).toEqual([address, false])
    for (const address of [null, '', 'unknown', '10.0.0', '10.0.0.1%eth0', '::1%lo', '10.0.0.1/8', '10.0.0.1:80'])
      expect([address, networks.has(address)]).toEqual([address, false])
    // All of IPv6 is not all of IPv4.
    expect(new Networks(['::/0']).has('::ffff:192.0.2.1')).toBe(false)
    expect(new Networks(['0.0.0.0/0']).has('::ffff:192.0.2.1')).toBe(true)
    expect(new Networks([]).has('192.0.2.1')).toBe(false)
  })

  test('end where those of Node end: with each prefix, one bit away', () => {
    const bytes = (size: number) => fc.array(fc.nat({ max: 255 }), { minLength: size, maxLength: size })
    fc.assert(
      fc.property(fc.oneof(bytes(4), bytes(16)), fc.nat(), fc.nat(), (network, prefix, flipped) => {
        const [most, family] = network.length === 4 ? ([32, 'ipv4'] as const) : ([128, 'ipv6'] as const)
        const [bits, bit] = [prefix % (most + 1), flipped % most]
        const address = text(network.map((byte, n) => (n === bit >> 3 ? byte ^ (0x80 >> (bit & 7)) : byte)))
        const list = new BlockList()
        list.addSubnet(text(network), bits, family)
        const networks = new Networks([meantBy(`${text(network)}/${bits}`)])
        expect(networks.has(text(network))).toBe(true)
        expect(networks.has(address)).toBe(list.check(address, family))
        expect(networks.has(address)).toBe(bit >= bits)
      }),
      runs(200),
    )
  })
})

const text = (bytes: readonly number[]) =>
  bytes.length === 4
    ? bytes.join('.')
    : Array.from({ length: 8 }, (_, n) => ((bytes[2 * n]! << 8) | bytes[2 * n + 1]!).toString(16)).join(':')

/** A network with all bits behind its prefix cleared. */
function meantBy(cidr: string): string {
  const message = messageOf(() => canonicalNetwork(cidr))
  return message === null ? canonicalNetwork(cidr) : message.split(' ').at(-1)!
}

function messageOf(run: () => unknown): string | null {
  try {
    run()
    return null
  } catch (error) {
    return (error as Error).message
  }
}

const thrown = (run: () => unknown) => {
  try {
    return run()
  } catch (error) {
    return (error as object).constructor
  }
}
