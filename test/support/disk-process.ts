/**
 * Another process that uses the same folder: `disk-process.ts FOLDER COMMAND ...`.
 *
 * `write`: stores entries endlessly and prints a line for each. `purge TAG`: appends a record and exits. `fill BYTES`:
 * writes entries totalling that many bytes, and prints what happened as JSON. `hold`: prints a line and keeps the write
 * lock from then on. `open`: prints whether it could open the file. `use`: the same, and closes it when its input ends.
 * `crowd LEFT`: the same as `open` with only that many file descriptors left. `die`: is killed while it reads.
 */
import { once } from 'node:events'
import { closeSync, openSync, writeSync } from 'node:fs'
import { Body } from '../../src/body.ts'
import { Events } from '../../src/events.ts'
import type { StoredResponse } from '../../src/model.ts'
import { openDiskFile } from '../../src/stores/disk/file.ts'
import { diskLog } from '../../src/stores/disk/log.ts'
import { diskStore } from '../../src/stores/disk/store.ts'
import { storedResponse } from './stored-response.ts'

const [path = '', command = '', argument = ''] = process.argv.slice(2)

/** A response whose content shows which key it belongs to and whether it is complete. */
function thing(key: string, length: number): StoredResponse {
  const body = Body.of(Buffer.from(`${key} ${length} `.padEnd(length, key)))
  return storedResponse({ url: key, tags: [key], fields: ['X-Key', key], body })
}

async function write(): Promise<void> {
  const store = diskStore({ path, maxBytes: '64MiB' }) // enough for all that is written, whatever the sizes: nothing is evicted
  const log = diskLog({ path })
  for (let n = 0; ; n++) {
    const key = `k${n % 50}`
    await store.set(key, thing(key, 100 + Math.floor(Math.random() * 100_000)), 3_600_000)
    if (n % 10 === 0) await log.append('purge', { tags: [`t${n}`] })
    process.stdout.write(`${n}\n`)
  }
}

async function purge(): Promise<void> {
  const log = diskLog({ path })
  await log.append('purge', { tags: [argument] })
  await log.close()
}

async function fill(): Promise<void> {
  const events = new Events()
  const told: string[] = []
  events.on('tier', ({ state, why }) => void told.push(`${state} ${why}`))
  const store = diskStore({ path, events })
  for (let bytes = 0, n = 0; bytes < Number(argument); bytes += 100_000, n++) {
    await store.set(`k${n}`, thing(`k${n}`, 100_000), 3_600_000)
  }
  console.log(
    JSON.stringify({ told, kept: (await store.get('k0')) === 'unknown' ? 'unknown' : 'told', usage: store.usage() }),
  )
  await store.close()
}

async function hold(): Promise<void> {
  await openDiskFile(path).write(() => {
    writeSync(1, 'held\n')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })
}

function open(): void {
  console.log(outcomeOf(() => openDiskFile(path)))
}

async function use(): Promise<void> {
  const file = openDiskFile(path)
  console.log('opened')
  await once(process.stdin.resume(), 'end')
  await file.close()
}

async function crowd(): Promise<void> {
  await openDiskFile(`${path}/another`).close() // so that LMDB is loaded
  const held: number[] = []
  try {
    for (;;) held.push(openSync('/dev/null', 'r'))
  } catch {
    for (const descriptor of held.splice(0, Number(argument))) closeSync(descriptor)
  }
  const told = outcomeOf(() => openDiskFile(path))
  for (const descriptor of held) closeSync(descriptor)
  console.log(told)
}

function die(): void {
  openDiskFile(path).tables.state.getBinary(Buffer.from('log head'))
  process.kill(process.pid, 'SIGKILL')
}

function outcomeOf(run: () => unknown): string {
  try {
    run()
    return 'opened'
  } catch (error) {
    return error instanceof Error ? error.message : 'failed'
  }
}

const COMMANDS: Record<string, () => Promise<void> | void> = { write, purge, fill, hold, open, use, crowd, die }
await COMMANDS[command]?.()
