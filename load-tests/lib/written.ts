import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { fileURLToPath } from 'node:url'

const REPOSITORY = new URL('../../', import.meta.url)
const DOCS = new URL('docs/', REPOSITORY)
const HEAD = `# Benchmarks

What \`npm run bench:peers -- --write\` and \`npm run bench:engine -- --write\` measured. How, and how to read it, stands in
[load-tests](../load-tests/README.md). A median is followed by the smallest and the largest round.
`

/** The machine that figures are from. */
export const machine = (): string =>
  `Node ${process.versions.node}, ${availableParallelism()} cores, ${cpus()[0]?.model ?? 'unknown'}`

/** Writes a section of a page, replacing its previous version; the rest of the page stays. */
export function writeSection(name: string, lines: readonly string[], path = 'docs/benchmarks.md'): void {
  const file = new URL(path, REPOSITORY)
  const page = existsSync(file) ? readFileSync(file, 'utf8') : HEAD
  const [begins, ends] = [`<!-- ${name} begins -->`, `<!-- ${name} ends -->`]
  const section = [begins, '', ...lines, '', ends].join('\n')
  const [from, to] = [page.indexOf(begins), page.indexOf(ends)]
  writeFileSync(
    file,
    from < 0 || to < from ? `${page}\n${section}\n` : page.slice(0, from) + section + page.slice(to + ends.length),
  )
  console.error(`written: ${fileURLToPath(file)}`)
}

/** Writes a file next to the page. */
export function writeBeside(name: string, text: string): void {
  writeFileSync(new URL(name, DOCS), text)
}
