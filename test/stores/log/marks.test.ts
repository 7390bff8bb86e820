import { expect, test } from 'vitest'
import { Marks } from '../../../src/stores/log/marks.ts'

test('marking a target takes no longer when the maximum is remembered', () => {
  const most = 50_000
  const marks = new Marks(most)
  let position = 0
  const name = (count: number): number => {
    const before = process.threadCpuUsage()
    for (let n = 0; n < count; n++) marks.name([`tag ${position}`], 'purge', ++position)
    return process.threadCpuUsage(before).user
  }
  const filling = name(most)
  name(most)
  expect(name(most)).toBeLessThan(filling * 30)
  expect(marks.verdict({ url: 'a.test/', tags: [`${position - 1}`], checked: position - 1 })).toBe('dead')
  expect(marks.verdict({ url: 'a.test/', tags: ['0'], checked: 0 })).toBe('dead')
  expect(marks.verdict({ url: 'a.test/', tags: ['0'], checked: position - 1 })).toBe('valid')
})

test('if the log is restored to an earlier state, what it logs afterwards counts', () => {
  const marks = new Marks(10)
  const stamp = { url: 'a.test/', tags: ['x'], generation: 'g', position: 0, checked: 6, startedAt: 0 }
  expect(marks.judge(stamp, 1)).toBe('valid')
  marks.name(['tag x'], 'purge', 2)
  expect(marks.judge(stamp, 2)).toBe('dead')
})
