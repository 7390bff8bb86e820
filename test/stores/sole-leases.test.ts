import { expect, test } from 'vitest'
import { soleLeases } from '../../src/stores/sole-leases.ts'
import { leasesContract } from './leases-contract.ts'

leasesContract('soleLeases', () => soleLeases)

test('no lease is waited for', async () => {
  const kinds = [await soleLeases.take('k'), await soleLeases.take('k')].map(({ kind }) => kind)
  expect(kinds).toEqual(['held', 'held'])
})
