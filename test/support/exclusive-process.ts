/**
 * Another process that wants a folder for itself: `exclusive-process.ts FOLDER COMMAND ...`.
 *
 * `hold`: prints a line once it has it, and keeps it. `count FILE TIMES`: increments the number in the file that often.
 */
import { readFileSync, writeFileSync, writeSync } from 'node:fs'
import { exclusively } from '../../src/stores/disk/mutual-exclusion.ts'

const [folder = '', command = '', file = '', times = ''] = process.argv.slice(2)

function hold(): void {
  exclusively(folder, 0, () => {
    writeSync(1, 'held\n')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })
}

function count(): void {
  for (let n = 0; n < Number(times); n++) {
    exclusively(folder, 60_000, () => writeFileSync(file, String(Number(readFileSync(file, 'latin1')) + 1)))
  }
}

const COMMANDS: Record<string, () => void> = { hold, count }
COMMANDS[command]?.()
