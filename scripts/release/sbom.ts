/** The software bill of materials: what npm says of package-lock.json, without chance and clock. */
import { createHash } from 'node:crypto'
import { run } from './commands.ts'
import { releasedPackages } from './lock-file.ts'

/** CycloneDX as JSON. The time is that of the commit. */
export function cyclonedx(seconds: number): string {
  const flags = ['--package-lock-only', '--sbom-format=cyclonedx', '--sbom-type=application']
  const bom = JSON.parse(run(['npm', 'sbom', ...flags])) as Bom
  // npm takes the name from the folder, and has its own version among the tools.
  bom.metadata.component.name = 'keyhall'
  bom.metadata.timestamp = new Date(seconds * 1000).toISOString()
  bom.metadata.tools = [{ vendor: 'npm', name: 'cli' }]
  withoutDevelopment(bom)
  delete bom.serialNumber
  const serialNumber = `urn:uuid:${uuidOf(JSON.stringify(bom))}`
  return `${JSON.stringify({ ...bom, serialNumber }, null, 2)}\n`
}

interface Component {
  'bom-ref': string
  scope?: string
  properties?: { name: string }[]
}

interface Bom {
  serialNumber?: string
  metadata: { timestamp: string; tools: object[]; component: Component & { name: string } }
  components: Component[]
  dependencies: { ref: string; dependsOn: string[] }[]
}

/**
 * Leaves what is released. npm can leave out development too, but then drops every package on which
 * one for development depends, although Keyhall does as well.
 */
function withoutDevelopment(bom: Bom) {
  const released = new Set(releasedPackages().map(({ name, version }) => `${name}@${version}`))
  const kept = new Set([bom.metadata.component['bom-ref'], ...released])
  bom.components = bom.components.filter((component) => released.has(component['bom-ref']))
  for (const component of [bom.metadata.component, ...bom.components]) {
    // What npm takes for development is in the console, or it would not be here.
    if (component.properties?.some(({ name }) => name === 'cdx:npm:package:development')) component.scope = 'required'
    // Other versions of npm have other properties.
    delete component.properties
  }
  bom.dependencies = bom.dependencies
    .filter(({ ref }) => kept.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((other) => kept.has(other)) }))
  if (bom.components.length !== released.size)
    throw new Error(`npm sbom names ${bom.components.length} of the ${released.size} packages that are released.`)
}

/** A UUID of version 8, which follows from a text. */
function uuidOf(text: string) {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x80
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
