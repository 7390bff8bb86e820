import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { CHART } from '../../../helm/generated.ts'

/** An object of Kubernetes, as far as it matters here. */
export type Manifest = any

/** Files of values that the chart is checked with. */
export const CASES = readdirSync(join(CHART, 'ci'))

/** What helm makes of the chart with a file of ci/ and values set besides. */
export function render(file: string, ...more: readonly string[]): Manifest[] {
  const text = helm('template', 'rel', CHART, '--namespace', 'edge', '--values', join(CHART, 'ci', file), ...more)
  return parseAllDocuments(text)
    .map((document) => document.toJS())
    .filter((manifest) => manifest !== null)
}

/** @throws Error with what helm wrote to standard error */
export function helm(...args: readonly string[]): string {
  return execFileSync('helm', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 2 ** 26 })
}

/** Values set on the command line. */
export const set = (...values: readonly string[]): string[] => values.flatMap((value) => ['--set', value])

/** The one object of a kind, by the end of its name when there are several. */
export function only(manifests: readonly Manifest[], kind: string, suffix = ''): Manifest {
  const found = manifests.filter((manifest) => manifest.kind === kind && manifest.metadata.name.endsWith(suffix))
  if (found.length !== 1) throw new Error(`expected one ${kind} named *${suffix}, found ${found.length}`)
  return found[0]
}

/** Herdgate's own container. */
export const herdgate = (manifests: readonly Manifest[]): Manifest =>
  only(manifests, 'Deployment', 'herdgate').spec.template.spec.containers[0]

export const variable = (manifests: readonly Manifest[], name: string): Manifest =>
  herdgate(manifests).env.find((entry: Manifest) => entry.name === name)

/** Pods as they would be: those of Deployments, and those that stand alone. */
export function podsOf(manifests: readonly Manifest[]): Manifest[] {
  return manifests.flatMap((manifest) =>
    manifest.kind === 'Deployment' ? [manifest.spec.template] : manifest.kind === 'Pod' ? [manifest] : [],
  )
}

export const matches = (selector: Record<string, string>, { metadata }: Manifest): boolean =>
  Object.entries(selector).every(([label, value]) => metadata.labels?.[label] === value)
