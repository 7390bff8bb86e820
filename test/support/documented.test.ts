import { describe, expect, test } from 'vitest'
import { notShown, stepsIn, unrunIn } from './documented.ts'

const page = (...blocks: string[]) => blocks.join('\n\n')
const block = (info: string, text: string) => `\`\`\`${info}\n${text}\n\`\`\``

test('steps are commands and files, each with its expected output', () => {
  const steps = stepsIn(
    page(
      block('sh server', 'herdgate demo'),
      block('sh', 'curl a'),
      block('text output', '200\nOK'),
      block('yaml', 'not: a step'),
      block('yaml it.yaml', 'a: 1'),
      block('sh fails', 'false'),
    ),
  )
  expect(steps).toMatchObject([
    { line: 2, kind: 'server', text: 'herdgate demo\n', shown: [] },
    { line: 6, kind: 'run', text: 'curl a\n', shown: ['200', 'OK'] },
    { line: 19, kind: 'file', name: 'it.yaml' },
    { line: 23, kind: 'fails' },
  ])
})

describe('commands that are not run', () => {
  test.each(['', 'text', 'sh verbose', 'bash'])('are found in a block of "%s"', (info) => {
    expect(unrunIn(block(info, 'a word\n$ curl localhost'))).toEqual([2])
  })

  test('are excused by a reason before them', () => {
    expect(unrunIn(page('<!-- not run: needs a cluster -->', block('', 'helm install x')))).toEqual([])
    expect(unrunIn(page('<!-- not run: -->', block('', 'helm install x')))).toEqual([4])
  })
})

describe('expected output', () => {
  test('matches in order, and … stands for anything within a line', () => {
    expect(notShown(['hit; ttl=…; x', 'OK (all)'], 'before\r\nHit; ttl=12; x\r\nok (all) of them\r\n')).toBeUndefined()
  })

  test('does not match if missing, out of order, or across two lines', () => {
    expect(notShown(['a', 'c'], 'a\nb')).toBe('c')
    expect(notShown(['b', 'a'], 'a\nb')).toBe('a')
    expect(notShown(['a…b'], 'a\nb')).toBe('a…b')
  })
})
