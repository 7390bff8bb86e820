import { afterEach, expect, test, vi } from 'vitest'
import { storage } from '../../src/dashboard/storage.js'

afterEach(() => {
  vi.unstubAllGlobals()
})

test.each([
  ['has none for the page', { localStorage: null }],
  [
    'refuses it',
    {
      get localStorage() {
        throw new DOMException('refused', 'SecurityError')
      },
    },
  ],
])('what a browser without storage is given to keep lasts as long as the page: it %s', (_what, window) => {
  vi.stubGlobal('window', window)
  const kept = storage('localStorage')
  expect(kept.getItem('theme')).toBeNull()
  kept.setItem('theme', 'dark')
  expect(kept.getItem('theme')).toBe('dark')
  kept.removeItem('theme')
  expect(kept.getItem('theme')).toBeNull()
})
