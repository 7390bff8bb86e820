/** Splits an input into messages: sections separated by empty lines, each with field lines. */
import type { Fields } from '../../../src/fields.ts'

/** The first sections of an input; missing ones are empty. */
export function sections(input: string, count: number): string[] {
  const parts = input.split('\n\n')
  return Array.from({ length: count }, (_, at) => parts[at] ?? '')
}

/** Field lines as an HTTP parser would pass them on: names are tokens, values have no controls or outer white space. */
export function fieldsIn(section: string): Fields {
  return section.split('\n').flatMap((line) => {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colon))
    if (!TOKEN.test(name)) return []
    return [
      name,
      line
        .slice(colon + 1)
        .replaceAll(CONTROLS, '')
        .replaceAll(OUTER, ''),
    ]
  })
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
// oxlint-disable-next-line no-control-regex -- they are what is left out
const CONTROLS = /[\0-\x08\x0a-\x1f\x7f]/g
const OUTER = /^[ \t]+|(?<![ \t])[ \t]+$/g
