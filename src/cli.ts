#!/usr/bin/env node
/** The executable. Checks Node's version before it loads code that an older Node could not even parse. */
const [major = 0] = process.versions.node.split('.').map(Number)

if (major < 24) {
  process.stderr.write(`herdgate needs Node 24 or newer; this is ${process.versions.node}\n`)
  process.exitCode = 1
} else {
  const { main } = await import('./cli/program.ts')
  await main(process.argv)
}
