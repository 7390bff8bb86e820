import { splitUrl } from '../policy/target.ts'
import { printable } from './printable.ts'

/** A path longer than this, in octets, is cut. */
const LONGEST_PATH = 2048

/** Path and query of a URL, with the names of its parameters but not their values. Empty when there is no URL. */
export function redactedPath(url: string): string {
  if (url === '') return ''
  const { target } = splitUrl(url.slice(0, LONGEST_PATH))
  const mark = target.indexOf('?')
  if (mark === -1) return printable(target, LONGEST_PATH)
  const query = target
    .slice(mark + 1)
    .split('&')
    .map(redacted)
    .join('&')
  return printable(`${target.slice(0, mark)}?${query}`, LONGEST_PATH)
}

/** A parameter without "=" may be all value. */
function redacted(parameter: string): string {
  const equals = parameter.indexOf('=')
  if (equals === -1) return parameter === '' ? '' : '*'
  return `${parameter.slice(0, equals)}=*`
}
