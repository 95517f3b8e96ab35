/** Turns many small reads into few larger ones. */

const CONCURRENT_READS = 4

interface PendingRead<Key, Row> {
  key: Key
  resolve: (row: Row | undefined) => void
  reject: (error: unknown) => void
}

/**
 * A key is read at once while fewer than four reads are running. Otherwise it waits, and the next
 * read takes all keys that wait. `readAll` gets at most `most` keys and answers in their order.
 */
export function batchReads<Key, Row>(readAll: (keys: Key[]) => Promise<(Row | undefined)[]>, most: number) {
  const pending: PendingRead<Key, Row>[] = []
  let running = 0

  async function read() {
    running++
    while (pending.length > 0) {
      const batch = pending.splice(0, most)
      try {
        const rows = await readAll(batch.map(({ key }) => key))
        batch.forEach(({ resolve }, index) => resolve(rows[index]))
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    running--
  }

  return (key: Key) =>
    new Promise<Row | undefined>((resolve, reject) => {
      pending.push({ key, resolve, reject })
      if (running < CONCURRENT_READS) void read()
    })
}
