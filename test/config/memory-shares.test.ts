import { describe, expect, test } from 'vitest'
import { type Capacity, copiesUnderway, workersOf } from '../../src/config/memory-shares.ts'
import { type Flags, loadConfig } from '../../src/config.ts'
import { ONE } from './given.ts'

describe('memory sizes that are not configured', () => {
  const MIB = 2 ** 20
  const given = (capacity: Capacity, flags: Flags = {}, rest = '') => {
    const file = { path: 'herdgate.yaml', text: ONE + rest }
    const loaded = loadConfig({ flags, env: {}, file, readFile: () => '', capacity })
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults))
    const { store, limits, workers } = loaded.config
    return {
      workers: workersOf(workers, capacity),
      store: store.memory.maxBytes / MIB,
      bodies: limits.maxBodiesInProgress / MIB,
      connections: limits.maxConnections,
      notes: loaded.notes,
    }
  }

  test('copies on their way to another tier get a part of what bodies in progress get, up to 64 MiB', () => {
    expect(copiesUnderway({ maxBodiesInProgress: 32 * MIB })).toEqual({ toDisk: 8 * MIB, toPrimary: 2 * MIB })
    expect(copiesUnderway({ maxBodiesInProgress: 1024 * MIB })).toEqual({ toDisk: 64 * MIB, toPrimary: 16 * MIB })
    expect(copiesUnderway({ maxBodiesInProgress: 5 })).toEqual({ toDisk: 2, toPrimary: 1 }) // whole numbers
  })

  test('without a limit the default is 256 MiB each', () => {
    expect(given({ heap: 4096 * MIB })).toEqual({
      workers: 1,
      store: 256,
      bodies: 256,
      connections: 10_000,
      notes: [],
    })
  })

  test('in a container it is a share of the limit, as in the Helm chart, and a note says so', () => {
    const notes = [
      "of the container's 512 MiB the store may take 153 MiB, bodies in progress 64 MiB",
      'clients may have 6400 connections at once: more, each with a large head, may not fit into memory; see limits.maxConnections',
    ]
    const there = given({ container: 512 * MIB, heap: 1024 * MIB })
    expect(there).toEqual({ workers: 1, store: 153, bodies: 64, connections: 6_400, notes })
    expect(given({ container: 2048 * MIB, heap: 4096 * MIB })).toMatchObject({ store: 691, bodies: 256 })
  })

  test('each process needs 64 MiB of it, as in the Helm chart', () => {
    const two = given({ container: 1024 * MIB, heap: 4096 * MIB }, { workers: '2' })
    expect(two).toMatchObject({ store: 281, bodies: 128 })
  })

  test.each([
    { container: undefined, cores: 8, workers: 8 },
    { container: 4096 * MIB, cores: 8, workers: 8 },
    { container: 1024 * MIB, cores: 8, workers: 5 },
    { container: 512 * MIB, cores: 8, workers: 2 },
    { container: 256 * MIB, cores: 8, workers: 1 },
    { container: 512 * MIB, cores: 1, workers: 1 },
  ])(
    '"auto" means as many workers as there are cores and memory for: $cores cores, $container bytes, $workers',
    (there) => {
      expect(given(there, { workers: 'auto' }).workers).toBe(there.workers)
    },
  )

  test('the configured number of workers starts, with a note if they do not fit', () => {
    const { workers, notes } = given({ container: 512 * MIB, cores: 2 }, { workers: '3' })
    expect(workers).toBe(3)
    expect(notes).toContainEqual(
      expect.stringMatching(
        /^3 workers, their primary and the store need about 524 MiB, but the container has 512 MiB/,
      ),
    )
    expect(given({ container: 512 * MIB, cores: 2 }, { workers: '2' }).notes.join()).not.toContain('primary')
  })

  test('the store of each worker is compared with its own heap', () => {
    const there = { container: 2048 * MIB, heap: 300 * MIB, cores: 2 }
    expect(given(there, { workers: '2', memory: '400MiB' }).notes.join()).not.toContain('heap')
    expect(given(there, { workers: '2', memory: '600MiB' }).notes.join()).toContain('a process may store 300 MiB')
  })

  test('it is at most half of the heap, and never zero', () => {
    expect(given({ container: 512 * MIB, heap: 128 * MIB })).toMatchObject({ store: 64, bodies: 64 })
    expect(given({ container: 32 * MIB, heap: 64 * MIB })).toMatchObject({ store: 8, bodies: 8 })
  })

  test('a configured size is used, with a note if the heap is too small for it', () => {
    const memory = { container: 512 * MIB, heap: 128 * MIB }
    const { store, notes } = given(memory, { memory: '100MiB' })
    expect(store).toBe(100)
    expect(notes).toContainEqual(expect.stringContaining('a process may store 100 MiB, but its heap is 128 MiB'))
  })

  test.each([
    { container: undefined, heap: 96, workers: 1, connections: 2_048 },
    { container: undefined, heap: 96, workers: 4, connections: 8_192 },
    { container: 512, heap: 231, workers: 1, connections: 6_400 },
    { container: 256, heap: 256, workers: 1, connections: 2_304 },
    { container: 512, heap: 256, workers: 2, connections: 2_816 },
    { container: 128, heap: 256, workers: 1, connections: 256 },
    { container: 64, heap: 32, workers: 1, connections: 64 },
    { container: 512, heap: 256, workers: 4, connections: 256 },
    { container: 1024, heap: 512, workers: 1, connections: 10_000 },
  ])(
    'as many connections as fit in, each with a large head: $container MiB, heap $heap MiB, $workers workers, $connections',
    ({ container, heap, workers, connections }) => {
      const there = { container: container && container * MIB, heap: heap * MIB }
      expect(given(there, { workers: String(workers) }).connections).toBe(connections)
    },
  )

  test('a configured number of connections is kept, without a note', () => {
    const { connections, notes } = given({ heap: 96 * MIB }, { memory: '8MiB' }, 'limits: { maxConnections: 9000 }\n')
    expect({ connections, notes }).toEqual({ connections: 9_000, notes: [] })
  })
})
