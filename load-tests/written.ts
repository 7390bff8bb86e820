import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { fileURLToPath } from 'node:url'

const DOCS = new URL('../docs/', import.meta.url)
const PAGE = new URL('benchmarks.md', DOCS)
const HEAD = `# Benchmarks

What \`npm run bench:peers -- --write\` and \`npm run bench:engine -- --write\` measured. How, and how to read it, stands in
[load-tests](../load-tests/README.md). A median is followed by the smallest and the largest round.
`

/** The machine a figure is from. */
export const machine = (): string =>
  `Node ${process.versions.node}, ${availableParallelism()} cores, ${cpus()[0]?.model ?? 'unknown'}`

/** Puts a section into docs/benchmarks.md, in place of what it was before; the others stay. */
export function writeSection(name: string, lines: readonly string[]): void {
  const page = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : HEAD
  const [begins, ends] = [`<!-- ${name} begins -->`, `<!-- ${name} ends -->`]
  const section = [begins, '', ...lines, '', ends].join('\n')
  const [from, to] = [page.indexOf(begins), page.indexOf(ends)]
  writeFileSync(
    PAGE,
    from < 0 || to < from ? `${page}\n${section}\n` : page.slice(0, from) + section + page.slice(to + ends.length),
  )
  console.error(`written: ${fileURLToPath(PAGE)}`)
}

/** Writes a file beside it. */
export function writeBeside(name: string, text: string): void {
  writeFileSync(new URL(name, DOCS), text)
}
