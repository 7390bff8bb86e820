#!/usr/bin/env node
/** The command. Checks Node's version before loading anything that an older one could not even parse. */
const [major = 0] = process.versions.node.split('.').map(Number)

if (major < 24) {
  process.stderr.write(`herdgate needs Node 24 or newer; this is ${process.versions.node}\n`)
  process.exitCode = 1
} else {
  const { main } = await import('./cli/program.ts')
  await main(process.argv)
}
