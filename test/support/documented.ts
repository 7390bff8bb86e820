/**
 * The commands and files that the documentation tells readers to type.
 *
 *     ```sh            run; must succeed
 *     ```sh fails      run; must fail
 *     ```sh server     started and left running; replaces the one started before
 *     ```yaml it.yaml  written to that file; ```ts it.ts too
 *     ```text output   output of the previous block, line by line, in this order; … stands for anything
 *
 * All other blocks are only for reading. A block of commands that no test can run is preceded by a comment that begins
 * with "not run:" and gives the reason.
 */

export interface Step {
  /** Number of its first line, from 1. */
  readonly line: number
  readonly kind: 'run' | 'fails' | 'server' | 'file'
  /** The commands, or the content of the file. */
  readonly text: string
  /** Name of the file, if it is one. */
  readonly name: string
  /** Lines of output shown in the documentation. */
  readonly shown: readonly string[]
}

interface Block {
  readonly line: number
  readonly info: string
  readonly text: string
  /** The nearest non-empty line before it. */
  readonly before: string
}

export function stepsIn(page: string): Step[] {
  const steps: Step[] = []
  for (const { info, text, line } of blocksIn(page)) {
    const kind = kindOf(info)
    if (kind !== undefined) steps.push({ line, kind, text, name: info.split(' ')[1] ?? '', shown: [] })
    const last = info === 'text output' ? steps.pop() : undefined
    if (last !== undefined) steps.push({ ...last, shown: text.trim().split('\n') })
  }
  return steps
}

function kindOf(info: string): Step['kind'] | undefined {
  switch (info) {
    case 'sh':
      return 'run'
    case 'sh fails':
      return 'fails'
    case 'sh server':
      return 'server'
    default:
      return /^(?:yaml [\w-]+\.yaml|ts [\w-]+\.ts)$/.test(info) ? 'file' : undefined
  }
}

const COMMAND = /^(?:\$ )?(?:curl|docker|git|helm|herdgate|kubectl|node|npm|npx|redis-cli) /m

/** Line numbers of command blocks that are neither run nor excused. */
export function unrunIn(page: string): number[] {
  return blocksIn(page)
    .filter(({ info, text, before }) => kindOf(info) === undefined && COMMAND.test(text) && !isExcused(before))
    .map(({ line }) => line)
}

const isExcused = (before: string): boolean => /^<!-- not run: .+ -->$/.test(before)

function blocksIn(page: string): Block[] {
  const found = page.matchAll(/^```(.*)\n([^]*?)^```$/gm)
  return [...found].map(({ 1: info = '', 2: text = '', index }) => {
    const above = page.slice(0, index)
    return { info, text, line: above.split('\n').length + 1, before: above.trimEnd().split('\n').at(-1) ?? '' }
  })
}

/** The first of `lines` that does not occur in its place in the output; undefined if all do. */
export function notShown(lines: readonly string[], output: string): string | undefined {
  let rest = output.replaceAll('\r', '')
  return lines.find((line) => {
    const [parts, pattern] = [line.trim().split('…'), '[^\\n]*?']
    const found = new RegExp(parts.map(literally).join(pattern), 'i').exec(rest)
    rest = found === null ? rest : rest.slice(found.index + found[0].length)
    return found === null
  })
}

const literally = (text: string): string => text.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&')
