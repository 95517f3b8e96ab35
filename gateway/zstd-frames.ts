/**
 * The frames of a body in zstd (RFC 8878), walked over without decompressing: Bun's decoder takes
 * the beginning of a frame for all of it, and reserves as much memory as a frame asks for.
 */

/** The most that a decoder on the web has to support (RFC 9659). */
const LARGEST_WINDOW = 8 * 1024 * 1024
const MAGIC = 0xfd2fb528
/** Frames that hold no content. */
const [SKIPPABLE, SKIPPABLE_MASK] = [0x184d2a50, 0xfffffff0]

/**
 * The memory that decompressing takes at most. Throws where the last frame is not whole, there is
 * none, or one needs a larger window than may be.
 */
export function windowOf(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let window = 0
  let at = 0
  do {
    const magic = view.getUint32(at, true)
    if ((magic & SKIPPABLE_MASK) >>> 0 === SKIPPABLE) {
      at += 8 + view.getUint32(at + 4, true)
    } else {
      if (magic !== MAGIC) throw new RangeError('no frame begins there')
      const head = headOf(view, at + 4)
      window = Math.max(window, head.window)
      if (window > LARGEST_WINDOW) throw new RangeError(`a window is larger than ${LARGEST_WINDOW} bytes`)
      at = afterBlocks(view, head.end) + (head.hasChecksum ? 4 : 0)
    }
  } while (at < bytes.length)
  if (at > bytes.length) throw new RangeError('the last frame is not whole')
  return window
}

function headOf(view: DataView, start: number) {
  const descriptor = view.getUint8(start)
  const isSingle = (descriptor & 0x20) !== 0
  const sizeFlag = descriptor >> 6
  const sizeBytes = sizeFlag === 0 ? Number(isSingle) : 1 << sizeFlag
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!
  const at = start + 1 + (isSingle ? 0 : 1) + dictionaryBytes
  const size = sizeBytes === 0 ? Infinity : sizeIn(view, at, sizeBytes)
  return {
    // A decoder holds no more than the whole content.
    window: isSingle ? size : Math.min(size, windowIn(view.getUint8(start + 1))),
    hasChecksum: (descriptor & 4) !== 0,
    end: at + sizeBytes,
  }
}

function windowIn(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3))
  return base + (base / 8) * (descriptor & 7)
}

/** The size of the content. */
function sizeIn(view: DataView, at: number, bytes: number): number {
  if (bytes === 1) return view.getUint8(at)
  if (bytes === 2) return view.getUint16(at, true) + 256
  return bytes === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true))
}

/** Throws RangeError where the bytes end before. */
function afterBlocks(view: DataView, start: number): number {
  let at = start
  for (;;) {
    const head = view.getUint16(at, true) | (view.getUint8(at + 2) << 16)
    const isRepeated = ((head >> 1) & 3) === 1
    at += 3 + (isRepeated ? 1 : head >> 3)
    if ((head & 1) === 1) return at
  }
}
