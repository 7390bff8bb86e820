/** Why a request was answered as it was, in words. */
import { duration } from './format.js'

/** @typedef {import('../live/live.ts').LiveRequest} LiveRequest */

/** All results, from best to worst; the style sheet has a colour for each. */
export const RESULTS = /** @type {const} */ ([
  'hit',
  'stale',
  'stale_if_error',
  'revalidated',
  'collapsed',
  'miss',
  'pass',
  'shed',
  'error',
])

/** `stale_if_error` as `stale if error`. @param {string} name */
export const words = (name) => name.replaceAll('_', ' ')

/** RFC 9211 section 2.2. @type {Readonly<Record<string, string>>} */
const FORWARDED = {
  'uri-miss': 'nothing was stored for it',
  'vary-miss': 'what is stored is for requests with other fields',
  miss: 'nothing that is stored could be used',
  stale: 'the stored copy had expired',
  request: 'the client asked for a new copy',
  partial: 'only a part was stored',
  bypass: 'its route or the request itself bypasses the cache',
  method: 'its method always goes to the origin',
}

/** @type {Readonly<Record<string, string>>} */
const STALE = {
  'soft-timeout': 'the origin took longer than the soft timeout, so the stale copy was served',
  'stale-while-revalidate': 'stale, and being refreshed in the background',
}

/** Passes for another reason than that the answer is for one client. @type {Readonly<Record<string, string>>} */
const PASSED = {
  'max-forwards': 'answered here, as Max-Forwards lets it go no further',
  method: 'a HEAD brings no content to store',
  precondition: 'its precondition is for the origin to judge',
  'request-no-store': 'the client wants its answer not to be stored',
  'too-large': 'its answer is too large to store',
}

/** @param {LiveRequest['outcome']} outcome */
export function reason({ result, fwd, fwdStatus, stored, ttlMs, detail }) {
  const why = FORWARDED[fwd ?? 'miss'] ?? fwd
  const note = detail === undefined ? '' : ` (${words(detail)})`
  switch (result) {
    case 'hit':
      return typeof ttlMs === 'number' && ttlMs >= 1000 ? `fresh for another ${duration(ttlMs)}` : 'fresh'
    case 'stale':
      return STALE[detail ?? ''] ?? `stale${note}`
    case 'stale_if_error':
      return `the origin failed${fwdStatus === undefined ? '' : ` with ${fwdStatus}`}, so the stale copy was served`
    case 'revalidated':
      return 'the origin confirmed that the copy is still valid'
    case 'collapsed':
      return 'joined a fetch in progress'
    case 'miss':
      return `${why}; ${stored ? 'stored now' : `not stored${note}`}`
    case 'pass':
      if (fwd === 'bypass' || fwd === 'method') return `${why}${note}`
      return PASSED[detail ?? ''] ?? `its answer is for one client only${note}`
    case 'shed':
      return 'too many requests were waiting, or memory was short'
    case 'error':
      return detail === undefined ? 'failed' : words(detail)
  }
}
