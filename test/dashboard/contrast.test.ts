import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { RESULTS } from '../../src/dashboard/reason.js'

const css = readFileSync(new URL('../../src/dashboard/style.css', import.meta.url), 'utf8')
const COLORS = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)].map(([, name = '', light = '', dark = '']) => [
    name,
    { light, dark },
  ]),
)

/** Relative luminance (WCAG 2.2). */
function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(color.slice(at, at + 2), 16) / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(name: string, on: string, theme: 'light' | 'dark'): number {
  const [front, back] = [COLORS.get(name), COLORS.get(on)]
  if (front === undefined || back === undefined) throw new Error(`the style sheet lacks --${name} or --${on}`)
  const [darker = 0, lighter = 0] = [luminance(front[theme]), luminance(back[theme])].toSorted((a, b) => a - b)
  return (lighter + 0.05) / (darker + 0.05)
}

test.each(['light', 'dark'] as const)(
  'the %s theme has enough contrast: text 4.5 to 1, lines and edges 3 to 1',
  (theme) => {
    for (const on of ['card', 'sunk', 'back']) {
      for (const text of ['ink', 'soft', 'accent', 'good', 'poor', 'bad']) {
        expect(contrast(text, on, theme), `${text} on ${on}`).toBeGreaterThanOrEqual(4.5)
      }
    }
    expect(contrast('on-accent', 'accent', theme)).toBeGreaterThanOrEqual(4.5)
    for (const line of ['edge', ...RESULTS.map((result) => result.replaceAll('_', '-'))]) {
      expect(contrast(line, 'card', theme), line).toBeGreaterThanOrEqual(3)
    }
  },
)
