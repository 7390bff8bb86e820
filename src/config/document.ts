/** The YAML of a configuration file as plain values, and where in the text each of them was written. */
import { createRequire } from 'node:module'
import type { Document, ErrorCode, Pair, YAMLMap } from 'yaml'
import { messageOf } from '../errors.ts'
import type { Environment } from './environment.ts'
import { type Fault, keyName } from './fault.ts'
import { expand, maskBraces, restoreBraces } from './variables.ts'

export interface ConfigText {
  readonly path: string
  readonly text: string
}

export interface ParsedDocument {
  /** Undefined when the text is not YAML. */
  readonly value: unknown
  readonly faults: readonly Fault[]
  /** `path:line:column` of a value, or of its key; of the nearest node around it when it is absent. */
  readonly place: (path: readonly PropertyKey[], of: 'key' | 'value') => string
}

let loaded: typeof import('yaml') | undefined

/** Loaded only when there is a file to parse. */
function yaml(): typeof import('yaml') {
  loaded ??= createRequire(import.meta.url)('yaml') as typeof import('yaml')
  return loaded
}

/** One mistake can cause many errors; those after the first few are consequences. */
const MAX_SYNTAX_FAULTS = 10
const MAX_ALIASES = 100
/** No editor counts it as a column. */
const BYTE_ORDER_MARK = /^\ufeff/

export function parseConfigText(file: ConfigText, env: Environment): ParsedDocument {
  const lines = new (yaml().LineCounter)()
  const options = {
    lineCounter: lines,
    prettyErrors: false,
    merge: true,
    stringKeys: true,
    resolveKnownTags: false, // !!binary and the like make objects, which no setting is
    logLevel: 'error',
  } as const
  const document = yaml().parseDocument(maskBraces(file.text.replace(BYTE_ORDER_MARK, '')), options)
  const placeOf = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${file.path}:${Math.max(line, 1)}:${Math.max(col, 1)}`
  }
  const pairIn = pairFinder()
  const place: ParsedDocument['place'] = (path, of) => placeOf(offsetOf(document, path, of, pairIn))
  const { isReadable, faults: syntaxErrors } = syntaxFaults(document, placeOf)
  if (!isReadable) return { value: undefined, faults: syntaxErrors, place }
  const variableFaults = expandVariables(document, env, placeOf)
  const faults = [...syntaxErrors, ...variableFaults]
  try {
    return { value: document.toJS({ maxAliasCount: MAX_ALIASES }), faults, place }
  } catch (error) {
    if (variableFaults.length > 0) return { value: undefined, faults, place } // an unresolved alias, reported with its place
    const message = messageOf(error)
    return { value: undefined, faults: [...syntaxErrors, { where: file.path, key: '', message }], place }
  }
}

/** A document whose only errors are keys given twice is still readable: the last one counts. */
function syntaxFaults(document: Document, placeOf: (offset: number) => string) {
  const problems = [...document.errors, ...document.warnings]
  const isReadable = problems.every(({ code }) => code === 'DUPLICATE_KEY')
  const faults = problems.slice(0, isReadable ? undefined : MAX_SYNTAX_FAULTS).map(
    ({ code, message, pos }): Fault => ({
      where: placeOf(pos[0]),
      key: '',
      message: OWN_MESSAGES[code] ?? `not valid YAML: ${restoreBraces(message)}`,
    }),
  )
  return { isReadable, faults }
}

/** Replace messages of the parser that are worded for programmers. */
const OWN_MESSAGES: Partial<Record<ErrorCode, string>> = {
  DUPLICATE_KEY: 'this key is given twice',
  MULTIPLE_DOCS: 'a second document begins here, expected one',
  RESOURCE_EXHAUSTION: 'nested too deeply',
}

/** Expands variables in the document's texts. */
function expandVariables(document: Document, env: Environment, placeOf: (at: number) => string) {
  const faults: Fault[] = []
  yaml().visit(document, {
    Scalar(role, node, ancestors) {
      if (typeof node.value !== 'string') return
      if (role === 'key') {
        node.value = restoreBraces(node.value)
        if (node.value === '__proto__') faults.push(faultAt(node, [...ancestors, node], 'unknown key'))
        return
      }
      const { text, problems } = expand(node.value, env)
      node.value = text
      faults.push(...problems.map((problem) => faultAt(node, [...ancestors, node], problem)))
    },
    Alias(_role, node, ancestors) {
      if (node.resolve(document) === undefined) {
        faults.push(faultAt(node, [...ancestors, node], `there is no anchor &${node.source} before this alias`))
      }
    },
  })
  return faults

  function faultAt(node: Ranged, line: readonly unknown[], message: string): Fault {
    return { where: placeOf(node.range?.[0] ?? 0), key: keyName(pathOf(line)), message }
  }
}

interface Ranged {
  readonly range?: readonly number[] | null | undefined
}

/** The path of keys and indexes along a line of nodes, each inside the one before. */
function pathOf(line: readonly unknown[]): PropertyKey[] {
  return line.flatMap((node, at): PropertyKey[] => {
    if (yaml().isPair(node)) return [keyOf(node.key)]
    return yaml().isSeq(node) ? [node.items.indexOf(line[at + 1])] : []
  })
}

const keyOf = (key: unknown): string => String(yaml().isScalar(key) ? key.value : key)

type FindPair = (map: YAMLMap, key: string) => Pair | undefined

/** Finds pairs by key and indexes each map only once, as a file may have a fault in every line. */
function pairFinder(): FindPair {
  const read = new Map<YAMLMap, ReadonlyMap<string, Pair>>()
  return (map, key) => {
    const pairs = read.get(map) ?? new Map(map.items.map((pair) => [keyOf(pair.key), pair]))
    read.set(map, pairs)
    return pairs.get(key)
  }
}

function offsetOf(document: Document, path: readonly PropertyKey[], of: 'key' | 'value', pairIn: FindPair): number {
  let offset = 0
  let node: unknown = document.contents
  for (const [at, part] of path.entries()) {
    const inside = yaml().isAlias(node) ? node.resolve(document) : node
    const pair = yaml().isMap(inside) ? pairIn(inside, String(part)) : undefined
    node = yaml().isSeq(inside) ? inside.items[Number(part)] : pair?.value
    const wantsKey = pair !== undefined && ((of === 'key' && at === path.length - 1) || startOf(node) === undefined)
    const start = startOf(wantsKey ? pair.key : node)
    if (start === undefined) break
    offset = start
  }
  return offset
}

function startOf(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return undefined
  return typeof node.range[0] === 'number' ? node.range[0] : undefined
}
