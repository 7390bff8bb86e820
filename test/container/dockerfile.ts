/** Parses a Dockerfile: only the part of the format that the project uses, with an error for anything else. */
export interface Instruction {
  readonly name: string
  /** What follows the name, with continued lines joined and ARGs substituted. */
  readonly text: string
}

export interface Stage {
  readonly image: string
  readonly name: string
  readonly instructions: readonly Instruction[]
}

const KNOWN = ['ARG', 'COPY', 'ENTRYPOINT', 'ENV', 'EXPOSE', 'FROM', 'HEALTHCHECK', 'LABEL', 'RUN', 'STOPSIGNAL']
const INSTRUCTIONS = new Set([...KNOWN, 'USER', 'WORKDIR'])

/** @throws Error on a line it does not support */
export function parseDockerfile(text: string): Stage[] {
  const stages: { image: string; name: string; instructions: Instruction[] }[] = []
  const args = new Map<string, string>()
  for (const line of logicalLines(text)) {
    const [, name = '', raw = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? []
    if (!INSTRUCTIONS.has(name)) throw new Error(`cannot read this line of the Dockerfile: ${line}`)
    const content = raw.replaceAll(/\$\{(\w+)\}/g, (_, arg: string) => args.get(arg) ?? '')
    if (name === 'ARG') args.set(...assignment(content))
    else if (name === 'FROM') stages.push(stageOf(content))
    else stages.at(-1)?.instructions.push({ name, text: content })
  }
  return stages
}

/** The variables that `ENV` or `LABEL` set, in order. */
export function assignments(stage: Stage, name: 'ENV' | 'LABEL'): Record<string, string> {
  const pairs = allOf(stage, name).flatMap((text) => [...text.matchAll(/([\w.]+)=("[^"]*"|\S*)/g)])
  return Object.fromEntries(pairs.map(([, key, value = '']) => [key, value.replaceAll('"', '')]))
}

/** The words of an instruction in exec form. @throws Error if it is not in exec form */
export function execForm(text: string): string[] {
  const words: unknown = JSON.parse(text)
  if (!Array.isArray(words)) throw new Error(`not in exec form: ${text}`)
  return words.map(String)
}

export const allOf = (stage: Stage, name: string): string[] =>
  stage.instructions.filter((instruction) => instruction.name === name).map(({ text }) => text)

/** The last instruction with this name, which is the one that counts. */
export const lastOf = (stage: Stage, name: string): string => allOf(stage, name).at(-1) ?? ''

/** Paths of the context that a `.dockerignore` admits, which must exclude everything else. */
export function letIn(dockerignore: string): string[] {
  const [first, ...rest] = dockerignore.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  if (first !== '*') throw new Error('expected a .dockerignore that begins with keeping everything out')
  return rest.map((line) => line.replace(/^!/, ''))
}

function logicalLines(text: string): string[] {
  return text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
}

function assignment(text: string): [name: string, value: string] {
  const [name = '', value = ''] = text.split('=')
  return [name, value]
}

function stageOf(text: string): { image: string; name: string; instructions: Instruction[] } {
  const [image = '', , name = image] = text.split(/\s+/)
  return { image, name, instructions: [] }
}
