import { type Spread, spread } from '../lib/rounds.ts'
import { type Contests, cpu, type Results, roundsOf } from './results.ts'
import { SCENARIOS } from './scenarios.ts'
import { HERDGATE, OWN_HIT } from './servers.ts'

const WIDTH = 760
const LABEL = 210
const BAR = { height: 16, pitch: 24 }
const HEADING = 34
const VALUE = 60

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .heading { font-weight: 600 }
  .bar { fill: #8c959f }
  .ours { fill: #0969da }
  .spread { stroke: #1f2328; stroke-width: 1 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .bar { fill: #6e7681 }
    .ours { fill: #58a6ff }
    .spread { stroke: #e6edf3 }
  }
`

/** Bars of server CPU time per request, in a group per scenario, cheapest first. @returns SVG */
export function chart(results: Results): string {
  const groups = SCENARIOS.flatMap(({ name, title }) => {
    const contests = results.get(name)
    return contests === undefined ? [] : [group(title, contests)]
  })
  let top = 10
  const drawn = groups.map(({ height, draw }) => {
    const lines = draw(top)
    top += height
    return lines
  })
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${top}" viewBox="0 0 ${WIDTH} ${top}" role="img">`,
    '<title>Server CPU time per request in microseconds; less is better</title>',
    `<style>${STYLE}</style>`,
    ...drawn.flat(),
    '</svg>',
  ].join('\n')}\n`
}

function group(title: string, contests: Contests) {
  const rows = [...roundsOf(contests)]
    .filter(([name]) => name !== OWN_HIT) // it has a group of its own
    .map(([name, rounds]) => ({ name, cost: spread(rounds.map(cpu)) }))
    .toSorted((one, other) => one.cost.median - other.cost.median)
  const most = Math.max(...rows.map(({ cost }) => cost.max))
  const scale = (WIDTH - LABEL - VALUE) / most
  return {
    height: HEADING + rows.length * BAR.pitch + 8,
    draw: (top: number): string[] => [
      `<text class="heading" x="0" y="${top + 16}">${escaped(title)}: µs of CPU per request</text>`,
      ...rows.flatMap(({ name, cost }, at) => bar(name, cost, top + HEADING + at * BAR.pitch, scale)),
    ],
  }
}

/** The bar shows the median, the line across its end the range from the smallest round to the largest. */
function bar(name: string, { median, min, max }: Spread, top: number, scale: number): string[] {
  const middle = top + BAR.height / 2
  const x = (value: number): string => (LABEL + value * scale).toFixed(1)
  const kind = name === HERDGATE ? 'bar ours' : 'bar'
  return [
    `<text x="${LABEL - 8}" y="${middle + 4}" text-anchor="end">${escaped(name)}</text>`,
    `<rect class="${kind}" x="${LABEL}" y="${top}" width="${(median * scale).toFixed(1)}" height="${BAR.height}" rx="2"/>`,
    `<line class="spread" x1="${x(min)}" y1="${middle}" x2="${x(max)}" y2="${middle}"/>`,
    `<text x="${(LABEL + max * scale + 8).toFixed(1)}" y="${middle + 4}">${median.toFixed(1)}</text>`,
  ]
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
