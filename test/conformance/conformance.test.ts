import { expect, test } from 'vitest'
import { MODES } from './exceptions.ts'
import { lastingFaults } from './run.ts'

const TIMES = 3

test.concurrent.each(MODES)(
  'every required and optimal test passes except the listed exceptions (cookies: %s)',
  async (mode) => {
    expect(await lastingFaults(mode, TIMES)).toEqual([])
  },
)
