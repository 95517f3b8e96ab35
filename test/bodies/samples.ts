/** Numbers from /metrics. */

/** The sum of the samples of one name whose labels match. */
export async function sample(url: string, name: string, labels = /(?:)/): Promise<number> {
  const lines = (await (await fetch(`${url}/metrics`)).text()).split('\n')
  return lines
    .filter((line) => line.startsWith(`${name} `) || (line.startsWith(`${name}{`) && labels.test(line)))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}
