/**
 * Forms while they are read: in memory as long as they are small, else in a file that has no name,
 * so that nothing of it stays behind, however the process ends. The upstream is asked when a form
 * is complete: so its model is known wherever it stands, another upstream can be tried, and a slow
 * client keeps no upstream waiting.
 */
import { statfsSync } from 'node:fs'
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { noRoomForUpload } from '../contract/errors.ts'

const IN_MEMORY = 256 * 1024
const PIECE = 64 * 1024
/** Of the disk, for everything else that lives on it, such as the database. */
const KEPT_FREE = 1 / 20
/** The disk is asked again after so many bytes, however many uploads wrote them. */
const BYTES_BETWEEN_LOOKS = 16 * 1024 * 1024

/** The bytes of a disk that can be written, and all that it has. */
export interface Disk {
  free: number
  total: number
}

/**
 * All uploads of one gateway. Together they leave a twentieth of the disk of the temporary folder
 * free.
 */
export class Uploads {
  readonly #disk: () => Disk
  #inFiles = 0
  /** What may still be written before the disk is asked again. */
  #allowed = 0

  constructor(disk: () => Disk = temporaryDisk) {
    this.#disk = disk
  }

  /** How many bytes lie in files at the moment. */
  get inFiles() {
    return this.#inFiles
  }

  begin(): Upload {
    return new Upload((bytes) => {
      if (bytes > 0) this.#allow(bytes)
      this.#inFiles += bytes
    })
  }

  #allow(bytes: number) {
    if (bytes > this.#allowed) {
      const { free, total } = this.#disk()
      const room = free - total * KEPT_FREE
      if (bytes > room) throw noRoomForUpload(`the disk of the temporary folder has ${free} of ${total} bytes left`)
      this.#allowed = Math.min(room, Math.max(bytes, BYTES_BETWEEN_LOOKS))
    }
    this.#allowed -= bytes
  }
}

function temporaryDisk(): Disk {
  const { bavail, blocks, bsize } = statfsSync(tmpdir())
  return { free: bavail * bsize, total: blocks * bsize }
}

export class Upload {
  readonly #take: (bytes: number) => void
  #held: Uint8Array[] = []
  #file: FileHandle | null = null
  #inFile = 0
  /** Of the bytes that all uploads may have in files. */
  #taken = 0
  #isClosed = false
  size = 0

  /** `take` counts bytes in files, and throws where there is no room for more. */
  constructor(take: (bytes: number) => void) {
    this.#take = take
  }

  /** Adds a piece. Throws 503 when there is no room for it. */
  async add(piece: Uint8Array) {
    this.size += piece.length
    this.#held.push(piece)
    if (this.size <= IN_MEMORY) return
    const missing = this.size - this.#taken
    this.#take(missing)
    this.#taken += missing
    try {
      this.#file ??= await openUnnamed()
      for (const held of this.#held) {
        for (let at = 0; at < held.length;)
          at += (await this.#file.write(held, at, held.length - at, this.#inFile + at)).bytesWritten
        this.#inFile += held.length
      }
    } catch (error) {
      throw noRoomForUpload(error)
    }
    this.#held = []
  }

  /** Whether what was added lies in a file, and no longer in memory. */
  get isInFile() {
    return this.#file !== null
  }

  /** What was added: bytes, or a way to read them as often as it is called. */
  get content(): Uint8Array<ArrayBuffer> | (() => ReadableStream<Uint8Array>) {
    return this.#file ? () => this.#read() : new Uint8Array(Buffer.concat(this.#held))
  }

  #read() {
    let at = 0
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          // The call is over; whoever still reads gets no more.
          if (this.#isClosed) return controller.error(new Error('the request is over'))
          const { bytesRead, buffer } = await this.#file!.read(Buffer.allocUnsafe(PIECE), 0, PIECE, at)
          at += bytesRead
          if (bytesRead > 0) controller.enqueue(buffer.subarray(0, bytesRead))
          if (at >= this.#inFile || bytesRead === 0) controller.close()
        },
      },
      { highWaterMark: 0 },
    )
  }

  /** Lets go of what is held. */
  close() {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#held = []
    this.#take(-this.#taken)
    void this.#file?.close().catch(() => {})
  }
}

/** A new file that has lost its name already: it is gone when it is closed. */
async function openUnnamed(): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'keyhall-upload-'))
  try {
    return await open(join(folder, 'form'), 'wx+', 0o600)
  } finally {
    await rm(folder, { recursive: true })
  }
}
