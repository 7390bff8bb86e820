import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { CHART } from '../../../helm/generated.ts'

/** A Kubernetes object, untyped. */
export type Manifest = any

/** Value files that the chart is checked with. */
export const CASES = readdirSync(join(CHART, 'ci'))

/** Renders the chart with a file of ci/ and further arguments. */
export function render(file: string, ...more: readonly string[]): Manifest[] {
  const text = helm('template', 'rel', CHART, '--namespace', 'edge', '--values', join(CHART, 'ci', file), ...more)
  return parseAllDocuments(text)
    .map((document) => {
      if (document.errors.length > 0) throw new Error(`not valid YAML: ${document.errors.join('; ')}`)
      return document.toJS()
    })
    .filter((manifest) => manifest !== null)
}

/** @throws Error with helm's standard error */
export function helm(...args: readonly string[]): string {
  return execFileSync('helm', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 2 ** 26 })
}

/** Arguments that set values on the command line. */
export const set = (...values: readonly string[]): string[] => values.flatMap((value) => ['--set', value])

/** The only object of a kind, or the only one whose name ends with `suffix`. */
export function only(manifests: readonly Manifest[], kind: string, suffix = ''): Manifest {
  const found = manifests.filter((manifest) => manifest.kind === kind && manifest.metadata.name.endsWith(suffix))
  if (found.length !== 1) throw new Error(`expected one ${kind} named *${suffix}, found ${found.length}`)
  return found[0]
}

/** The container that runs Herdgate. */
export const herdgate = (manifests: readonly Manifest[]): Manifest =>
  only(manifests, 'Deployment', 'herdgate').spec.template.spec.containers[0]

export const variable = (manifests: readonly Manifest[], name: string): Manifest =>
  herdgate(manifests).env.find((entry: Manifest) => entry.name === name)

/** Pods that the manifests result in: those of Deployments, and standalone ones. */
export function podsOf(manifests: readonly Manifest[]): Manifest[] {
  return manifests.flatMap((manifest) =>
    manifest.kind === 'Deployment' ? [manifest.spec.template] : manifest.kind === 'Pod' ? [manifest] : [],
  )
}

export const matches = (selector: Record<string, string>, { metadata }: Manifest): boolean =>
  Object.entries(selector).every(([label, value]) => metadata.labels?.[label] === value)
