/** Generates docs/conformance.md from the results in both modes. */
import { EXCEPTIONS, type Mode, MODES } from './exceptions.ts'
import { tally } from './report.ts'
import type { TestResult } from './suite.ts'

export const DOCUMENT = new URL('../../docs/conformance.md', import.meta.url)

const STARTED: Readonly<Record<Mode, string>> = {
  rfc: '`--cookies rfc`: cookies do not matter to caching (RFC 9111 section 7.3)',
  safe: 'no setting at all: responses that set cookies are not stored',
}

const OBSERVED = '## What was observed'

/** @param version of http-cache-tests */
export function conformanceDocument(results: Readonly<Record<Mode, readonly TestResult[]>>, version: string): string {
  return [
    '# Conformance',
    '',
    '<!-- Made by `npm run conformance -- --write`; change test/conformance/document.ts. -->',
    '',
    `[http-cache-tests](https://www.npmjs.com/package/http-cache-tests) ${version} against a Herdgate started for it, with`,
    'its own origin, all over real sockets: `npm run conformance`. *required* is what RFC 9111 demands, *optimal* what a good',
    'cache does; *check* observes, and its answer is neither right nor wrong. `npm test` verifies that exactly the required',
    'and optimal tests listed here fail.',
    '',
    'The best published results of other caches are 83 % of the required and 67 % of the optimal tests.',
    '',
    ...MODES.flatMap((mode) => [`## With ${STARTED[mode]}`, '', ...tally(results[mode]), '', ...exceptions(mode)]),
    OBSERVED,
    '',
    'Checks whose answer was no, with `--cookies rfc`. Malformed dates, numbers and directives are read in the most',
    'restrictive way, which is why many of these say no.',
    '',
    ...observed(results.rfc),
    '',
  ].join('\n')
}

function exceptions(mode: Mode): string[] {
  const all = EXCEPTIONS[mode].flatMap(({ ids, reason }) => [reason, '', ...ids.map((id) => `- \`${id}\``), ''])
  return ['Every required and every optimal test passes except these:', '', ...all]
}

const observed = (results: readonly TestResult[]): string[] =>
  results.filter(({ kind, verdict }) => kind === 'check' && verdict !== 'passed').map(({ id }) => `- \`${id}\``)

/** The part of the document that depends only on which tests must pass, not on how others fail or on observations. */
export function shapeOf(document: string): string[] {
  const lines = document.slice(0, document.indexOf(OBSERVED)).split('\n')
  const passed = (line: string) =>
    /^\| (?:required|optimal) /.test(line) ? line.split(' | ').slice(0, 3).join(' | ') : line
  return lines.filter((line) => !line.startsWith('| check')).map(passed)
}
