import { constants } from 'node:os'
import { expect, test } from 'vitest'
import { writeFailure } from '../../../src/stores/disk/full-disk.ts'
import { temporaryFolder } from '../../support/folder.ts'

/** As lmdb throws it. */
const failure = (code: number, message: string): Error => Object.assign(new Error(message), { code })
const cutShort = failure(constants.errno.EIO, 'Input/output error')

test('a write that fails because the disk is full is reported as such, not as a faulty disk', () => {
  const told = writeFailure(cutShort, '/cache', () => 4_096)
  expect(told).toMatchObject({ message: 'no space left on the disk', cause: cutShort })
})

test('a disk that fails with space left is reported as failing', () => {
  expect(writeFailure(cutShort, '/cache', () => 2 ** 30)).toBe(cutShort)
  expect(writeFailure(cutShort, temporaryFolder())).toBe(cutShort)
  expect(writeFailure(cutShort, '/no/such/folder')).toBe(cutShort)
})

test('other failures are reported as they are', () => {
  const readOnly = failure(constants.errno.EROFS, 'Read-only file system')
  expect(writeFailure(readOnly, '/cache', () => 0)).toBe(readOnly)
  expect(writeFailure('thrown', '/cache', () => 0)).toBe('thrown')
})
