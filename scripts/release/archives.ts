/** Archives whose bytes follow from their files alone: tar.gz (POSIX ustar), and zip. */

export interface ArchivedFile {
  path: string
  content: Uint8Array<ArrayBuffer>
  isExecutable?: boolean
}

const BLOCK = 512
const LEVEL = 9
// Another library of Bun compresses differently on different processors.
const compression = { library: 'libdeflate', level: LEVEL } as const

const modeOf = ({ isExecutable = false }: ArchivedFile) => (isExecutable ? 0o755 : 0o644)

/** Every file gets the same time, in seconds since 1970. */
export function tarGz(files: readonly ArchivedFile[], seconds: number): Uint8Array<ArrayBuffer> {
  const parts = files.flatMap((file) => [
    tarHeader(file, seconds),
    file.content,
    new Uint8Array((BLOCK - (file.content.length % BLOCK)) % BLOCK),
  ])
  const packed = Bun.gzipSync(Buffer.concat([...parts, new Uint8Array(2 * BLOCK)]), compression)
  packed[9] = 255 // the operating system: unknown
  return packed
}

function tarHeader(file: ArchivedFile, seconds: number) {
  const header = Buffer.alloc(BLOCK)
  if (Buffer.byteLength(file.path) > 100) throw new Error(`${file.path} is too long a name for a tar archive.`)
  const octal = (value: number, length: number, offset: number) =>
    header.write(value.toString(8).padStart(length - 1, '0'), offset)
  header.write(file.path, 0)
  octal(modeOf(file), 8, 100)
  octal(0, 8, 108) // user
  octal(0, 8, 116) // group
  octal(file.content.length, 12, 124)
  octal(seconds, 12, 136)
  header.fill(' ', 148, 156) // the checksum counts itself as spaces
  header.write('0', 156) // an ordinary file
  header.write('ustar\x0000', 257)
  const sum = header.reduce((sum, byte) => sum + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

/** Every file gets the same time, in seconds since 1970, as UTC: a zip has no time zone. */
export function zip(files: readonly ArchivedFile[], seconds: number): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = []
  const directory: Uint8Array[] = []
  let offset = 0
  for (const file of files) {
    const packed = Bun.deflateSync(file.content, compression)
    const name = Buffer.from(file.path)
    const common = zipFields(file, packed.length, name.length, seconds)
    const local = Buffer.concat([numbers([4, 0x04034b50]), common, name, packed])
    const attributes = ((0o100000 | modeOf(file)) << 16) >>> 0
    const place = numbers([2, 0], [2, 0], [2, 0], [4, attributes], [4, offset])
    // 3 << 8: made on Unix, so that the mode counts.
    directory.push(Buffer.concat([numbers([4, 0x02014b50], [2, (3 << 8) | 20]), common, place, name]))
    parts.push(local)
    offset += local.length
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0)
  const count = files.length
  const end = numbers([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, size], [4, offset], [2, 0])
  return Buffer.concat([...parts, ...directory, end])
}

/** What stands in front of a file and in the directory alike. */
function zipFields({ content }: ArchivedFile, packedSize: number, nameLength: number, seconds: number) {
  const at = new Date(seconds * 1000)
  const time = (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1)
  const date = ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate()
  return numbers(
    [2, 20], // version of the format
    [2, 0x0800], // names are UTF-8
    [2, 8], // deflate
    [2, time],
    [2, date],
    [4, Bun.hash.crc32(content)],
    [4, packedSize],
    [4, content.length],
    [2, nameLength],
    [2, 0],
  )
}

/** Numbers in little-endian order, each as many bytes as stand before it. */
function numbers(...fields: [bytes: number, value: number][]) {
  const buffer = Buffer.alloc(fields.reduce((sum, [bytes]) => sum + bytes, 0))
  let offset = 0
  for (const [bytes, value] of fields) offset = buffer.writeUIntLE(value, offset, bytes)
  return buffer
}
