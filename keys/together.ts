/** Many small reads as few larger ones. */

const AT_ONCE = 4

interface Waiting<Key, Row> {
  key: Key
  resolve: (row: Row | undefined) => void
  reject: (error: unknown) => void
}

/**
 * Answers at once while fewer than four reads are under way; who comes then waits, and is read with all others that wait. `readAll` gets at
 * most `most` keys and answers in their order.
 */
export function together<Key, Row>(readAll: (keys: Key[]) => Promise<(Row | undefined)[]>, most: number) {
  const waiting: Waiting<Key, Row>[] = []
  let reading = 0

  async function read() {
    reading++
    while (waiting.length > 0) {
      const batch = waiting.splice(0, most)
      try {
        const rows = await readAll(batch.map(({ key }) => key))
        batch.forEach(({ resolve }, index) => resolve(rows[index]))
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    reading--
  }

  return (key: Key) =>
    new Promise<Row | undefined>((resolve, reject) => {
      waiting.push({ key, resolve, reject })
      if (reading < AT_ONCE) void read()
    })
}
