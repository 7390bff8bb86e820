import { describe, expect, test } from 'vitest'
import type { InvalidationLog, InvalidationMode, Selectors, Stamp } from '../../src/model.ts'

/** What every InvalidationLog must do. */
export function logContract(name: string, create: () => InvalidationLog | Promise<InvalidationLog>): void {
  describe(`${name} is an InvalidationLog`, () => {
    const stampIn = (log: InvalidationLog, url = 'a.test/x/1?q=1', tags = ['t1', 't2']): Stamp => {
      const { generation, position } = log
      return { url, tags, generation, position, checked: position, startedAt: 0 }
    }

    const NAMING: Record<string, Selectors> = {
      'its URL': { urls: ['a.test/x/1?q=1'] },
      'one of its tags': { tags: ['other', 't2'] },
      'a prefix of its path': { prefixes: ['a.test/x'] },
      'a prefix that ends in a slash': { prefixes: ['a.test/x/'] },
      'its whole path as a prefix': { prefixes: ['a.test/x/1'] },
      'its host as a prefix': { prefixes: ['a.test'] },
      everything: { all: true },
    }

    describe.each(Object.entries(NAMING))('a record that names %s', (_, selectors) => {
      test.each([
        ['purge', 'dead'],
        ['invalidate', 'stale'],
      ] as const)('%s makes older entries %s', async (mode: InvalidationMode, verdict) => {
        const log = await create()
        const stamp = stampIn(log)
        expect(log.verdict(stamp)).toBe('valid')
        await log.append(mode, selectors)
        expect(log.verdict(stamp)).toBe(verdict)
        expect(log.verdict(stamp)).toBe(verdict)
        await log.close()
      })

      test('does not affect entries fetched after it', async () => {
        const log = await create()
        await log.append('purge', selectors)
        expect(log.verdict(stampIn(log))).toBe('valid')
        await log.close()
      })
    })

    test('`changes` grows with every record, whatever it names, and with nothing else', async () => {
      const log = await create()
      const before = log.changes
      log.verdict(stampIn(log))
      expect(log.changes).toBe(before)
      await log.append('invalidate', {})
      expect(log.changes).toBeGreaterThan(before)
      await log.close()
    })

    const NOT_NAMING: Record<string, Selectors> = {
      nothing: {},
      'another URL of the same beginning': { urls: ['a.test/x/1', 'a.test/x/1?q=10'] },
      'another tag': { tags: ['t', 't11', 'T1'] },
      'a prefix that ends inside a segment': { prefixes: ['a.test/x/1?q', 'a.tes', 'a.test/x/11'] },
      'a tag that is spelled like its URL': { tags: ['a.test/x/1?q=1'] },
    }

    test.each(Object.entries(NOT_NAMING))('a record that names %s does not affect it', async (_, selectors) => {
      const log = await create()
      const stamp = stampIn(log)
      await log.append('purge', selectors)
      expect(log.verdict(stamp)).toBe('valid')
      await log.close()
    })

    test('a name may contain half a surrogate pair, as truncated text does', async () => {
      const log = await create()
      const cut = '\u{1f600}'.slice(0, 1)
      const stamps = [stampIn(log, `a/${cut}`), stampIn(log, `${cut}/a`), stampIn(log, 'b', [cut])]
      await log.append('purge', { urls: [`a/${cut}`], prefixes: [cut], tags: [cut] })
      expect(stamps.map((stamp) => log.verdict(stamp))).toEqual(['dead', 'dead', 'dead'])
      await log.close()
    })

    test.each(['urls', 'prefixes', 'tags'] as const)(
      'names of %s may be very long, and differ at their end',
      async (kind) => {
        const log = await create()
        const long = (end: string) => `a.test/${'segment/'.repeat(1_000)}${end}`
        const stampOf = (name: string) =>
          kind === 'tags' ? stampIn(log, 'b.test/', [name]) : stampIn(log, kind === 'urls' ? name : `${name}/below?q`)
        const stamps = [stampOf(long('1')), stampOf(long('2'))]
        await log.append('purge', { [kind]: [long('1')] })
        expect(stamps.map((stamp) => log.verdict(stamp))).toEqual(['dead', 'valid'])
        await log.close()
      },
    )

    test('a purge outweighs an invalidation, in either order', async () => {
      for (const modes of [['purge', 'invalidate'] as const, ['invalidate', 'purge'] as const]) {
        const log = await create()
        const stamp = stampIn(log)
        for (const mode of modes) await log.append(mode, { tags: ['t1'] })
        expect(log.verdict(stamp)).toBe('dead')
        await log.close()
      }
    })

    test('a verdict of valid applies only until the next record', async () => {
      const log = await create()
      const stamp = stampIn(log)
      await log.append('purge', { tags: ['other'] })
      expect(log.verdict(stamp)).toBe('valid')
      await log.append('purge', { tags: ['t1'] })
      expect(log.verdict(stamp)).toBe('dead')
      await log.close()
    })

    test("positions count records, and a receipt has its record's position", async () => {
      const log = await create()
      const before = log.position
      const receipt = await log.append('purge', { tags: ['a', 'b'], urls: ['c'] })
      expect(receipt).toMatchObject({ position: before + 1, nodes: { expected: 1, acked: 1 } })
      expect(log.position).toBe(before + 1)
      await log.close()
    })

    test('a stamp of another generation is not trusted', async () => {
      const log = await create()
      expect(log.verdict({ ...stampIn(log), generation: 'another' })).toBe('stale')
      await log.close()
    })

    test('`holds` is true for stamps it has issued, whatever names them later, and false for another generation', async () => {
      const log = await create()
      const stamp = stampIn(log)
      await log.append('purge', { all: true })
      expect([stamp, { ...stamp, generation: 'another' }].map((each) => log.holds(each))).toEqual([true, false])
      await log.close()
    })
  })
}
