const PART = /(\d+(?:\.\d+)?)(ms|s|m|h)/g
const MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const

/** Durations as k6 writes them: `500ms`, `1m30s`. @returns milliseconds @throws if it is not one */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(PART)]
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) {
    throw new Error(`"${text}" is no duration; expected one such as 500ms or 1m30s`)
  }
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * MS[unit as keyof typeof MS], 0)
}
