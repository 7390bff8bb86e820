import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openDiskFile } from '../../../src/stores/disk/file.ts'
import { temporaryFolder } from '../../support/folder.ts'

const lockIn = (folder: string): string => join(folder, 'herdgate-1.mdb-lock')

test('a file whose lock was removed is opened again once all have closed it: before, it would be with that lock', async () => {
  const folder = temporaryFolder()
  const [one, other] = [openDiskFile(folder), openDiskFile(folder)]
  rmSync(lockIn(folder))
  expect(one.inspect()).toBe('doubtful')
  await one.close()
  expect(() => openDiskFile(folder)).toThrow('has yet to be closed')
  await other.close()
  const again = openDiskFile(folder)
  expect([again.inspect(), existsSync(lockIn(folder))]).toEqual(['in place', true])
  await again.close()
})

test('a doubtful file is checked before it is opened again, even if nothing was written since it was last closed', async () => {
  const folder = temporaryFolder()
  await openDiskFile(folder).close()
  const file = openDiskFile(folder)
  rmSync(lockIn(folder))
  const closed = file.close()
  expect(existsSync(join(folder, 'closed'))).toBe(false)
  await closed
})
