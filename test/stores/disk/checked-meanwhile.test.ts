import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { openDiskFile } from '../../../src/stores/disk/file.ts'
import { diskLog } from '../../../src/stores/disk/log.ts'
import { temporaryFolder } from '../../support/folder.ts'

const PROCESS = join(import.meta.dirname, '../../support/disk-process.ts')

afterEach(() => void vi.restoreAllMocks())

/** Between the end of this process's first check and its result, `first` runs, and another process purges and ends. */
function purgesDuringCheck(folder: string, first = 'true'): void {
  const node = process.execPath
  const program = join(temporaryFolder(), 'node')
  const lines = [
    `${node} "$@"; result=$?`,
    `if [ ! -e "$0.ran" ]; then touch "$0.ran"; ${first}; ${node} ${PROCESS} ${folder} purge t || exit 1; fi`,
    '[ $result -gt 128 ] && kill -$((result - 128)) $$',
    'exit $result',
  ]
  writeFileSync(program, `#!/bin/sh\n${lines.join('\n')}\n`, { mode: 0o755 })
  vi.spyOn(process, 'execPath', 'get').mockReturnValue(program)
}

async function positionIn(folder: string): Promise<number> {
  const log = diskLog({ path: folder })
  const { position } = log
  await log.close()
  return position
}

test('a file that another process has begun in place of a damaged one, while that was checked, stays', async () => {
  const folder = temporaryFolder()
  const path = join(folder, 'herdgate-1.mdb')
  writeFileSync(path, 'damaged')
  purgesDuringCheck(folder)
  const file = openDiskFile(folder)
  expect([file.movedTo, readFileSync(`${path}.damaged`, 'latin1')]).toEqual([undefined, 'damaged'])
  await file.close()
  expect(await positionIn(folder)).toBe(1)
})

test('a file that is checked while another process begins it is not taken for damaged', async () => {
  const folder = temporaryFolder()
  const path = join(folder, 'herdgate-1.mdb')
  writeFileSync(path, '') // as LMDB creates it
  const { size, mtimeNs, ino } = statSync(path, { bigint: true })
  purgesDuringCheck(folder, `printf '${size} ${mtimeNs} ${ino}' > ${join(folder, 'closed')}`) // it checks nothing
  const file = openDiskFile(folder)
  expect([file.movedTo, existsSync(`${path}.damaged`)]).toEqual([undefined, false])
  await file.close()
  expect(await positionIn(folder)).toBe(1)
})
