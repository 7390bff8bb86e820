import { describe, expect, test } from 'vitest'
import { Marks, targetsOf } from '../../../src/stores/log/marks.ts'

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

test('judging a URL of many segments takes no longer when a prefix as long was named', () => {
  const deep = (host: string) => `${host}${'/a'.repeat(8_000)}`
  const judging = (prefix: string): number => {
    const marks = new Marks(10)
    marks.name(targetsOf({ prefixes: [prefix] }), 'purge', 1)
    const stamp = { url: deep('a.test'), tags: [], checked: 0 }
    const before = process.threadCpuUsage()
    for (let n = 0; n < 50; n++) expect(marks.verdict(stamp)).toBe('valid')
    return process.threadCpuUsage(before).user
  }
  judging('b.test')
  expect(judging(deep('b.test'))).toBeLessThan(judging('b.test') * 30)
})

test('if the log is restored to an earlier state, what it logs afterwards counts', () => {
  const marks = new Marks(10)
  const stamp = { url: 'a.test/', tags: ['x'], generation: 'g', position: 0, checked: 6, startedAt: 0 }
  expect(marks.judge(stamp, 1)).toBe('valid')
  marks.name(['tag x'], 'purge', 2)
  expect(marks.judge(stamp, 2)).toBe('dead')
})

test('what has not been named for longest is forgotten first', () => {
  const marks = new Marks(2)
  for (const [at, target] of ['tag a', 'tag b', 'tag a', 'tag c'].entries()) marks.name([target], 'purge', at + 1)
  expect(marks.verdict({ url: 'a.test/', tags: ['a'], checked: 2 })).toBe('dead')
  expect(marks.verdict({ url: 'a.test/', tags: ['other'], checked: 2 })).toBe('valid')
  expect(marks.verdict({ url: 'a.test/', tags: ['other'], checked: 1 })).toBe('dead')
})

describe('what the log keeps of a name is short', () => {
  const selectors = (length: number) => {
    const name = `a.test/${'x'.repeat(length)}`
    return { urls: [name], prefixes: [name], tags: [name] }
  }

  test('as a client can send unsafe requests for 100,000 URLs of 16 KiB each', () => {
    for (const target of targetsOf(selectors(16_000))) expect(target.length).toBeLessThan(300)
  })

  test('also when another process has logged it in full', () => {
    const marks = new Marks(10)
    const { urls, prefixes, tags } = selectors(16_000)
    const [url = '', tag = ''] = [urls[0], tags[0]]
    marks.name([`url ${url}`, `prefix ${prefixes[0]}`, `tag ${tag}`], 'purge', 1)
    for (const [target] of marks.state.marks) expect(target.length).toBeLessThan(300)
    expect(marks.verdict({ url, tags: [], checked: 0 })).toBe('dead')
    expect(marks.verdict({ url: `${url}/below`, tags: [], checked: 0 })).toBe('dead')
    expect(marks.verdict({ url: 'b.test/', tags: [tag], checked: 0 })).toBe('dead')
    expect(marks.verdict({ url: `${url}x`, tags: [`${tag}x`], checked: 0 })).toBe('valid')
  })

  test('and what is sent to another process means the same there', () => {
    const marks = new Marks(10)
    marks.name(targetsOf({ prefixes: selectors(16_000).prefixes }), 'purge', 1)
    const elsewhere = Marks.of(JSON.parse(JSON.stringify(marks.state)), 10)
    expect(elsewhere.verdict({ url: `${selectors(16_000).urls[0]}/below`, tags: [], checked: 0 })).toBe('dead')
    expect(elsewhere.verdict({ url: `${selectors(15_999).urls[0]}/below`, tags: [], checked: 0 })).toBe('valid')
  })
})
