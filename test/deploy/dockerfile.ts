/** Reads a Dockerfile, as far as ours goes: instructions, stages, and the words of each. */
export interface Instruction {
  /** In capitals: `COPY`. */
  name: string
  /** Its options: `--from=build` is `{ from: 'build' }`. */
  options: Record<string, string>
  /** What stands behind the name and the options. */
  rest: string
}

export interface Stage {
  /** What it begins with, with the defaults of arguments put in. */
  from: string
  name: string | null
  instructions: Instruction[]
}

/**
 * The stages in their order. Throws for an instruction before the first `FROM` that is no `ARG`.
 */
export function stagesOf(dockerfile: string): Stage[] {
  const defaults: Record<string, string> = {}
  const stages: Stage[] = []
  for (const instruction of instructionsOf(dockerfile)) {
    const { name, rest } = instruction
    if (name === 'FROM') {
      const [image, as, stage] = rest.split(/\s+/)
      const from = image!.replaceAll(/\$\{(\w+)\}/g, (_, argument: string) => defaults[argument] ?? '')
      stages.push({ from, name: as?.toUpperCase() === 'AS' ? stage! : null, instructions: [] })
    } else if (stages.length > 0) stages.at(-1)!.instructions.push(instruction)
    else if (name === 'ARG') {
      const [argument, value = ''] = rest.split('=')
      defaults[argument!] = value
    } else throw new Error(`${name} stands before the first FROM.`)
  }
  return stages
}

function instructionsOf(dockerfile: string): Instruction[] {
  const lines = dockerfile
    .split('\n')
    .filter((line) => !/^\s*(#|$)/.test(line))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
  return lines.map((line) => {
    const [, name, options, rest] = /^\s*(\w+)((?:\s+--[\w-]+=\S+)*)\s*(.*)$/.exec(line)!
    const pairs = [...options!.matchAll(/--([\w-]+)=(\S+)/g)].map(([, option, value]) => [option!, value!] as const)
    return { name: name!.toUpperCase(), options: Object.fromEntries(pairs), rest: rest!.trim() }
  })
}

/** The instructions of a stage with this name. */
export const all = ({ instructions }: Stage, name: string) => instructions.filter((one) => one.name === name)

/** The one instruction of a stage with this name. Throws when there are none or several. */
export function only(stage: Stage, name: string): string {
  const found = all(stage, name)
  if (found.length !== 1) throw new Error(`The stage has ${found.length} times ${name}, and must have it once.`)
  return found[0]!.rest
}

/**
 * A command in the form that needs no shell, which an image without one must use. Throws otherwise.
 */
export const execForm = (text: string): string[] => JSON.parse(text.replace(/^CMD\s+/, '')) as string[]

/** Whether a file is left out of the context of a build. */
export function ignoredBy(dockerignore: string): (path: string) => boolean {
  const globs = dockerignore
    .split('\n')
    .filter((line) => !/^\s*(#|$)/.test(line))
    .map((pattern) => new Bun.Glob(pattern))
  return (path) => {
    const parts = path.split('/')
    return parts.some((_, index) => globs.some((glob) => glob.match(parts.slice(0, index + 1).join('/'))))
  }
}
