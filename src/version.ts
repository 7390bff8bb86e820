import { readFileSync } from 'node:fs'

/** The package's version. Sources are one level below package.json, built files two. */
export const VERSION: string = versionIn(['../package.json', '../../package.json'])

/** Source revision of the build, if the builder set it, as the image does. */
export const REVISION: string = process.env['HERDGATE_REVISION'] || 'unknown'

function versionIn(candidates: readonly string[]): string {
  for (const candidate of candidates) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(candidate, import.meta.url), 'utf8'))
      if (name === 'herdgate') return version
    } catch {} // not there: try the next
  }
  return '0.0.0'
}
