import { leasesContract, sharedLeasesContract } from '../stores/leases-contract.ts'
import { settle } from './fake-clock.ts'
import { sharedLeases } from './shared-leases.ts'

leasesContract('sharedLeases', () => sharedLeases())
sharedLeasesContract('sharedLeases', async () => {
  const leases = sharedLeases()
  return { one: leases, other: leases, waits: settle, close: async () => leases.close() }
})
