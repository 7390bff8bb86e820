/** A fault in a configuration, described so that it can be fixed. */
export interface Fault {
  /** Where it is: `herdgate.yaml:12:5`, `--ttl` or `HERDGATE_TTL`. */
  readonly where: string
  /** The key's path in the configuration file, or the setting's name; empty when the fault is not about one. */
  readonly key: string
  /** What was expected, what was found, and what was perhaps meant. */
  readonly message: string
}

/** An option for a zod schema: its issues read "expected ..., got ...". `hint` may guess what was meant. */
export function expected(phrase: string, hint?: (input: unknown) => string | undefined) {
  return { error: (issue: { readonly input?: unknown }) => faultMessage(phrase, issue.input, hint?.(issue.input)) }
}

/** As `expected`, but never repeats the value. */
export function expectedSecret(phrase: string) {
  const error = ({ input }: { readonly input?: unknown }) =>
    typeof input === 'number' ? `expected ${phrase}, in quotation marks` : `expected ${phrase}`
  return { error }
}

export function faultMessage(phrase: string, input: unknown, meant?: string): string {
  if (input === undefined) return `required: expected ${phrase}`
  return `expected ${phrase}, got ${show(input)}${didYouMean(meant)}`
}

export const didYouMean = (meant: string | undefined): string => (meant === undefined ? '' : `; did you mean ${meant}?`)

/** Lists names in a message, cut short when there are many. */
export function listed(names: readonly string[]): string {
  const more = names.length - MAX_LISTED
  return more > 0 ? `${names.slice(0, MAX_LISTED).join(', ')} and ${more} more` : names.join(', ')
}

const MAX_LISTED = 10

/** `routes[0].ttl` for a path. */
export function keyName(path: readonly PropertyKey[]): string {
  return path.reduce<string>((name, part) => {
    if (typeof part === 'number') return `${name}[${part}]`
    return name === '' ? String(part) : `${name}.${String(part)}`
  }, '')
}

const SHOWN = 80
/** What may be user and password of a URL, however malformed. */
const CREDENTIALS = /^([a-z][a-z0-9+.-]*:\/+)?.*@/is

function show(input: unknown): string {
  if (input === null) return 'nothing'
  if (Array.isArray(input)) return 'a list'
  if (typeof input === 'object') return 'a map'
  const shown = typeof input === 'string' ? input.replace(CREDENTIALS, '$1...@') : input
  const text = JSON.stringify(shown) ?? typeof input
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text
}
