/**
 * Text from others, made safe for a terminal: control characters and those that change the
 * direction of reading are replaced.
 */

// oxlint-disable-next-line no-control-regex -- control characters are what it is about
const steering = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

export const printable = (text: string) => text.replace(steering, '\ufffd')

/** JSON with the same characters as escapes, so that it parses to the same value. */
export const printableJson = (value: unknown, indent?: number) =>
  JSON.stringify(value, null, indent).replace(steering, (character) =>
    character === '\n' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
