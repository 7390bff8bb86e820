import { readFileSync } from 'node:fs'

/** The package's version. The sources lie one level below package.json, the built files two. */
export const VERSION: string = versionIn(['../package.json', '../../package.json'])

/** What the build was made from, as whoever made it said: the image does. */
export const REVISION: string = process.env['HERDGATE_REVISION'] || 'unknown'

function versionIn(candidates: readonly string[]): string {
  for (const candidate of candidates) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(candidate, import.meta.url), 'utf8'))
      if (name === 'herdgate') return version
    } catch {} // not there: the next one
  }
  return '0.0.0'
}
